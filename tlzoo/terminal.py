"""Lines for a person: tables as wide as the terminal, text wrapped at words, and nothing that steers the terminal."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from tlzoo.escape import visible

OUTPUT = "standard output"
GAP = "  "
ELLIPSIS = "…"
HOLD = "\N{NO-BREAK SPACE}"
MAX_CHARACTERS = 3_000
"""Of a line of a notice, which may quote any file."""
_MARKER = re.compile(r"\s*(?:[-*+]|\d+\.) +")


def width(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that a stream is shown on (``COLUMNS`` goes first); ``None`` where it is none.

    Args:
        stream: Standard output by default.
    """
    shown = stream or sys.stdout
    if not shown.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdecimal() and int(given) else os.get_terminal_size(shown.fileno()).columns or 80


def put(text: str) -> None:
    """Print what a command gives; what would steer a terminal is left out where there is one, data stay as they are.

    Raises:
        OSError: It cannot be written; its file name is :data:`OUTPUT`.
    """
    try:
        print(text if width() is None else clean(text), flush=True)
    except OSError as error:
        error.filename = OUTPUT
        raise


def say(notice: str) -> None:
    """Print a notice on standard error, where it is in nobody's way."""
    lines = (line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}..." for line in notice.split("\n"))
    print(wrap("\n".join(lines), width(sys.stderr)), file=sys.stderr, flush=True)


def clean(text: str) -> str:
    """Text of strangers without what would steer a terminal; its line ends and tabs are kept."""
    return "\n".join(visible(line) for line in text.split("\n"))


def wrap(text: str, columns: int | None, indent: int | None = None) -> str:
    """Clean text, its lines broken between words; a word that is longer than a line stays whole.

    Args:
        text: Lines.
        columns: Width of the terminal; where it is none, no line is broken.
        indent: Where the rest of a broken line begins; by default below its first word, or below that of a list's item.
    """
    lines = clean(text).split("\n")
    if columns is None:
        return "\n".join(lines)
    return "\n".join(part for line in lines for part in _wrapped(line, columns, indent))


def _wrapped(line: str, columns: int, indent: int | None) -> list[str]:
    lead = line[: len(line) - len(line.lstrip())]
    marker = _MARKER.match(line)
    start = indent or len(marker[0] if marker else lead)
    return textwrap.wrap(
        line.lstrip(),
        max(columns, start + 1),
        initial_indent=lead,
        subsequent_indent=" " * start,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: Its heading, which may be broken at blanks, and is not where :data:`HOLD` stands.
        priority: Columns are given room in this order, the lowest first.
        is_text: Whether it holds words, which stand at the left; numbers stand at the right.
        least: Of words, the least width: where room is short they are broken, and a longer word is cut with an
            ellipsis. A number is never broken or cut.
        is_essential: Whether words are broken so that it has room; what is not essential gets what is left.
    """

    head: str
    priority: int
    is_text: bool = False
    least: int | None = None
    is_essential: bool = True


@dataclass(frozen=True)
class Table:
    """A table as lines.

    Attributes:
        head: The lines of the heading.
        rows: The lines of each row.
        hidden: Columns that had no room.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hidden: tuple[Column, ...]

    @property
    def lines(self) -> list[str]:
        """Heading and rows."""
        return [*self.head, *(line for row in self.rows for line in row)]


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int | None = None) -> Table:
    """Lay out a table.

    Args:
        columns: In the order in which they are shown.
        rows: A text a column.
        available: Width of the terminal; all columns are shown where it is none.
    """
    cells = [[visible(" ".join(text.split())) for text in row] for row in rows]
    widths = _widths(columns, cells, available)
    shown = sorted(widths)
    return Table(
        tuple(_lines([columns[i] for i in shown], [columns[i].head for i in shown], [widths[i] for i in shown], True)),
        tuple(
            tuple(_lines([columns[i] for i in shown], [row[i] for i in shown], [widths[i] for i in shown]))
            for row in cells
        ),
        tuple(column for i, column in enumerate(columns) if i not in widths),
    )


def hidden(heads: Sequence[str], columns: int | None) -> str:
    """The line that says which columns of a table had no room."""
    count = "1 column" if len(heads) == 1 else f"{len(heads)} columns"
    return wrap(f"{count} hidden ({', '.join(heads)}); --wide shows {'it' if len(heads) == 1 else 'them'}", columns)


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], available: int | None) -> dict[int, int]:
    """The width of each column that has room, by its place; the first by priority is always shown."""
    whole = [max([_size(row[i]) for row in cells], default=0) for i in range(len(columns))]
    if available is None:
        return {i: max(whole[i], _size(column.head)) for i, column in enumerate(columns)}
    heads = [max(map(_size, column.head.split(" "))) for column in columns]
    full = list(map(max, whole, heads))
    least = [
        min(full[i], max(column.least, heads[i])) if column.is_text and column.least else full[i]
        for i, column in enumerate(columns)
    ]
    order = sorted(range(len(columns)), key=lambda i: columns[i].priority)
    chosen: dict[int, int] = {}

    def left() -> int:
        return available - sum(chosen.values()) - len(GAP) * max(0, len(chosen) - 1)

    for i in order:
        if columns[i].is_essential and (not chosen or least[i] + len(GAP) <= left()):
            chosen[i] = least[i]
    for i in order:
        if i in chosen:
            chosen[i] += max(0, min(full[i] - least[i], left()))
        elif not columns[i].is_essential and full[i] + len(GAP) <= left():
            chosen[i] = full[i]
    for i in order:
        if i in chosen:
            chosen[i] += max(0, min(_size(columns[i].head) - chosen[i], left()))
    return chosen


def _lines(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int], at_end: bool = False) -> list[str]:
    """Lines of a row; a heading's stand at the end, next to what they head."""
    parts = [
        _broken(text, size) if column.is_text or at_end else [text]
        for column, text, size in zip(columns, texts, widths, strict=True)
    ]
    height = max(map(len, parts), default=0)
    lines = []
    for number in range(height):
        line = []
        for column, part, size in zip(columns, parts, widths, strict=True):
            at = number - (height - len(part)) if at_end else number
            text = part[at] if 0 <= at < len(part) else ""
            blank = " " * (size - _size(text))
            line.append(text + blank if column.is_text else blank + text)
        lines.append(GAP.join(line).rstrip())
    return lines


def _broken(text: str, size: int) -> list[str]:
    """A text in lines of at most ``size`` cells, broken at blanks, and in a longer word after a hyphen.

    What is longer yet is cut, and shows it.
    """
    lines: list[str] = []
    for word in text.split(" "):
        parts = [word] if _size(word) <= size else re.findall(r"[^-]*-+|[^-]+", word)
        for place, part in enumerate(parts):
            gap = " " if place == 0 else ""
            if lines and _size(lines[-1] + gap + part) <= size:
                lines[-1] += gap + part
            else:
                lines.append(part if _size(part) <= size else _cut(part, size))
    return [line.replace(HOLD, " ") for line in lines]


def _cut(word: str, size: int) -> str:
    while _size(word) > size - 1:
        word = word[:-1]
    return word + ELLIPSIS


def _size(text: str) -> int:
    """Columns that a text takes in a terminal, where some characters take two, and some none."""
    from rich.cells import cell_len

    return cell_len(text)
