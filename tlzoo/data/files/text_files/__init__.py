"""Users' text files: how they are decoded, and how JSON in them is read."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlzoo.blobs.archives import MAX_RATIO, MIN_LIMIT_BYTES
from tlzoo.errors import InputError

_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_OTHER_FORMATS = {
    b"PAR1": "a Parquet file; name it .parquet",
    b"PK\3\4": "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save the sheet as CSV",
}


def printable(name: str | Path) -> str:
    """A file's name as valid UTF-8; bytes of the name that are not become the replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")


def read_text(path: Path, otherwise: str | None = None) -> str:
    """Read a text file: UTF-8, or UTF-16 and UTF-32 with a byte order mark; compressed with gzip or not.

    Args:
        path: The file.
        otherwise: The encoding of a file that is not UTF-8 (:data:`OLD`), where that may be assumed.

    Raises:
        InputError: The file cannot be read, is in another encoding, or holds NUL bytes; gives the line.
    """
    data = _content(path)
    if otherwise is not None and is_old(data):
        return data.decode(otherwise)
    return _decoded(data, printable(path))


OLD = "windows-1252"
"""The encoding of Western spreadsheets that do not write UTF-8."""


def is_old(data: bytes | Path) -> bool:
    """Whether a file, or its bytes, are text that is not UTF-8, but may be in :data:`OLD`."""
    content = _content(data) if isinstance(data, Path) else data
    if b"\0" in content or any(content.startswith(mark) for mark in (*_OTHER_FORMATS, *(mark for mark, _ in _MARKS))):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            content.decode(OLD)
        except UnicodeDecodeError:
            return False
        return True
    return False


def _content(path: Path) -> bytes:
    """The bytes of a file, compressed with gzip or not."""
    try:
        data = path.read_bytes()
        if not data.startswith(_GZIP):
            return data
        limit = max(MAX_RATIO * len(data), MIN_LIMIT_BYTES)
        with gzip.open(io.BytesIO(data)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > limit:
        raise InputError(f"{printable(path)}: more than {limit:,} bytes when unpacked, over {MAX_RATIO} times its own")
    return content


def _decoded(data: bytes, where: str, first: int = 1) -> str:
    """Text from the bytes of a file, which begin at line ``first``."""
    encoding = next((name for mark, name in _MARKS if first == 1 and data.startswith(mark)), None)
    if encoding is not None:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: marked as {encoding}, but byte {error.start} is not valid {encoding}") from None
    if kind := next((kind for mark, kind in _OTHER_FORMATS.items() if data.startswith(mark)), None):
        raise InputError(f"{where}: not a text file, but {kind}")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + first
        raise InputError(f"{where}:{line}: a NUL byte; save the file as UTF-8 (is it UTF-16?)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + first
        raise InputError(
            f"{where}:{line}: byte 0x{data[error.start]:02x} is not valid UTF-8; save the file as UTF-8, for example "
            "with iconv -f WINDOWS-1252 -t UTF-8"
        ) from None


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file; UTF-8 is read one line at a time, so that the file may be larger than memory.

    Raises:
        InputError: As in :func:`read_text`.
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
    """Parse JSON.

    Args:
        text: The JSON.
        where: Name of the source in messages.

    Raises:
        InputError: The text is not valid JSON, is nested too deeply, or holds half of a surrogate pair.
    """
    try:
        value = json.loads(text)
        broken = _lone_surrogate(value, "") if "\\ud" in text.lower() else None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON: {' '.join(str(error).split())}") from None
    if broken is not None:
        raise InputError(
            f"{where}: half of a surrogate pair, which is not a character, in {broken.lstrip('.') or 'it'}"
        )
    return value


def _lone_surrogate(value: object, place: str) -> str | None:
    """Place of the first string that holds half of a surrogate pair and so cannot be written as UTF-8."""
    if isinstance(value, str):
        return place if any("\ud800" <= character <= "\udfff" for character in value) else None
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        if isinstance(key, str) and _lone_surrogate(key, place) is not None:
            return f"the names in {place or 'it'}"
        below = f"{place}.{key}" if isinstance(key, str) else f"{place}[{key}]"
        if (broken := _lone_surrogate(item, below)) is not None:
            return broken
    return None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: The file cannot be read, or is not valid JSON.
    """
    return parse_json(read_text(path), printable(path))
