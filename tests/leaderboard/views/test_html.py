from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.api import Leaderboard
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.views.html import fragment, page
from tlzoo.leaderboard.views.render import sort


class Cells(HTMLParser):
    """Text of the cells of each row, and tags that were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers |= {name for name, _ in attrs if name.startswith("on")}
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_it_shows_intervals_places_and_what_is_missing_however_it_is_sorted(row: Maker) -> None:
    lost = row("gone", "probe", 0.0) | {"status": "unavailable", "value": None, "reason": "no weights"}
    found = Cells(fragment(board_of(row("a", "probe", 0.9), row("b", "probe", 0.9), row("c", "probe", 0.5), lost)))
    head, *body = found.rows
    assert [line[:2] for line in body] == [["1-2", "a base"], ["1-2", "b base"], ["3", "c base"]]
    assert body[0][head.index("accuracy ↑ [95%]")] == "0.900 [0.850, 0.935]"
    assert "gone probe: unavailable: no weights" in fragment(board_of(lost))
    rows = [row("a", "probe", 0.9, params=1), row("c", "probe", 0.5, params=2), row("b", "probe", 0.9, params=3)]
    html = fragment(sort(board_of(*rows), "params"))
    assert [line[:2] for line in Cells(html).rows[1:]] == [["1-2", "a base"], ["3", "c base"], ["1-2", "b base"]]
    assert "the best and the worst place that the evidence allows" in html


def test_a_board_that_is_read_as_it_is_brings_no_markup(
    row: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text of a board that somebody shares."""
    hostile = 'x"><script>alert(1)</script><img src=x onerror="alert(2)">'
    (good,) = board_of(row("a", "probe", 0.9)).to_pylist()
    texts = [name for name in BOARD.names if pa.types.is_string(BOARD.field(name).type)]
    rows = [good | {name: hostile} for name in texts if name not in ("task", "metric")]
    rows += [good | {"value": None, "status": hostile, "reason": hostile, "card": hostile}]
    pq.write_table(pa.Table.from_pylist(rows, schema=BOARD), tmp_path / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", str(tmp_path))
    shown = page(Leaderboard(tmp_path / "none").table("audio-classification"))
    found = Cells(shown)
    assert "img" not in found.tags and shown.count("<script>") == 1
    assert found.handlers == set()
    assert 'class="text positive"' in page(pa.Table.from_pylist([good | {"verdict": "positive"}], schema=BOARD))


def test_a_page_needs_nothing_else_and_its_columns_can_be_hidden(row: Maker) -> None:
    board = board_of(row("a", "probe", 0.9))
    assert "params" in Cells(fragment(board)).rows[0]
    assert "params" not in Cells(fragment(board, {"params"})).rows[0]
    html = page(board_of(row("a", "probe", 0.9)))
    assert html.startswith("<!doctype html>") and "http" not in html
    assert {"style", "script", "table"} <= Cells(html).tags
