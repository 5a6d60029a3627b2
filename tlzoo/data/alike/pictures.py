"""Pictures that are the same one, saved again with loss, resized, or cropped by a few pixels.

Low frequencies find what may be the same, as in pHash (Zauner 2010), but as numbers instead of bits; then one picture
is laid over the other (Lucas & Kanade 1981), and what is left of the difference decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

SIDE = 64
"""Height and width of the pictures that are compared, pixels."""
FIELDS = 16
"""Rows and columns of fields of which none may differ much."""
LOW = 5
"""Lowest frequencies of each direction that describe a picture."""
RADIUS = 0.6
"""Maximum distance of the descriptors, which have length 1, of two pictures that are compared pixel by pixel."""
MIN_DETAIL = 4.0
"""Minimum standard deviation of grey values, of 255; a blank picture is like nothing else."""
MAX_CROP = 0.14
"""Maximum share of height or width that one of two pictures may lack."""
SLACK = 0.016
"""Share of the side by which a crop may reach over an edge: the error of the alignment."""
STEPS = ((4, 0.8), (4, 0.8), (2, 0.8), (2, 0.0), (1, 0.0), (1, 0.0))
"""Of each step of the alignment, from coarse to fine: how many pixels are taken together, and the blur of what is left,
in pixels of that size."""
MAX_COARSE = 0.65
"""Maximum residual before each change to finer pixels; above, that is not tried."""
BLUR = 0.8
"""Blur of the difference, pixels, which takes away what interpolation and coding leave at single pixels."""
MAX_RESIDUAL = 0.2
"""Maximum root mean square of the difference, as a share of the picture's own standard deviation."""
MAX_ERROR = 5.0
"""The same in grey values."""
MAX_LOCAL = 9.5
"""Maximum mean difference in a field, grey values."""

Pixels = NDArray[np.float64]
_Level = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
Small = NDArray[np.uint8]
"""A picture as small as it is compared, shape ``(SIDE, SIDE, 3)``."""


def shrink(image: Image.Image) -> Small:
    """A picture as small as it is compared."""
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0))


def describe(small: Small) -> NDArray[np.float32] | None:
    """Low frequencies of a small picture, of length 1, shape ``(LOW * LOW - 1,)``; None for a blank one."""
    grey = small.mean(axis=2)
    if grey.std() < MIN_DETAIL:
        return None
    low = dctn(grey, norm="ortho")[:LOW, :LOW].ravel()[1:]
    return np.asarray(low / max(float(np.linalg.norm(low)), 1e-6), np.float32)


def is_same(one: Small, other: Small) -> bool:
    """Whether two small pictures show the same one; see :func:`difference`."""
    residual, error, local = difference(one, other)
    return residual <= MAX_RESIDUAL and error <= MAX_ERROR and local <= MAX_LOCAL


def difference(one: Small, other: Small) -> tuple[float, float, float]:
    """Difference of two small pictures, after one is laid over the other as a crop of it.

    Returns:
        Root mean square, as a share of the picture's deviation and in grey values; the largest mean of a field. All are
        infinite where neither is a crop of the other.
    """
    place = _placed(_levels(one.tobytes()), _levels(other.tobytes()))
    first, second = (each.astype(np.float64) for each in (one, other))
    if place is None:
        return np.inf, np.inf, np.inf
    x, y = place
    rows, columns = _weights(y, SIDE), _weights(x, SIDE)
    moved = np.stack([rows @ first[..., channel] @ columns.T for channel in range(3)], -1)
    valid = np.outer(_inside(y, SIDE), _inside(x, SIDE))
    gap = np.abs(gaussian_filter(moved - second, (BLUR, BLUR, 0))).mean(axis=2) * valid
    error = float(np.sqrt((gap**2).sum() / max(valid.sum(), 1)))
    wide = SIDE // FIELDS
    local = gap.reshape(FIELDS, wide, FIELDS, wide).mean(axis=(1, 3))
    return error / float(second.mean(axis=2).std() + 1e-6), error, float(local.max())


def _placed(one: Sequence[_Level], other: Sequence[_Level]) -> tuple[Pixels, Pixels] | None:
    """Where the columns and rows of the other picture lie in the one, in its pixels; None if neither is a crop."""
    scale, shift = np.ones(2), np.zeros(2)  # of x and y; shift as a share of the side
    for number, (pooled, _) in enumerate(STEPS):
        a, dx, dy = one[number]
        b = other[number][0]
        side = SIDE // pooled
        at = np.arange(side) - (side - 1) / 2
        x, y = (scale[i] * at + shift[i] * side + (side - 1) / 2 for i in range(2))
        rows, columns = _weights(y, side), _weights(x, side)
        valid = np.outer(_inside(y, side), _inside(x, side)).ravel()
        gap = (b - rows @ a @ columns.T).ravel() * valid
        if pooled < STEPS[max(number - 1, 0)][0] and gap.std() > MAX_COARSE * (b.std() + 1e-6):
            return None
        along, down = rows @ dx @ columns.T, rows @ dy @ columns.T
        slopes = np.stack([along * at, along, down * at[:, None], down], -1).reshape(-1, 4) * valid[:, None]
        step = np.linalg.solve(slopes.T @ slopes + 1e-3 * np.eye(4), slopes.T @ gap)
        scale += step[[0, 2]]
        shift += step[[1, 3]] / side
        if (np.abs(scale - 1) > 1.5 * MAX_CROP).any() or (np.abs(shift) > MAX_CROP).any():
            return None
    at, end = np.arange(SIDE) - (SIDE - 1) / 2, SIDE - 1
    x, y = (scale[i] * at + shift[i] * SIDE + end / 2 for i in range(2))
    lacking = np.array([x[0], y[0], end - x[-1], end - y[-1]]) / SIDE  # on each side, what the other picture lacks
    return None if (lacking < -SLACK).any() and (lacking > SLACK).any() else (x, y)


@lru_cache(maxsize=512)
def _levels(data: bytes) -> list[_Level]:
    """Grey values of a small picture, and their slopes along x and y, for each step of the alignment."""
    grey = np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3).mean(axis=2, dtype=np.float32)
    levels = []
    for pooled, blur in STEPS:
        side = SIDE // pooled
        small = grey.reshape(side, pooled, side, pooled).mean(axis=(1, 3))
        small = gaussian_filter(small, blur) if blur else small
        dy, dx = np.gradient(small)
        levels.append((small, dx, dy))
    return levels


def _weights(at: Pixels, side: int) -> Pixels:
    """Weights of cubic interpolation at some positions, shape ``(positions, side)`` (Keys 1981, with a = -1/2)."""
    gap = np.abs(np.clip(at, 0, side - 1)[:, None] - np.arange(side))
    near = (1.5 * gap - 2.5) * gap**2 + 1
    far = ((-0.5 * gap + 2.5) * gap - 4) * gap + 2
    weights = np.where(gap < 1, near, np.where(gap < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _inside(at: Pixels, side: int) -> Pixels:
    return ((at >= -0.5) & (at <= side - 0.5)).astype(np.float64)
