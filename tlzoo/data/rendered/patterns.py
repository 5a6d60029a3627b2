"""Backgrounds without things: slopes, noise, stripes and checks, and other regular patterns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float64]

PLAIN = ("slope", "noise", "stripes", "checks")
"""Kinds of :func:`pattern`."""

KINDS = (*PLAIN, "rings", "rays", "spiral", "dots", "bricks", "patches", "folds", "bars")
"""Kinds of :func:`kind_of_pattern`."""


def pattern(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A slope between two colours, mostly under noise of one coarseness, stripes or checks.

    Returns:
        Float32 in 0 to 255, shape ``(height, width, 3)``.
    """
    y, x = np.mgrid[:height, :width] / max(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    kind = rng.choice(PLAIN, p=(0.2, 0.45, 0.2, 0.15))
    return _coloured(rng, _plain(rng, kind, x, y, angle))


def kind_of_pattern(rng: np.random.Generator, kind: str, height: int, width: int) -> NDArray[np.float32]:
    """A pattern of one of ``KINDS`` between two colours, in any direction, place and fineness.

    Returns:
        Float32 in 0 to 255, shape ``(height, width, 3)``.
    """
    y, x = np.mgrid[:height, :width] / max(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    if kind in PLAIN:
        return _coloured(rng, _plain(rng, kind, x, y, angle))
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    slope = (along - along.min()) / np.ptp(along)
    share = rng.uniform(0.1, 0.35)
    return _coloured(rng, share * slope + (1 - share) * _regular(rng, kind, x, y, along, across))


def _plain(rng: np.random.Generator, kind: str, x: Values, y: Values, angle: float) -> Values:
    along = np.cos(angle) * x + np.sin(angle) * y
    mix = along - along.min()
    if kind == "noise":
        cells = int(rng.integers(3, 40))
        coarse = Image.fromarray(rng.uniform(0, 1, (cells, cells)).astype(np.float32))
        mix = 0.4 * mix + 0.6 * np.asarray(coarse.resize((x.shape[1], x.shape[0]), Image.Resampling.BICUBIC))
    elif kind != "slope":
        waves = np.sin(2 * np.pi * rng.uniform(3, 14) * along)
        if kind == "checks":
            waves = waves * np.sin(2 * np.pi * rng.uniform(3, 14) * (np.sin(angle) * x - np.cos(angle) * y))
        mix = 0.3 * mix + 0.35 * (np.tanh(4 * waves) + 1)
    return np.asarray(mix)


def _regular(rng: np.random.Generator, kind: str, x: Values, y: Values, along: Values, across: Values) -> Values:
    """Shares of the second colour, in [0, 1], of the kinds that are not plain."""
    left, top = rng.uniform(0, 1, 2)
    distance, turn = np.hypot(x - left, y - top), np.arctan2(y - top, x - left)
    fine = rng.uniform(3, 12)
    if kind == "patches":
        return _patches(rng, x, y)
    if kind == "bars":
        edges = np.sort(rng.uniform(along.min(), along.max(), int(rng.integers(4, 16))))
        return np.asarray(rng.uniform(0, 1, len(edges) + 1)[np.searchsorted(edges, along)])
    if kind == "dots":
        u, v = fine * along % 1 - 0.5, fine * across % 1 - 0.5
        return _step(rng.uniform(0.2, 0.42) - np.hypot(u, v))
    if kind == "bricks":
        rows = np.floor(fine * across)
        joint = rng.uniform(0.05, 0.15)
        u, v = fine / 2 * along + rows % 2 / 2, fine * across
        tones = 0.7 + 0.3 * np.sin(7 * rows + np.floor(u))
        return np.asarray(np.where((u % 1 > joint / 2) & (v % 1 > joint), tones, 0))
    if kind == "rings":
        phase = fine * distance
    elif kind == "rays":
        phase = np.round(fine) * turn / (2 * np.pi)
    elif kind == "spiral":
        phase = fine * distance + rng.choice([-1, 1]) * rng.integers(1, 4) * turn / (2 * np.pi)
    else:  # folds
        phase = fine * along + rng.uniform(0.3, 1.2) * np.sin(2 * np.pi * rng.uniform(1, 4) * across)
    return _step(0.2 * np.sin(2 * np.pi * phase))


def _patches(rng: np.random.Generator, x: Values, y: Values) -> Values:
    """Areas that are each nearest to one of some points, with a tone of their own (Voronoi)."""
    points = rng.uniform(0, 1, (int(rng.integers(8, 40)), 2))
    nearest = ((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).argmin(axis=-1)
    return np.asarray(rng.uniform(0, 1, len(points))[nearest])


def _step(values: Values) -> Values:
    """From 0 to 1 where values pass 0, over about a pixel of a small picture."""
    return np.asarray((np.tanh(20 * values) + 1) / 2)


def _coloured(rng: np.random.Generator, mix: Values) -> NDArray[np.float32]:
    one, other = rng.uniform(0, 255, (2, 3))
    return np.asarray(one + mix[..., None].clip(0, 1) * (other - one), np.float32)
