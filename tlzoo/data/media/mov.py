"""How many frames the tables of a QuickTime or MP4 file name: FFmpeg makes room for each, whether it is there or not.

ISO/IEC 14496-12: 8.6.1.2 (``stts``), 8.6.1.3 (``ctts``), 8.7.3.2 (``stsz``), 8.8.8 (``trun``).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_CONTAINERS = {
    b"dinf", b"edts", b"ipro", b"mdia", b"meta", b"minf", b"moof", b"moov", b"mvex", b"rmra", b"schi", b"sinf",
    b"stbl", b"traf", b"trak", b"udta", b"wave",
}  # fmt: skip
"""Boxes of boxes."""
_MOST_PER_BYTE = 2
"""Times that a frame, which has a byte at least, is counted: its size and its time."""
_DEEPEST = 16


def check_tables(file: BinaryIO) -> None:
    """Refuse tables that name more frames than there are bytes.

    Args:
        file: Any file, at its beginning, where it is left; of another format there is nothing to refuse.

    Raises:
        ValueError: They do, or they are compressed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    named = 0
    for count in _counts(file, size, 0):
        named += count
        if named > _MOST_PER_BYTE * size:
            raise ValueError(f"its header names more frames than its {size:,} bytes can hold")
    file.seek(0)


def _counts(file: BinaryIO, end: int, depth: int) -> Iterator[int]:
    """How many frames each table up to a place names."""
    while (start := file.tell()) + 8 <= end:
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        close = min(start + size, end) if size else end
        if name == b"cmov" or depth > _DEEPEST:
            raise ValueError("its header is compressed (cmov), or nested too deep")
        if name in _CONTAINERS:
            yield from _counts(file, close, depth + 1)
        elif name in _TABLES:
            yield _TABLES[name](file.read(max(0, close - file.tell())))
        if close < start + 8:
            return
        file.seek(close)


def _of_pairs(content: bytes) -> int:
    """Of a table of counts and values."""
    return sum(int.from_bytes(content[at : at + 4], "big") for at in range(8, len(content) - 7, 8))


def _of_sizes(content: bytes) -> int:
    return int.from_bytes(content[8:12], "big") if any(content[4:8]) else 0  # else a size each, in as many bytes


def _of_run(content: bytes) -> int:
    return int.from_bytes(content[4:8], "big")


_TABLES = {b"ctts": _of_pairs, b"stsz": _of_sizes, b"stts": _of_pairs, b"trun": _of_run}
