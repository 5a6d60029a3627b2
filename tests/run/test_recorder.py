"""Rows are written as runs end, and what earlier evaluations recorded is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.leaderboard.store import Store
from tlzoo.measure.measurement import Measurement
from tlzoo.run.budget import Budget
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Absent, Plan, Run, recipe_for
from tlzoo.run.recorder import Recorder

SOURCE = Source("toy", "audio-classification", "audio", "f", "rendered", "")
OUTCOME = Outcome({"accuracy": 0.5}, {"accuracy": [[1.0], [0.0]]}, ["a", "b"], ["a", "b"], 30, "cpu", 1)


@pytest.fixture
def run() -> Run:
    card = catalogue.get("yamnet")
    recipe = recipe_for(card, card.variants[-1], SOURCE.task, "full")
    return Run(Checkpoint(card.id, "nano", "none"), SOURCE.task, SOURCE, "full", 0, 1.0, recipe, "hash")


def recorder(folder: Path, runs: list[Run], lines: list[str], fresh: bool = False) -> Recorder:
    return Recorder(Store(folder), Plan(runs), Budget(10, 0), lines.append, fresh)


def test_a_finished_run_is_known_to_the_next_evaluation(run: Run, tmp_path: Path) -> None:
    lines: list[str] = []
    first = recorder(tmp_path, [run], lines)
    assert not first.is_finished(run) and first.earlier_seconds(run) == 0
    first.result(run, OUTCOME, Measurement(throughput=5.0))
    assert lines == ["yamnet/nano full: accuracy 0.500"]
    done = first.evaluation([run], ("a.wav: empty",), 3)
    assert (done.executed, done.failed, done.problems) == (1, 0, ("a.wav: empty",))
    assert done.board["throughput"].to_pylist() == [5.0]
    again = recorder(tmp_path, [run], lines)
    assert again.is_finished(run) and again.earlier_seconds(run) > 0
    assert not recorder(tmp_path, [run], lines, fresh=True).is_finished(run)


def test_a_failure_is_shown_and_tried_again(run: Run, tmp_path: Path) -> None:
    lines: list[str] = []
    first = recorder(tmp_path, [run, replace(run, seed=1, fraction=0.2)], lines)
    first.result(run, OUTCOME, Measurement())
    first.failure(replace(run, seed=1, fraction=0.2), "out-of-memory", "killed")
    first.absence(Absent("bert", "nano", "official", SOURCE, "reads text", "skipped"))
    assert lines[1] == "yamnet/nano full, 20% of the labels, seed 1: out-of-memory: killed"
    done = first.evaluation([run], (), 3)
    assert sorted(done.board["status"].to_pylist()) == ["ok", "out-of-memory", "skipped"]
    assert done.failed == 1, "what was skipped as planned did not fail"
    assert not recorder(tmp_path, [run], lines).is_finished(replace(run, seed=1, fraction=0.2))


def test_of_a_run_without_a_result_only_a_skipped_one_counts_its_time(run: Run, tmp_path: Path) -> None:
    """A failure is tried again, and takes its time again."""
    first = recorder(tmp_path, [run], [])
    first.failure(run, "skipped", "no time")
    assert recorder(tmp_path, [run], []).earlier_seconds(run) > 0
    first.failure(run, "error", "broken")
    assert recorder(tmp_path, [run], []).earlier_seconds(run) == 0
