"""What was ranked is kept, and is what ranking it again gives."""

from pathlib import Path

import pytest

from tests.support.boards import Maker
from tlzoo.leaderboard import boards
from tlzoo.leaderboard.boards import board_of
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import Store


@pytest.fixture
def store(tmp_path: Path, row: Maker) -> Store:
    store = Store(tmp_path / "results")
    for card, strategy, value in (("a", "scratch", 0.4), ("a", "probe", 0.8), ("b", "probe", 0.7)):
        store.write([row(card, strategy, value)])
    store.write([row("c", "full", 0.0, status="skipped", value=None, reason="no time")])
    store.write([row("a", "probe", 0.5, dataset="other", run_id="other")])
    return store


def test_it_is_the_board_of_the_results_and_is_ranked_once(
    store: Store, tmp_path: Path, row: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = board(store.read())
    ranked: list[int] = []
    rank = boards.ranked_view
    monkeypatch.setattr(boards, "ranked_view", lambda table: ranked.append(table.num_rows) or rank(table))
    for _ in range(2):
        assert board_of(store, tmp_path / "boards").equals(made)
    assert sorted(ranked) == [1, 3], "each set of runs that are compared, once"
    store.write([row("d", "probe", 0.9)])
    assert board_of(store, tmp_path / "boards").equals(board(store.read()))
    assert sorted(ranked) == [1, 3, 4], "what a new run is compared with, and no more"


def test_a_run_that_was_made_again_is_ranked_again(store: Store, tmp_path: Path, row: Maker) -> None:
    board_of(store, tmp_path / "boards")
    store.write([row("b", "probe", 0.2)])
    assert board_of(store, tmp_path / "boards").equals(board(store.read()))


def test_a_kept_board_that_is_damaged_is_made_again(store: Store, tmp_path: Path) -> None:
    made = board_of(store, tmp_path / "boards")
    for path in (tmp_path / "boards").iterdir():
        path.write_bytes(b"no")
    assert board_of(store, tmp_path / "boards").equals(made)


def test_only_the_tasks_that_are_asked_for_are_ranked(store: Store, tmp_path: Path) -> None:
    assert board_of(store, tmp_path / "boards", ["pitch-extraction"]).num_rows == 0
    assert not (tmp_path / "boards").exists()


def test_results_that_cannot_be_used_are_left_out_and_not_kept(
    store: Store, tmp_path: Path, row: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write([row("bad", "probe", 0.9, statistics=[[1.0]] * 199 + [[]])])
    shown = board_of(store, tmp_path / "boards")
    assert "bad" not in shown["card"].to_pylist() and "b" in shown["card"].to_pylist()
    assert "bad-probe-0-1.0.parquet: left out" in capsys.readouterr().err
    assert len(list((tmp_path / "boards").iterdir())) == 1, "that of the other data"
