"""What the schema says of its columns is true of the results that ship."""

from typing import get_args

import pytest

from tlzoo import api
from tlzoo.leaderboard.schema import BOARD, BOARD_FIELDS, RESULT, RESULT_FIELDS, VERDICTS, Field, Status
from tlzoo.leaderboard.store import Store, read_board
from tlzoo.vocabulary import STRATEGIES, TIERS

CHOICES = {"status": get_args(Status), "strategy": STRATEGIES, "weights": TIERS, "verdict": VERDICTS}


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLZOO_REFERENCE")


@pytest.mark.parametrize("kind", ["results", "board"])
def test_what_is_never_null_is_not(kind: str) -> None:
    folder = api.reference()
    table, fields = (
        (Store(folder / "runs").read(), RESULT_FIELDS)
        if kind == "results"
        else (read_board(folder / "board.parquet"), BOARD_FIELDS)
    )
    assert table.num_rows > 100
    for field in fields:
        assert field.null or not table[field.name].null_count, field.name
        if field.range.startswith(">= 0"):
            assert all(value >= 0 for value in table[field.name].to_pylist() if value is not None), field.name


@pytest.mark.parametrize("field", [*RESULT_FIELDS, *BOARD_FIELDS], ids=lambda field: field.name)
def test_every_column_is_described(field: Field) -> None:
    assert field.meaning and not field.meaning.endswith(".")
    assert field.is_needed == "never" or field.is_needed == "ok" or not field.null
    if field.name in CHOICES:
        assert field.range == ", ".join(CHOICES[field.name])


def test_both_have_a_column_once_and_what_they_share_is_of_one_type() -> None:
    assert len(set(RESULT.names)) == len(RESULT_FIELDS) and len(set(BOARD.names)) == len(BOARD_FIELDS)
    for name in (set(RESULT.names) & set(BOARD.names)) - {"groups"}:  # their names, and their number
        assert RESULT.field(name).type == BOARD.field(name).type
