"""A board for a terminal: as many columns as have room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from tlzoo import terminal
from tlzoo.leaderboard.views.table import Column, Section, absences, legend, sections

ORDER = (
    "card",
    "value",
    "rank",
    "weights",
    "strategy",
    "gain",
    "seeds",
    "latency_ms_p50",
    "size_bytes",
    "threads",
    "verdict",
    "cost_usd",
    "params",
    "train_seconds",
    "time_to_target",
    "label_savings",
    "chosen",
)
"""Columns in the order in which they are given room; then all others, as they stand on the board."""
ESSENTIAL = ORDER[: ORDER.index("size_bytes") + 1]
"""Columns for which intervals are shortened and names are broken where they have no room."""
MIN_NAME_WIDTH = 14
"""Columns of a terminal that the name of a model gets at least."""


def to_text(board: pa.Table, width: int | None = None) -> str:
    """Tables for a terminal; a number is never cut or broken.

    Args:
        board: Rows in their order.
        width: Columns of the terminal; all columns of the board are shown where it is none.
    """
    lines: list[str] = []
    hidden: dict[str, None] = {}
    for part in sections(board):
        shown = _table(part, width)
        hidden.update(dict.fromkeys(column.head.replace(terminal.HOLD, " ") for column in shown.hidden))
        lines += [terminal.wrap(line, width) for line in (part.title, *part.notes)]
        lines += [*shown.lines, ""]
    if hidden:
        lines.append(terminal.hidden(list(hidden), width))
    if board.num_rows:
        lines.append(terminal.wrap(legend(board), width))
    lines += [terminal.wrap(line, width) for line in absences(board)]
    return "\n".join(lines)


def _table(part: Section, width: int | None) -> terminal.Table:
    """The table of a section, with short intervals where whole ones leave no room for what is essential."""
    whole = _laid_out(part, part.columns, width)
    if not any(column.is_essential for column in whole.hidden):
        return whole
    return _laid_out(part, [_shortened(column) for column in part.columns], width)


def _laid_out(part: Section, columns: Sequence[Column], width: int | None) -> terminal.Table:
    laid = [
        terminal.Column(
            re.sub(" (?=[↑↓])", terminal.HOLD, part.head(column)),
            priority=ORDER.index(column.by) if column.by in ORDER else len(ORDER) + place,
            is_text=column.is_text,
            least=MIN_NAME_WIDTH if column.by == "card" else None,
            is_essential=column.by in ESSENTIAL,
        )
        for place, column in enumerate(columns)
    ]
    return terminal.table(laid, [[column.cell(row) for column in columns] for row in part.rows], width)


def _shortened(column: Column) -> Column:
    if column.by == "value":
        return replace(column, head="{metric} ±95%", cell=lambda row: _margin(row.value, row.ci_low, row.ci_high))
    if column.by == "gain":
        head = "gain over scratch ±95%"
        return replace(column, head=head, cell=lambda row: _margin(row.gain, row.gain_low, row.gain_high, "+"))
    return column


def _margin(value: float | None, low: float | None, high: float | None, sign: str = "") -> str:
    """A value with the longer side of its interval."""
    if value is None:
        return ""
    longer = "" if low is None or high is None else f" ±{max(high - value, value - low):.3f}"
    return f"{value:{sign}.3f}{longer}"
