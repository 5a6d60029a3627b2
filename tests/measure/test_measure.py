import time
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Learner, Model
from tlzoo.leaderboard.schema import MEASURED, RESULT
from tlzoo.measure.measure import _loaded, _percentile, measure, training_rate
from tlzoo.measure.measurement import Measurement
from tlzoo.run.worker import Worker


class Linear(Learner, Model):
    """A megabyte and a half of weights, and two million operations."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1000, 400)
        self.spec = Spec("text")
        self.calls = 0

    def encode(self, row: Row) -> Example:
        return {"x": torch.full((1000,), float(row["x"]))}

    def predict(self, batch: Batch) -> list[float]:
        self.calls += 1
        return [float(v) for v in self.layer(batch["x"]).sum(1)]

    def loss(self, batch: Batch) -> torch.Tensor:
        return self.layer(batch["x"]).square().mean()


ROWS = [{"x": i} for i in range(3)]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of a fourth of the time."""
    monkeypatch.setattr("tlzoo.measure.measure.ROUND_SECONDS", (0.4, 1.2))
    monkeypatch.setattr("tlzoo.measure.measure.THROUGHPUT_SECONDS", 1.5)
    monkeypatch.setattr("tlzoo.measure.measure.STORED_SECONDS", 0.3)


def test_counts_are_exact_times_are_ordered_and_training_has_a_rate() -> None:
    assert set(MEASURED) <= {field.name for field in fields(Measurement)} <= set(RESULT.names)
    measured = measure(Linear, ROWS)
    assert (measured.params, measured.size_bytes, measured.flops) == (400_400, 1_601_600, 2 * 1000 * 400)
    assert measured.latency_ms_p50 and measured.latency_ms_p90 and measured.latency_ms_p99 and measured.throughput
    assert 0 < measured.latency_ms_p50 <= measured.latency_ms_p90 <= measured.latency_ms_p99
    assert measured.throughput >= 0.5 * 1000 / measured.latency_ms_p50
    assert measured.end_to_end_ms and measured.noisy in (True, False)
    assert training_rate(Linear(), ROWS, 8) > 0


def test_latency_is_that_of_the_model(short: None) -> None:
    class Slow(Linear):
        def predict(self, batch: Batch) -> list[float]:
            time.sleep(0.02)
            return super().predict(batch)

    measured = measure(Slow, ROWS)
    assert measured.latency_ms_p50 == pytest.approx(20, abs=15)
    assert measured.latency_ms_p90 and measured.latency_ms_p99 is None, "some hundred calls show no 99th percentile"
    assert measured.throughput == pytest.approx(64 / 0.02, rel=0.5), "all sizes were tried"


def test_of_few_calls_there_is_no_percentile_but_the_median() -> None:
    times = np.linspace(0.001, 0.002, 99)
    assert _percentile(times, "p90") is None
    assert _percentile(np.append(times, 0.002), "p90") == pytest.approx(1.9, abs=0.02)
    assert _percentile(np.tile(times, 10), "p99") is None


def test_a_dip_between_batch_sizes_does_not_end_the_search(short: None) -> None:
    class Dipping(Linear):
        def predict(self, batch: Batch) -> list[float]:
            time.sleep(0.05 if len(batch["x"]) == 4 else 0.005)
            return super().predict(batch)

    assert measure(Dipping, ROWS).throughput == pytest.approx(64 / 0.005, rel=0.5)


def test_one_slow_or_fast_call_does_not_decide_the_throughput(short: None) -> None:
    class Lucky(Linear):
        def predict(self, batch: Batch) -> list[float]:
            time.sleep(0.0 if self.calls % 7 == 3 else 0.02)
            return super().predict(batch)

    assert measure(Lucky, ROWS).throughput == pytest.approx(64 / 0.02, rel=0.5)


def test_rounds_that_differ_are_noisy(short: None) -> None:
    class Throttled(Linear):
        def predict(self, batch: Batch) -> list[float]:
            time.sleep(0.02 if self.calls < 100 else 0.04)
            return super().predict(batch)

    assert measure(Throttled, ROWS).noisy is True


def test_reading_a_stored_example_counts_only_from_end_to_end(short: None) -> None:
    class Decoding(Linear):
        def encode(self, row: Row) -> Example:
            time.sleep(0.03)
            return super().encode(row)

    measured = measure(Decoding, ROWS)
    assert measured.latency_ms_p50 and measured.end_to_end_ms
    assert measured.latency_ms_p50 < 15 < 30 <= measured.end_to_end_ms < 60


def test_what_is_not_computed_with_torch_has_no_flops(short: None) -> None:
    class Table(Linear):
        def predict(self, batch: Batch) -> list[float]:
            return [float(row.numpy().sum()) for row in batch["x"]]

    assert measure(Table, ROWS).flops is None


class Large(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.ballast = nn.Parameter(torch.from_numpy(np.random.default_rng(0).random(25_000_000, np.float32)))


class Wasteful(Linear):
    """What it takes to build, such as pretraining it or reading a checkpoint, is no part of predicting."""

    def __init__(self) -> None:
        super().__init__()
        assert np.ones(40_000_000).sum() > 0  # 320 MB


class Greedy(Linear):
    def predict(self, batch: Batch) -> list[float]:
        assert np.ones(10_000_000).sum() > 0  # 80 MB
        return super().predict(batch)


def peak(kind: type[Linear]) -> int:
    return _loaded(kind, ROWS, "cpu")[1]


def test_memory_is_of_the_model_and_of_predicting_alone() -> None:
    with Worker() as worker:  # a process that ran other tests has freed memory to take from
        assert worker.call(peak, Large) == pytest.approx(1e8, rel=0.3)
        assert worker.call(peak, Wasteful) < 2e7
        assert worker.call(peak, Greedy) == pytest.approx(8e7, rel=0.3)
