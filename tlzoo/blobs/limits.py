"""Limits of downloads: the size of a file, and the rate at which it arrives."""

from __future__ import annotations

import os
import time

from tlzoo.blobs.places import PlaceError
from tlzoo.errors import InputError

VARIABLE = "TLZOO_MAX_DOWNLOAD"
"""Environment variable: maximum size in bytes of a file or a package whose size is not pinned."""
MAX_DOWNLOAD_BYTES = 20_000_000_000
"""Its default."""
MIN_BYTES_PER_SECOND = 1_000
"""A transfer that is slower for `RATE_SECONDS` is ended."""
RATE_SECONDS = 60.0


def maximum() -> int:
    """Maximum size in bytes of a file whose size is not pinned.

    Raises:
        InputError: ``TLZOO_MAX_DOWNLOAD`` is not a number of bytes.
    """
    given = os.environ.get(VARIABLE, "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 19 and int(given)):
        raise InputError(f"{VARIABLE}: {given[:40]!r}: expected a number of bytes, such as {MAX_DOWNLOAD_BYTES}")
    return int(given) if given else MAX_DOWNLOAD_BYTES


def in_words(size: int | None) -> str:
    """A size in bytes for a person, such as ``"378 MB"``; ``"size unknown"`` for ``None``."""
    if size is None:
        return "size unknown"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 999.5 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size} bytes"


def oversize(size: int, expected: int | None) -> PlaceError | None:
    """Compare the size of a file with its limit.

    Args:
        size: Bytes that are announced, or that have arrived so far.
        expected: The pinned size in bytes, where known; otherwise the limit is `maximum`.

    Returns:
        The error for a file that is too large, else ``None``.
    """
    if expected is not None and size > expected:
        return PlaceError(f"another file: {size:,} bytes or more, expected {expected:,}", wrong=True)
    if expected is None and size > (limit := maximum()):
        return PlaceError(f"{size:,} bytes or more; a file of unknown size may have {limit:,}, set {VARIABLE} for more")
    return None


class Pace:
    """Measures whether bytes arrive fast enough to wait for more."""

    def __init__(self) -> None:
        """Start to count."""
        self._since, self._received = time.monotonic(), 0

    def note(self, count: int) -> None:
        """Count bytes that arrived; may be none.

        Raises:
            PlaceError: They arrive too slowly.
        """
        self._received += count
        seconds = time.monotonic() - self._since
        if seconds >= RATE_SECONDS:
            if self._received < MIN_BYTES_PER_SECOND * seconds:
                raise PlaceError(f"too slow: {self._received:,} bytes in {seconds:.0f} s; try again later")
            self._since, self._received = time.monotonic(), 0
