"""What ships: results of real runs, and the board that they make."""

import pytest

from tlzoo import api
from tlzoo.cards import catalogue
from tlzoo.cards.vocabulary import TASKS
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import Store, read_board


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLZOO_REFERENCE")


def test_the_board_is_that_of_the_runs() -> None:
    folder = api.reference()
    assert read_board(folder / "board.parquet").equals(board(Store(folder / "runs").read()))


def test_runs_are_of_the_catalogue_and_name_no_place_of_a_machine() -> None:
    runs = Store(api.reference() / "runs").read()
    assert set(runs["card"].to_pylist()) <= {card.id for card in catalogue.cards()}
    assert set(runs["task"].to_pylist()) <= set(TASKS)
    assert set(runs["origin"].to_pylist()) == {"reference"}
    for name in ("reason", "dataset", "hardware", "recipe"):
        assert not [value for value in runs[name].to_pylist() if value and ("/tmp/" in value or "/home/" in value)]


def test_a_new_clone_has_a_board_to_browse() -> None:
    shown = api.Leaderboard("nothing-here").table("audio-classification")
    assert len({row["card"] for row in shown.to_pylist() if row["value"] is not None}) >= 5
