"""FarmHash's Fingerprint64, the hash of TensorFlow's features: a fixed function, the same on every machine.

Source: google/farmhash, ``Fingerprint64``, which is ``farmhashna::Hash64``. All arithmetic is modulo 2**64, all words
are little-endian.
"""

from __future__ import annotations

import numpy as np

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_MASK = (1 << 64) - 1


def fingerprint64(data: bytes) -> int:
    """Hash bytes.

    Args:
        data: Any number of bytes.

    Returns:
        The fingerprint, in [0, 2**64).
    """
    size = len(data)
    if size > 64:
        return _long(data)
    multiplier = _K2 + 2 * size
    if size > 32:
        return _up_to_64(data, multiplier)
    if size > 16:
        a, b = _word(data, 0) * _K1, _word(data, 8)
        c, d = _word(data, size - 8) * multiplier, _word(data, size - 16) * _K2
        return _mix(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, multiplier)
    if size >= 8:
        first, last = _word(data, 0) + _K2, _word(data, size - 8)
        return _mix(_rotate(last, 37) * multiplier + first, (_rotate(first, 25) + last) * multiplier, multiplier)
    if size >= 4:
        first, last = (int.from_bytes(part, "little") for part in (data[:4], data[-4:]))
        return _mix(size + (first << 3), last, multiplier)
    if size > 0:
        y, z = data[0] + (data[size >> 1] << 8), size + (data[-1] << 2)
        return _fold(y * _K2 & _MASK ^ z * _K0 & _MASK) * _K2 & _MASK
    return _K2


def fingerprint64_of_words(words: np.ndarray) -> np.ndarray:
    """Hash many keys of eight bytes at once, with the results of :func:`fingerprint64`.

    Args:
        words: Keys as little-endian numbers, uint64, any shape. Overwritten.

    Returns:
        Fingerprints, uint64, of the same shape.
    """
    multiplier, k2 = np.uint64(_K2 + 16), np.uint64(_K2)

    def rotate(values: np.ndarray, by: int) -> np.ndarray:
        rotated = values >> np.uint64(by)
        rotated |= values << np.uint64(64 - by)
        return rotated

    u = rotate(words, 37)
    u *= multiplier
    u += words
    u += k2
    v = rotate(words + k2, 25)
    v += words
    v *= multiplier
    for _ in range(2):  # as _mix
        u ^= v
        u *= multiplier
        u ^= np.right_shift(u, np.uint64(47), out=words)
    u *= multiplier
    return u


def _word(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 8], "little")


def _rotate(value: int, by: int) -> int:
    value &= _MASK
    return (value >> by | value << (64 - by)) & _MASK


def _fold(value: int) -> int:
    return value ^ value >> 47


def _mix(u: int, v: int, multiplier: int) -> int:
    """Two words to one, as Murmur does."""
    a = _fold((u ^ v) * multiplier & _MASK)
    return _fold(((v & _MASK) ^ a) * multiplier & _MASK) * multiplier & _MASK


def _up_to_64(data: bytes, multiplier: int) -> int:
    """Hash 33 to 64 bytes."""
    size = len(data)
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, size - 8) * multiplier, _word(data, size - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mix(y, a + _rotate(b + _K2, 18) + c, multiplier)
    e, f = _word(data, 16) * multiplier, _word(data, 24)
    g, h = (y + _word(data, size - 32)) * multiplier, (z + _word(data, size - 24)) * multiplier
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, multiplier)


def _long(data: bytes) -> int:
    """Hash more than 64 bytes: blocks of 64, then the last 64 once more."""
    size = len(data)

    def half(start: int, a: int, b: int) -> tuple[int, int]:
        w, x, y, z = (_word(data, start + i) for i in range(0, 32, 8))
        a += w
        total = a + x + y
        return total + z & _MASK, _rotate(b + a + z, 21) + _rotate(total, 44) + a & _MASK

    x, y = 81, 81 * _K1 + 113 & _MASK
    z = _fold(y * _K2 + 113 & _MASK) * _K2
    x = x * _K2 + _word(data, 0)
    v, w = (0, 0), (0, 0)
    multiplier, nine = _K1, 1
    starts = [*range(0, size - 64, 64), size - 64]
    for start in starts:
        if start == starts[-1]:
            multiplier, nine = _K1 + ((z & 0xFF) << 1), 9
            w = (w[0] + (size - 1 & 63), w[1])
            v = (v[0] + w[0], v[1])
            w = (w[0] + v[0], w[1])
        x = _rotate(x + y + v[0] + _word(data, start + 8), 37) * multiplier
        y = _rotate(y + v[1] + _word(data, start + 48), 42) * multiplier
        x ^= w[1] * nine
        y += v[0] * nine + _word(data, start + 40)
        z = _rotate(z + w[0], 33) * multiplier
        v = half(start, v[1] * multiplier, x + w[0])
        w = half(start + 32, z + w[1], y + _word(data, start + 16))
        x, z = z, x
    return _mix(_mix(v[0], w[0], multiplier) + _fold(y & _MASK) * _K0 + z, _mix(v[1], w[1], multiplier) + x, multiplier)
