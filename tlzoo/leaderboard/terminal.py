"""A board for a terminal: as many columns as have room, and a ladder for each tier of weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from tlzoo import terminal
from tlzoo.leaderboard.row import ScoredRow
from tlzoo.leaderboard.table import LEGEND, Column, Section, absences, sections

TIERS = {"official": "official weights", "stand-in": "stand-in weights", "none": "from scratch"}
"""Heading of a tier's rows."""
SEEDS = Column("seeds", "seeds", lambda r: str(len(r.seeds or ())))
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
)
"""Columns in the order in which they are given room; then all others, as they stand on the board."""
ESSENTIAL = ORDER[: ORDER.index("size_bytes") + 1]
"""Columns for which intervals are shortened and names are broken where they have no room."""
MIN_NAME_WIDTH = 14
"""Columns of a terminal that the name of a model gets at least."""


def to_text(board: pa.Table, width: int | None = None, by_tier: bool = True) -> str:
    """Tables for a terminal; a number is never cut or broken.

    Args:
        board: Rows in their order.
        width: Columns of the terminal; all columns of the board are shown where it is none.
        by_tier: Whether the rows of a tier of weights stand together, the tier with the best row first; else all rows
            of a table are one list, as when they were sorted by a column.
    """
    lines: list[str] = []
    hidden: dict[str, None] = {}
    parts = sections(board)
    for part in parts:
        shown = _table(part, width, by_tier)
        hidden.update(dict.fromkeys(column.head.replace(terminal.HOLD, " ") for column in shown.hidden))
        lines += [terminal.wrap(part.title, width), *shown.head]
        of_row = dict(zip(map(id, part.rows), shown.rows, strict=True))
        for tier, rows in _ladders(part, by_tier):
            lines += [f"{TIERS.get(tier, tier)}:"] if by_tier else []
            lines += [line for row in rows for line in of_row[id(row)]]
        lines.append("")
    if hidden:
        lines.append(terminal.hidden(list(hidden), width))
    if board.num_rows:
        lines.append(terminal.wrap(LEGEND, width))
    lines += [terminal.wrap(line, width) for line in absences(board)]
    return "\n".join(lines)


def _ladders(part: Section, by_tier: bool) -> list[tuple[str, Sequence[ScoredRow]]]:
    """Rows that are ranked together, by their tier: the tier with the best row first."""
    if not by_tier:
        return [("", part.rows)]
    tiers: dict[str, list[ScoredRow]] = {}
    for row in part.rows:
        tiers.setdefault(row.weights, []).append(row)
    return sorted(tiers.items(), key=lambda item: -max(row.score for row in item[1]))


def _table(part: Section, width: int | None, by_tier: bool) -> terminal.Table:
    """The table of a section, with short intervals where whole ones leave no room for what is essential."""
    columns = [column for column in part.columns if not (by_tier and column.by == "weights")]
    if all(column.by != "seeds" for column in columns):
        at = next(i for i, column in enumerate(columns) if column.by == "value")
        columns.insert(at, SEEDS)
    whole = _laid_out(part, columns, width)
    if not any(column.is_essential for column in whole.hidden):
        return whole
    return _laid_out(part, [_shortened(column) for column in columns], width)


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
