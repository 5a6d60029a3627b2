"""Rows of runs, and of what could not be run."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.core.model import Usage
from tlzoo.data.catalogue import find
from tlzoo.leaderboard.schema import RESULT
from tlzoo.measure.device import thread_count
from tlzoo.measure.measurement import Measurement
from tlzoo.run import record
from tlzoo.run.outcome import Outcome, Training
from tlzoo.run.plan import Absent, Run, recipe_for
from tlzoo.run.record import absence

NAMED = find("audio-classification", "spoken-digits")


def test_an_absence_names_its_data_by_more_than_their_name() -> None:
    row = absence(Absent("yamnet", "nano", "official", NAMED, "it is not available"))
    assert (row["dataset"], row["dataset_fingerprint"]) == ("spoken-digits", NAMED.fingerprint)


def test_absences_on_two_folders_of_one_name_are_two() -> None:
    """Those on named data keep the ids that they have had."""
    own = [replace(NAMED, where="folder", name="data", fingerprint=version) for version in ("f", "g")]
    assert len({absence(Absent("yamnet", "nano", "official", source, ""))["run_id"] for source in own}) == 2
    row = absence(Absent("yamnet", "nano", "official", NAMED, ""))
    assert row["run_id"] == absence(Absent("yamnet", "nano", "official", replace(NAMED, fingerprint="g"), ""))["run_id"]


def test_a_machine_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record._commit() is None


@pytest.fixture
def run() -> Run:
    card = catalogue.get("yamnet")
    recipe = recipe_for(card, card.variants[-1], NAMED.task, "full")
    return Run(Checkpoint(card.id, "nano", "none"), NAMED.task, NAMED, "full", 0, 1.0, recipe, "hash")


USAGE = Usage(requests=3, cached=1, prompt_tokens=9, completion_tokens=4, cost_usd=0.2, served="m-2", paid_usd=0.1)
POINT = {"seconds": 1.0, "step": 5, "loss": 0.5, "score": 0.9}


def test_a_finished_run_is_a_row_for_each_metric(run: Run) -> None:
    training = Training(30, 12, (POINT,), 2.0, 1.0, 1e-3, 40, True, 0.25)
    outcome = Outcome(
        {"accuracy": 0.5, "f1": 0.4},
        {"accuracy": [[1.0], [0.0]], "f1": [[1.0, 0.0], [0.0, 1.0]]},
        ["a", "b"],
        ["a", "b"],
        30,
        "cpu",
        1,
        "a" * 64,
        "b" * 64,
        training,
        usage=USAGE,
    )
    rows = record.rows(run, outcome, Measurement(throughput=5.0, params=7), 12.5)
    assert [(row["metric"], row["value"], row["statistics"]) for row in rows] == [
        ("accuracy", 0.5, [[1.0], [0.0]]),
        ("f1", 0.4, [[1.0, 0.0], [0.0, 1.0]]),
    ]
    for row in rows:
        assert set(row) <= set(RESULT.names), "what this run paid, and its model, are not columns"
        assert (row["n_train"], row["n_test"], row["steps"], row["wall_seconds"]) == (30, 2, 40, 12.5)
        assert (row["throughput"], row["params"], row["latency_ms_p50"]) == (5.0, 7, None)
        assert (row["requests"], row["cost_usd"], row["served"]) == (3, 0.2, "m-2")
        assert row["history"] == [POINT]
        assert (row["n_validation"], row["rate_at_edge"], row["trivial_score"]) == (12, True, 0.25)
        assert (row["weights_sha256"], row["trained_sha256"]) == ("a" * 64, "b" * 64)


def test_a_stand_in_that_was_not_loaded_has_no_hash_and_a_file_has_its_own(run: Run) -> None:
    """The key of its recipe is no hash of a file, and stays the run's own affair."""
    for tier, hash_ in (("stand-in", None), ("official", "c" * 64)):
        start = replace(run, checkpoint=Checkpoint("yamnet", "nano", tier, "c" * 64))  # type: ignore[arg-type]
        assert record.failure(start, "skipped", "no time")["weights_sha256"] == hash_


def test_every_column_of_a_row_is_one_of_the_schema(run: Run) -> None:
    outcome = Outcome({"accuracy": 1.0}, {"accuracy": [[1.0]]}, ["a"], ["a"], 0, "cpu", 1)
    (row,) = record.rows(run, outcome, Measurement(), 1.0)
    assert row["history"] is None and row["train_seconds"] is None and "requests" not in row
    failure = record.failure(run, "skipped", "no time", USAGE, 3.0)
    assert (failure["requests"], failure["wall_seconds"], failure["reason"]) == (3, 3.0, "no time")
    assert (failure["device"], failure["threads"]) == ("cpu", thread_count())
    absent = absence(Absent("yamnet", "nano", "official", NAMED, ""))
    for each in (row, failure, absent):
        assert set(each) <= set(RESULT.names)
        assert pa.Table.from_pylist([each], schema=RESULT)["run_id"].to_pylist() == [each["run_id"]]
