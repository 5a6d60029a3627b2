"""How large a file may be, and how slowly it may come."""

from __future__ import annotations

import os
import time

from tlzoo.blobs.places import PlaceError
from tlzoo.errors import InputError

MOST = "TLZOO_MAX_DOWNLOAD"
"""Environment variable: maximum bytes of a file or a package whose size nobody has written down."""
MOST_BYTES = 20_000_000_000
"""Without it."""
LEAST_RATE = 1_000
"""Bytes a second; who sends less for so many seconds is not awaited."""
LEAST_RATE_SECONDS = 60.0


def maximum() -> int:
    """Bytes of a file whose size is not known beforehand, at most.

    Raises:
        InputError: ``TLZOO_MAX_DOWNLOAD`` is no number of bytes.
    """
    given = os.environ.get(MOST, "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 19 and int(given)):
        raise InputError(f"{MOST}: {given[:40]!r}: expected a number of bytes, such as {MOST_BYTES}")
    return int(given) if given else MOST_BYTES


def oversize(size: int, expected: int | None) -> PlaceError | None:
    """The refusal of a file that is too large, or nothing.

    Args:
        size: Its bytes, as announced or as received until now.
        expected: Its bytes as they should be, where that is known.
    """
    if expected is not None and size > expected:
        return PlaceError(f"another file: {size:,} bytes or more, expected {expected:,}", wrong=True)
    if expected is None and size > (most := maximum()):
        return PlaceError(f"{size:,} bytes or more; a file of unknown size may have {most:,}, set {MOST} for more")
    return None


class Pace:
    """Whether bytes come fast enough to wait for more of them."""

    def __init__(self) -> None:
        """Begin to count."""
        self._since, self._received = time.monotonic(), 0

    def note(self, count: int) -> None:
        """Note bytes that came, or that none did.

        Raises:
            PlaceError: They come too slowly.
        """
        self._received += count
        seconds = time.monotonic() - self._since
        if seconds >= LEAST_RATE_SECONDS:
            if self._received < LEAST_RATE * seconds:
                raise PlaceError(f"too slow: {self._received:,} bytes in {seconds:.0f} s; try again later")
            self._since, self._received = time.monotonic(), 0
