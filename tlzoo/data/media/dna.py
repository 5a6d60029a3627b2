"""DNA as a network reads it: letters, numbers and windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import InputError

BASES = "ACGT"


UNKNOWN = len(BASES)
"""The code of a base that is not known, N."""


_AMBIGUOUS = "NRYSWKMBDHV"


_CODES = np.full(256, 255, dtype=np.uint8)


for _letters, _code in [*((base, i) for i, base in enumerate(BASES)), ("U", BASES.index("T")), (_AMBIGUOUS, UNKNOWN)]:
    _CODES[[*_letters.encode(), *_letters.lower().encode()]] = _code


def codes(sequence: str) -> NDArray[np.uint8]:
    """Read a sequence as numbers.

    Args:
        sequence: Letters of IUPAC's code (NC-IUB 1984), upper or lower case; U is T, blanks are skipped.

    Returns:
        0 to 3 for A, C, G, T; :data:`UNKNOWN` for every letter that stands for several bases; ``(bases,)``.

    Raises:
        InputError: It is empty, or has another letter; says which and where.
    """
    written = "".join(sequence.split())
    if not written:
        raise InputError("the sequence is empty")
    found: NDArray[np.uint8] = _CODES[np.frombuffer(written.encode("latin-1", "replace"), dtype=np.uint8)]
    wrong = int(np.argmax(found == 255))
    if found[wrong] == 255:
        raise InputError(
            f"{written[wrong]!r} at base {wrong + 1} is no letter of DNA; known: {BASES}, U, and as N {_AMBIGUOUS}"
        )
    return found


def letters(numbers: NDArray[np.uint8]) -> str:
    """A sequence in capitals, what is not known as N: the reverse of :func:`codes`."""
    return np.frombuffer(f"{BASES}N".encode(), dtype=np.uint8)[numbers].tobytes().decode()


def window(numbers: NDArray[np.uint8], start: int, length: int) -> NDArray[np.uint8]:
    """A part of a sequence; what lies outside is unknown.

    Args:
        numbers: As of :func:`codes`.
        start: The first base, which may lie before the sequence.
        length: Bases.

    Returns:
        ``(length,)``.
    """
    inside = numbers[max(0, start) : max(0, start + length)]
    found = np.full(length, UNKNOWN, dtype=np.uint8)
    found[max(0, -start) : max(0, -start) + len(inside)] = inside
    return found
