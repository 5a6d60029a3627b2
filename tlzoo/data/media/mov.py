"""Checks the number of frames in the tables of a QuickTime or MP4 file: FFmpeg allocates memory for each of them.

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
"""Boxes that contain boxes."""
_MAX_COUNT_PER_BYTE = 2
"""Entries of a frame of one byte: its size and its time."""
_MAX_DEPTH = 16


def check_tables(file: BinaryIO) -> None:
    """Check that tables do not list more frames than the file has bytes.

    Args:
        file: Any file; afterwards it is at its beginning. Other formats pass.

    Raises:
        ValueError: They do, or they are compressed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    named = 0
    for count in _counts(file, size, 0):
        named += count
        if named > _MAX_COUNT_PER_BYTE * size:
            raise ValueError(f"its header names more frames than its {size:,} bytes can hold")
    file.seek(0)


def _counts(file: BinaryIO, end: int, depth: int) -> Iterator[int]:
    """Number of frames in each table up to a position."""
    while (start := file.tell()) + 8 <= end:
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        close = min(start + size, end) if size else end
        if name == b"cmov" or depth > _MAX_DEPTH:
            raise ValueError("its header is compressed (cmov), or nested too deep")
        if name in _CONTAINERS:
            yield from _counts(file, close, depth + 1)
        elif name in _TABLES:
            yield _TABLES[name](file.read(max(0, close - file.tell())))
        if close < start + 8:
            return
        file.seek(close)


def _of_pairs(content: bytes) -> int:
    """Sum of the counts of a table of counts and values."""
    return sum(int.from_bytes(content[at : at + 4], "big") for at in range(8, len(content) - 7, 8))


def _of_sizes(content: bytes) -> int:
    return int.from_bytes(content[8:12], "big") if any(content[4:8]) else 0  # else one entry of four bytes a frame


def _of_run(content: bytes) -> int:
    return int.from_bytes(content[4:8], "big")


_TABLES = {b"ctts": _of_pairs, b"stsz": _of_sizes, b"stts": _of_pairs, b"trun": _of_run}
