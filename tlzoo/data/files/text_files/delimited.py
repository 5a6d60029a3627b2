"""Delimited text, such as CSV and TSV: which separator a file has, how its quotes are read, and columns by name."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlzoo.data.files.text_files import OLD, printable, read_text
from tlzoo.errors import InputError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Separators of values, and their names."""
MAX_COLUMNS = 10_000
MIN_MISSING = 1_000_000
"""Values that lines may lack in all, however short the file is; else as many as it has characters."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a delimited file.

    Attributes:
        columns: Values by the name in the header, all of the same length.
        lines: Line of the file on which each row begins.
    """

    columns: dict[str, list[str]]
    lines: list[int]


EMPTY = frozenset({"", "nan", "na", "n/a", "null", "<na>"})
"""What a cell without a value holds, in small letters: nothing, or what pandas and R write for it."""


def is_empty(value: str) -> bool:
    """Whether a cell has no value."""
    return value.strip().casefold() in EMPTY


def number(value: Any) -> float | None:
    """A cell as a finite number; None if it is not one."""
    try:
        parsed = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def column_named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The first of the names that is a column; case does not matter, and blanks, hyphens and underscores are equal."""
    column_by_name = {_plain(column): column for column in reversed(list(columns))}
    return next((column_by_name[plain] for plain in map(_plain, names) if plain in column_by_name), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def separator_of(text: str, usual: str = ",") -> str:
    """The separator of values: the usual one if the header has it, else the one that is most frequent there."""
    widths = {separator: len(_head(text, separator)) for separator in SEPARATORS}
    return usual if widths[usual] > 1 else max(widths, key=lambda separator: (widths[separator], separator == usual))


def _head(text: str, separator: str) -> list[str]:
    return next((cells for cells in _cells(io.StringIO(text, newline=""), separator) if cells), [])


def _cells(given: Iterable[str], separator: str, strict: bool = False) -> Any:
    """Python's reader, without its limit on the length of a cell."""
    csv.field_size_limit(sys.maxsize)
    return csv.reader(given, delimiter=separator, strict=strict)


def read_sheet(path: Path, usual: str = ",") -> Sheet:
    """Read delimited text with a header, separated by commas, semicolons, tabs or bars.

    What is not UTF-8 is taken for Windows-1252. Quotes follow RFC 4180. If they do not, but each line has one value for
    every name of the header, quotes are read as ordinary characters. Values missing at the end of a line are empty.

    Args:
        path: The file.
        usual: The separator to try first.

    Raises:
        InputError: The file cannot be read, or a line does not fit the header; names the line.
    """
    text = read_text(path, OLD)
    separator = separator_of(text, usual)
    names = [name.strip() for name in _head(text, separator)]
    if len(names) > MAX_COLUMNS:
        raise InputError(f"{printable(path)}: {len(names):,} columns; a table may have {MAX_COLUMNS:,}")
    rows, fault = _quoted(text, separator, len(names))
    if fault or (separator == "\t" and any("\n" in cell and "\t" in cell for _, cells in rows for cell in cells)):
        by_line = _line_by_line(text, separator, len(names))
        if fault and by_line is None:
            between = f"put quotes around a text that contains {SEPARATORS[separator]}, and double the quotes in it"
            raise InputError(f"{printable(path)}:{fault}; {between}")
        rows = rows if by_line is None else by_line
    body = rows[1:]
    columns = {
        name: [cells[place] for _, cells in body]
        for place, name in enumerate(_unique(names))
        if names[place] or any(cells[place].strip() for _, cells in body)
    }
    return Sheet(columns, [line for line, _ in body])


def _quoted(text: str, separator: str, width: int) -> tuple[list[tuple[int, list[str]]], str]:
    """Rows of one width with their first line, and the place and reason of the first error, if any."""
    reader = _cells(io.StringIO(text, newline=""), separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line, missing = 1, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return rows, ""
        except csv.Error:
            return rows, f"{line}: a quote is opened but not closed as in CSV"
        missing += max(0, width - len(cells)) if cells else 0
        if any(cell.strip() for cell in cells[width:]) or missing > max(len(text), MIN_MISSING):
            return rows, f"{line}: {len(cells)} values, but the header has {width}"
        if cells:
            rows.append((line, [*cells[:width], *[""] * (width - len(cells))]))
        line = reader.line_num + 1


def _line_by_line(text: str, separator: str, width: int) -> list[tuple[int, list[str]]] | None:
    """The same with one row a line, and misplaced quotes as ordinary characters; None if a line has another width."""
    rows = []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if not (line := line.rstrip("\n")):
            continue
        try:
            (cells,) = _cells([line], separator, strict=True)
        except csv.Error:
            cells = line.split(separator)
        if len(cells) != width:
            return None
        rows.append((number, cells))
    return rows


def _unique(names: Sequence[str]) -> list[str]:
    """Unique names of columns: empty and repeated names get a number."""
    seen: dict[str, int] = {}
    unique = []
    for place, name in enumerate(names, start=1):
        name = name or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return unique
