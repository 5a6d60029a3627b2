"""DNA sequences as letters, as numbers, and in windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import InputError

BASES = "ACGT"


UNKNOWN = len(BASES)
"""Code of an unknown base, N."""


_AMBIGUOUS = "NRYSWKMBDHV"


_CODES = np.full(256, 255, dtype=np.uint8)


for _letters, _code in [*((base, i) for i, base in enumerate(BASES)), ("U", BASES.index("T")), (_AMBIGUOUS, UNKNOWN)]:
    _CODES[[*_letters.encode(), *_letters.lower().encode()]] = _code


def codes(sequence: str) -> NDArray[np.uint8]:
    """Convert a sequence to numbers.

    Args:
        sequence: Letters of IUPAC's code (NC-IUB 1984), upper or lower case; U is read as T, blanks are skipped.

    Returns:
        0 to 3 for A, C, G, T; :data:`UNKNOWN` for a letter that stands for several bases; ``(bases,)``.

    Raises:
        InputError: It is empty, or has another letter, which the message names with its position.
    """
    written = "".join(sequence.split())
    if not written:
        raise InputError("the sequence is empty")
    numbers: NDArray[np.uint8] = _CODES[np.frombuffer(written.encode("latin-1", "replace"), dtype=np.uint8)]
    wrong = int(np.argmax(numbers == 255))
    if numbers[wrong] == 255:
        raise InputError(
            f"{written[wrong]!r} at base {wrong + 1} is not a letter of DNA; known: {BASES}, U, and as N {_AMBIGUOUS}"
        )
    return numbers


def letters(numbers: NDArray[np.uint8]) -> str:
    """Convert numbers to a sequence in capitals, with N for unknown bases; the reverse of :func:`codes`."""
    return np.frombuffer(f"{BASES}N".encode(), dtype=np.uint8)[numbers].tobytes().decode()


def window(numbers: NDArray[np.uint8], start: int, length: int) -> NDArray[np.uint8]:
    """Part of a sequence; bases outside of it are unknown.

    Args:
        numbers: Result of :func:`codes`.
        start: Position of the first base; may be negative.
        length: Number of bases.

    Returns:
        ``(length,)``.
    """
    inside = numbers[max(0, start) : max(0, start + length)]
    part = np.full(length, UNKNOWN, dtype=np.uint8)
    part[max(0, -start) : max(0, -start) + len(inside)] = inside
    return part
