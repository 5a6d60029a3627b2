"""A board for people and for programs: Markdown, CSV, JSON.

``tlzoo.leaderboard.views.html`` has HTML, ``tlzoo.leaderboard.views.terminal`` the tables of a terminal.
"""

from __future__ import annotations

import csv
import io
import json
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.errors import InputError, unknown
from tlzoo.leaderboard import Format
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import rows_of
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.views.html import page
from tlzoo.leaderboard.views.table import absences, sections
from tlzoo.leaderboard.views.terminal import to_text

FORMATS: tuple[str, ...] = get_args(Format)
_FALLING = frozenset(
    {"gain", "throughput", "validation", "time_to_target", "steps_to_target", "cost_ratio", "label_savings"}
)
"""Columns of which more is better."""


def to_json(board: pa.Table) -> str:
    """One object a row, with the columns of ``schema.BOARD``."""
    return json.dumps([row.to_json() for row in rows_of(board)], indent=1)


def to_csv(board: pa.Table) -> str:
    """One line a row; lists are separated by blanks."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(BOARD.names)
    for row in rows_of(board):
        writer.writerow([" ".join(map(str, v)) if isinstance(v, list) else v for v in row.to_json().values()])
    return sink.getvalue()


def to_markdown(board: pa.Table) -> str:
    """One table for each task, data set and fraction, then what has no result, and why."""
    lines: list[str] = []
    for part in sections(board):
        lines += [
            f"### {part.title}",
            "",
            *(f"{note}\n" for note in part.notes),
            "| " + " | ".join(map(part.head, part.brief)) + " |",
        ]
        lines.append("|" + "|".join("---" if c.is_text else "---:" for c in part.brief) + "|")
        lines += ["| " + " | ".join(c.cell(row) for c in part.brief) + " |" for row in part.rows]
        lines.append("")
    missing = absences(board)
    if missing:
        lines += ["Without a result:", "", *(f"- {line}" for line in missing), ""]
    return "\n".join(lines)


def render(board: pa.Table, form: str, width: int | None = None) -> str:
    """Render a board in one of :data:`FORMATS`; ``width`` is of ``tlzoo.leaderboard.views.terminal``."""
    if form == "table":
        return to_text(board, width)
    if form == "html":
        return page(board)
    renderers = {"md": to_markdown, "csv": to_csv, "json": to_json}
    if form not in renderers:
        raise unknown("format", form, FORMATS, "--format")
    return renderers[form](board)


def sort(board: pa.Table, column: str) -> pa.Table:
    """Sort by a column: numbers as they improve (small first for time and size), text by name.

    Raises:
        InputError: No such column.
    """
    if column not in BOARD.names:
        raise unknown("column", column, BOARD.names, "--sort")
    kind = BOARD.field(column).type
    if pa.types.is_list(kind):
        raise InputError(f"--sort {column}: lists have no order; columns: {', '.join(BOARD.names)}")
    if column == "value":  # boards have metrics of both directions
        signs = [METRICS[name].sign if name in METRICS else 1 for name in board["metric"].to_pylist()]
        quality = pc.multiply(board["value"], pa.array(signs, pa.int64()))
        return board.take(pc.sort_indices(pa.table({"quality": quality}), [("quality", "descending")]))
    rising = column not in _FALLING
    return board.sort_by([(column, "ascending" if rising else "descending")])
