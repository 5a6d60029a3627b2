import time
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Learner, Model
from tlzoo.leaderboard.schema import MEASURED
from tlzoo.measure.measure import Measurement, measure, training_rate
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


def test_counts_are_exact_times_are_ordered_and_training_has_a_rate() -> None:
    assert tuple(field.name for field in fields(Measurement)) == MEASURED
    measured = measure(Linear, ROWS)
    assert (measured.params, measured.size_bytes, measured.flops) == (400_400, 1_601_600, 2 * 1000 * 400)
    assert measured.latency_ms_p50 and measured.latency_ms_p90 and measured.latency_ms_p99 and measured.throughput
    assert 0 < measured.latency_ms_p50 <= measured.latency_ms_p90 <= measured.latency_ms_p99
    assert measured.throughput >= 0.5 * 1000 / measured.latency_ms_p50
    assert training_rate(Linear(), ROWS, 8) > 0


def test_latency_is_that_of_the_model() -> None:
    class Slow(Linear):
        def predict(self, batch: Batch) -> list[float]:
            time.sleep(0.02)
            return super().predict(batch)

    assert measure(Slow, ROWS).latency_ms_p50 == pytest.approx(20, abs=15)


class Large(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.ballast = nn.Parameter(torch.from_numpy(np.random.default_rng(0).random(25_000_000, np.float32)))


def test_memory_is_what_the_model_takes() -> None:
    with Worker() as worker:  # a process that ran other tests has freed memory to take from
        measured = worker.call(measure, Large, ROWS)
    assert measured.peak_memory_bytes == pytest.approx(1e8, rel=0.5)
