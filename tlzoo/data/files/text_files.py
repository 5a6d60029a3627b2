"""The files of text that people bring: how they are decoded, and how JSON and separated values in them are read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlzoo.errors import InputError

_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_NO_TEXT = {
    b"PAR1": "a Parquet file; name it .parquet",
    b"PK\3\4": "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save the sheet as CSV",
}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between the values of a line, and what it is called."""


def printable(name: str | Path) -> str:
    """A file's name that can be written as UTF-8; bytes of the name that are none become the replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")


def read_text(path: Path) -> str:
    """Read a file of text: UTF-8, or UTF-16 and UTF-32 with their mark; compressed with gzip or not.

    Raises:
        InputError: It cannot be read, is in another encoding, or holds NUL bytes; says where.
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: {getattr(error, 'strerror', None) or error}") from None
    return _decoded(data, printable(path))


def _decoded(data: bytes, where: str, first: int = 1) -> str:
    """Text from the bytes of a file from its line ``first`` on."""
    encoding = next((name for mark, name in _MARKS if first == 1 and data.startswith(mark)), None)
    if encoding is not None:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: is marked as {encoding}, but at byte {error.start} it is none") from None
    if kind := next((kind for mark, kind in _NO_TEXT.items() if data.startswith(mark)), None):
        raise InputError(f"{where}: is no text, but {kind}")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + first
        raise InputError(f"{where}:{line}: a NUL byte; save the file as UTF-8 (is it UTF-16?)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + first
        raise InputError(
            f"{where}:{line}: byte 0x{data[error.start]:02x} is no UTF-8; save the file as UTF-8, such as with "
            "iconv -f WINDOWS-1252 -t UTF-8"
        ) from None


def lines(path: Path) -> Iterator[str]:
    """The lines of a file of text, one at a time where it is UTF-8, so that it may be larger than memory.

    Raises:
        InputError: As of :func:`read_text`.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            with gzip.open(raw) if packed else raw as file:
                for number, line in enumerate(file, start=1):
                    if number == 1 and any(line.startswith(mark) for mark, _ in _MARKS):
                        yield from io.StringIO(read_text(path), newline=None)
                        return
                    yield _decoded(line, printable(path), number).replace("\r\n", "\n")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: {getattr(error, 'strerror', None) or error}") from None


def parse_json(text: str, where: str) -> Any:
    """Read JSON.

    Args:
        text: The JSON.
        where: What errors name.

    Raises:
        InputError: It is none, is nested too deep, or holds half of a surrogate pair, which is no character.
    """
    try:
        value = json.loads(text)
        broken = _no_text(value, "") if "\\ud" in text.lower() else None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON: {' '.join(str(error).split())}") from None
    if broken is not None:
        raise InputError(f"{where}: half of a surrogate pair, which is no character, in {broken.lstrip('.') or 'it'}")
    return value


def _no_text(value: Any, place: str) -> str | None:
    """Where a string is that cannot be written as UTF-8."""
    if isinstance(value, str):
        return place if any("\ud800" <= character <= "\udfff" for character in value) else None
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        if isinstance(key, str) and _no_text(key, place) is not None:
            return f"the names in {place or 'it'}"
        below = f"{place}.{key}" if isinstance(key, str) else f"{place}[{key}]"
        if (broken := _no_text(each, below)) is not None:
            return broken
    return None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read, or is no JSON.
    """
    return parse_json(read_text(path), printable(path))


@dataclass(frozen=True)
class Sheet:
    """Separated values.

    Attributes:
        columns: Values by the name in the head, all of the same length.
        lines: Of each row the line of the file on which it begins.
    """

    columns: dict[str, list[str]]
    lines: list[int]


def column_named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The first of the names that is a column, whatever its case, and whether with blanks, hyphens or underscores."""
    known = {_plain(column): column for column in reversed(list(columns))}
    return next((known[plain] for plain in map(_plain, names) if plain in known), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def separator_of(text: str, usual: str = ",") -> str:
    """What separates values: the usual separator where the head has it, else the one that it has most of."""
    widths = {separator: len(_head(text, separator)) for separator in SEPARATORS}
    return usual if widths[usual] > 1 else max(widths, key=lambda separator: (widths[separator], separator == usual))


def _head(text: str, separator: str) -> list[str]:
    return next((cells for cells in _cells(io.StringIO(text, newline=""), separator) if cells), [])


def _cells(given: Iterable[str], separator: str, strict: bool = False) -> Any:
    """Python's reader, with no limit to the length of a text."""
    csv.field_size_limit(sys.maxsize)
    return csv.reader(given, delimiter=separator, strict=strict)


def read_sheet(path: Path, usual: str = ",") -> Sheet:
    """Read separated values with a head: commas, semicolons, tabs or bars, as the head has them.

    Quotes are those of RFC 4180. Where they do not fit, but every line by itself has a value for each name of the head,
    they are taken for letters. Values missing at the end of a line are empty.

    Args:
        path: The file.
        usual: The separator that is expected.

    Raises:
        InputError: It cannot be read, or a line does not fit the head; names the line.
    """
    text = read_text(path)
    separator = separator_of(text, usual)
    names = [name.strip() for name in _head(text, separator)]
    rows, fault = _quoted(text, separator, len(names))
    if fault or (separator == "\t" and any("\n" in cell and "\t" in cell for _, cells in rows for cell in cells)):
        apart = _line_by_line(text, separator, len(names))
        if fault and apart is None:
            between = f"put a text that holds {SEPARATORS[separator]} between quotes, and double the quotes in it"
            raise InputError(f"{printable(path)}:{fault}; {between}")
        rows = rows if apart is None else apart
    body = rows[1:]
    columns = {
        name: [cells[place] for _, cells in body]
        for place, name in enumerate(_apart(names))
        if names[place] or any(cells[place].strip() for _, cells in body)
    }
    return Sheet(columns, [line for line, _ in body])


def _quoted(text: str, separator: str, width: int) -> tuple[list[tuple[int, list[str]]], str]:
    """Rows with the line that each begins on, all of one width; and where reading had to stop, and why."""
    reader = _cells(io.StringIO(text, newline=""), separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return rows, ""
        except csv.Error:
            return rows, f"{line}: a quote that is opened and not closed as in CSV"
        if any(cell.strip() for cell in cells[width:]):
            return rows, f"{line}: {len(cells)} values, where the head has {width}"
        if cells:
            rows.append((line, [*cells[:width], *[""] * (width - len(cells))]))
        line = reader.line_num + 1


def _line_by_line(text: str, separator: str, width: int) -> list[tuple[int, list[str]]] | None:
    """The same with a row a line, and quotes that do not fit as letters; None where a line has not the width."""
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


def _apart(names: Sequence[str]) -> list[str]:
    """Names of columns, each once: a number tells those apart that are empty or stand there again."""
    seen: dict[str, int] = {}
    unique = []
    for place, name in enumerate(names, start=1):
        name = name or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return unique
