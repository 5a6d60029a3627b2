from dataclasses import replace
from typing import Any

from tlzoo.leaderboard.identity import Titles
from tlzoo.leaderboard.row import BoardRow

TASK = "audio-classification"


def row(**changed: Any) -> BoardRow:
    model = {"card": "yamnet", "variant": "nano", "weights": "official", "metric": "accuracy", "status": "ok"}
    facts = {"task": TASK, "dataset": "toy", "dataset_fingerprint": "f", "value": 0.8, "origin": "local"}
    return BoardRow(**model | facts | changed)


def test_versions_are_told_apart_by_as_much_as_is_needed_and_not_where_there_is_one() -> None:
    """A folder has another fingerprint for each task."""
    rows = [row(), row(dataset_fingerprint="g", task="audio-embedding")]
    assert [Titles(rows).data(r) for r in rows] == ["toy", "toy"]
    assert Titles([rows[0], replace(rows[0], dataset_fingerprint=None)]).data(rows[0]) == "toy"
    rows = [row(dataset_fingerprint=version) for version in ("a" * 64, "a" * 7 + "b" * 57, None)]
    assert [Titles(rows).data(r) for r in rows] == ["toy (aaaaaaaa)", "toy (aaaaaaab)", "toy (version not known)"]


def test_whose_results_and_how_many_threads_is_said_where_they_differ() -> None:
    mine = row(hardware="a laptop", device="cpu")
    theirs = replace(mine, origin="reference", hardware="EPYC")
    failed = replace(mine, value=None, hardware=None, device=None)
    assert [Titles([mine, failed]).machine(r) for r in (mine, failed)] == ["", ""]
    assert Titles([theirs]).machine(theirs) == "reference results, measured on EPYC"
    assert Titles([mine, theirs]).panel(mine) == "toy: local results, measured on a laptop"
    rows = [row(threads=n) for n in (1, 4)]
    assert [Titles(rows).clock(r) for r in rows] == ["local results, 1 thread", "local results, 4 threads"]
    assert Titles(rows[:1]).clock(rows[0]) == ""
