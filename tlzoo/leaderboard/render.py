"""A board for people and for programs: terminal, Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tlzoo.errors import InputError, unknown
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.schema import BOARD

FORMATS = ("table", "md", "csv", "json")
Row = dict[str, Any]


def count(number: float | None) -> str:
    """A large count in three digits: ``3.73 M``."""
    if number is None:
        return ""
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g}{unit}"
    return f"{number:.3g}"


def megabytes(number: float | None) -> str:
    """Bytes in MB (10^6), three digits."""
    return "" if number is None else f"{number / 1e6:.3g}"


def _number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    return "" if value is None else f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def _interval(row: Row, value: str, low: str, high: str, sign: bool = False) -> str:
    if row[value] is None:
        return ""
    return f"{_number(row[value], sign=sign)} [{_number(row[low], sign=sign)}, {_number(row[high], sign=sign)}]"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}×"


def _tokens(prompt: int | None, completion: int | None) -> str:
    return "" if prompt is None or completion is None else f"{count(prompt)} + {count(completion)}"


_COLUMNS: list[tuple[str, str, Callable[[Row], str]]] = [
    ("#", "right", lambda r: "" if r["rank"] is None else str(r["rank"])),
    ("model", "left", lambda r: f"{r['card']} {r['variant']}"),
    ("weights", "left", lambda r: r["weights"]),
    ("strategy", "left", lambda r: r["strategy"] or ""),
    ("{metric} [95%]", "right", lambda r: _interval(r, "value", "ci_low", "ci_high")),
    ("gain over scratch [95%]", "right", lambda r: _interval(r, "gain", "gain_low", "gain_high", sign=True)),
    ("transfer", "left", lambda r: r["verdict"] or ""),
    ("time to target ↑", "right", lambda r: _ratio(r["time_to_target"])),
    ("label savings ↑", "right", lambda r: _ratio(r["label_savings"])),
    ("training s ↓", "right", lambda r: _seconds(r["train_seconds"])),
    ("latency p50 ms ↓", "right", lambda r: "" if r["latency_ms_p50"] is None else f"{r['latency_ms_p50']:.3g}"),
    ("examples/s ↑", "right", lambda r: count(r["throughput"])),
    ("params", "right", lambda r: count(r["params"])),
    ("size MB ↓", "right", lambda r: megabytes(r["size_bytes"])),
    ("memory MB ↓", "right", lambda r: megabytes(r["peak_memory_bytes"])),
    ("requests", "right", lambda r: "" if r["requests"] is None else f"{r['requests']} (+{r['cached']} cached)"),
    ("tokens in + out", "right", lambda r: _tokens(r["prompt_tokens"], r["completion_tokens"])),
    ("cost $ ↓", "right", lambda r: "" if r["cost_usd"] is None else f"{r['cost_usd']:.4f}"),
]


def rows_of(board: pa.Table) -> list[Row]:
    """Rows as plain values; what is no number is null, as JSON wants it."""
    return [{k: _plain(v) for k, v in row.items()} for row in board.to_pylist()]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(board: pa.Table) -> str:
    """One object a row, with the columns of ``schema.BOARD``."""
    return json.dumps(rows_of(board), indent=1)


def to_csv(board: pa.Table) -> str:
    """One line a row; lists are separated by blanks."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(BOARD.names)
    for row in rows_of(board):
        writer.writerow([" ".join(map(str, v)) if isinstance(v, list) else v for v in (row[n] for n in BOARD.names)])
    return sink.getvalue()


def _sections(board: pa.Table) -> list[tuple[str, list[tuple[str, str, Callable[[Row], str]]], list[Row]]]:
    """Title, columns in use, and rows, for each task, data set, fraction and metric, whatever the board's order."""

    def key(row: Row) -> tuple[Any, ...]:
        return row["task"], row["dataset"], row["fraction"], row["metric"]

    grouped: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows_of(board):
        if row["value"] is not None:
            grouped.setdefault(key(row), []).append(row)
    sections = []
    for (task, dataset, fraction, name), rows in grouped.items():
        share = "" if fraction in (None, 1.0) else f", {fraction:.0%} of the labels"
        title = f"{task} on {dataset}{share} ({rows[0]['n_test']} test examples)"
        shown = [(head.format(metric=METRICS[name].title), side, cell) for head, side, cell in _COLUMNS]
        sections.append((title, [c for c in shown if any(c[2](r) for r in rows)], rows))
    return sections


def _absences(board: pa.Table) -> list[str]:
    """One line for what a model lacks for the same reason, but for its numbers."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows_of(board):
        if row["value"] is None:
            reason = re.sub(r"[\d.]+", "0", row["reason"] or "")
            alike.setdefault((row["card"], row["dataset"] or "", row["status"], reason), []).append(row)
    lines = []
    for (card, _, status, _), rows in alike.items():
        what = ", ".join(dict.fromkeys(r["strategy"] for r in rows if r["strategy"]))
        such = "" if len({r["reason"] for r in rows}) == 1 else ", such as"
        lines.append(f"{card} {what}".strip() + f": {status}{such}: {rows[0]['reason']}")
    return lines


def to_markdown(board: pa.Table) -> str:
    """One table for each task, data set and fraction, then what has no result, and why."""
    lines: list[str] = []
    for title, columns, rows in _sections(board):
        lines += [f"### {title}", "", "| " + " | ".join(c[0] for c in columns) + " |"]
        lines.append("|" + "|".join("---:" if side == "right" else "---" for _, side, _ in columns) + "|")
        lines += ["| " + " | ".join(cell(row) for _, _, cell in columns) + " |" for row in rows]
        lines.append("")
    absences = _absences(board)
    if absences:
        lines += ["Without a result:", "", *(f"- {line}" for line in absences), ""]
    return "\n".join(lines)


def to_text(board: pa.Table, width: int | None = None) -> str:
    """Tables for a terminal.

    Args:
        board: Ranked rows.
        width: Columns of the terminal; wide enough for all by default.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    sink = io.StringIO()
    console = Console(file=sink, width=width or 200, highlight=False)
    for title, columns, rows in _sections(board):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="")
        for head, side, _ in columns:
            table.add_column(head, justify="right" if side == "right" else "left")
        for row in rows:
            table.add_row(*(Text(cell(row)) for _, _, cell in columns))
        console.print(table)
        console.print()
    if rows_of(board):
        console.print(
            "Ranks are within a tier of weights; models whose paired difference cannot be told from zero share one. "
            "stand-in: not the published model, but a small one pretrained here on rendered or packaged data, or "
            "another that is served in its place.",
            soft_wrap=True,
        )
    for line in _absences(board):
        console.print(Text(line), soft_wrap=True)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def render(board: pa.Table, form: str, width: int | None = None) -> str:
    """Render a board in one of :data:`FORMATS`."""
    if form == "table":
        return to_text(board, width)
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
    rising = not (
        column in ("value", "gain", "throughput", "time_to_target", "label_savings") and pa.types.is_floating(kind)
    )
    if column == "value" and board.num_rows:
        first = METRICS.get(board["metric"][0].as_py() or "")
        rising = bool(first and not first.higher)
    return board.sort_by([(column, "ascending" if rising else "descending")])
