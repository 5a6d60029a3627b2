"""The trade-off in one picture, whatever was measured and whoever named it."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("gradio")

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.schema import RESULT
from tlzoo.space.tradeoffs import learning, tradeoff

Maker = Callable[..., dict[str, Any]]


def ranked(*rows: dict[str, Any]) -> list[ScoredRow]:
    return scored(rows_of(board(pa.Table.from_pylist(list(rows), schema=RESULT))))


def test_what_has_no_size_has_the_smallest_mark(row: Maker) -> None:
    alone = tradeoff(ranked(row("gpt-4", "zero-shot", 0.9, size_bytes=None)))
    assert alone.data[0].text == ("gpt-4 base zero-shot",)
    both = tradeoff(ranked(row("gpt-4", "zero-shot", 0.9, size_bytes=None), row("crepe", "probe", 0.6)))
    assert both.data[0].text == ("gpt-4 base zero-shot", "crepe base probe<br>15 MB")
    assert both.data[0].marker.size[0] < both.data[0].marker.size[1]


def test_no_name_is_markup(row: Maker) -> None:
    link = '<a href="https://e.x">best</a>'
    rows = ranked(row(link, "probe", 0.9), row(link, "probe", 0.5, fraction=0.1))
    curves = learning(rows)
    assert curves is not None
    for said in (tradeoff(rows).data[0].text[0], curves.data[0].name):
        assert "<a" not in said and "&lt;a href" in said
