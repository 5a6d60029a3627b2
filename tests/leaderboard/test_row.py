from dataclasses import fields

import pytest

from tests.support.boards import Maker, board_of
from tlzoo.leaderboard.row import BoardRow, ResultRow, ScoredRow, row_of, rows_of, scored
from tlzoo.leaderboard.schema import BOARD, RESULT


def test_a_row_has_the_boards_columns_in_their_order() -> None:
    assert [field.name for field in fields(BoardRow)] == BOARD.names
    assert set(ResultRow.__annotations__) <= set(RESULT.names)
    assert set(BOARD.names) & set(RESULT.names) <= set(ResultRow.__annotations__)


def test_a_row_says_whether_it_has_a_finite_value_and_which_is_better(row: Maker) -> None:
    lost = row("c", "probe", 0.0) | {"status": "error", "value": None}
    errors = {"task": "speech-recognition", "metric": "wer", "dataset": "spoken-numbers"}
    rows = [row("a", "probe", 0.8), row("b", "probe", 0.5, fraction=0.1), lost]
    rows += [row(card, "full", wer, **errors, statistics=[[wer, 1.0]] * 200) for card, wer in (("d", 0.2), ("e", 0.4))]
    by_card = {one.card: one for one in rows_of(board_of(*rows))}
    assert [by_card[card].is_scored for card in "abcde"] == [True, True, False, True, True]
    assert {one.card for one in scored(by_card.values())} == set("abde")
    assert by_card["a"].on_all_labels and not by_card["b"].on_all_labels
    few, many = by_card["d"], by_card["e"]
    assert isinstance(few, ScoredRow) and isinstance(many, ScoredRow)
    assert few.better_than(many) and not many.better_than(few) and few.score == -few.value, "fewer errors are better"
    assert few.margins == pytest.approx((0.0, 0.0)) and few.name == "d base full"
    (made,) = board_of(row("a", "probe", 0.8)).to_pylist()
    assert isinstance(row_of(made), ScoredRow)
    broken = row_of(made | {"value": float("nan"), "gain": float("inf")})
    assert type(broken) is BoardRow and broken.value is None and broken.gain is None
