"""Backgrounds without things: slopes, noise, stripes and checks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pattern(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A slope between two colours, mostly under noise of one coarseness, stripes or checks.

    Returns:
        Float32 in 0 to 255, shape ``(height, width, 3)``.
    """
    y, x = np.mgrid[:height, :width] / max(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    mix = along - along.min()
    kind = rng.choice(["slope", "noise", "stripes", "checks"], p=(0.2, 0.45, 0.2, 0.15))
    if kind == "noise":
        cells = int(rng.integers(3, 40))
        coarse = Image.fromarray(rng.uniform(0, 1, (cells, cells)).astype(np.float32))
        mix = 0.4 * mix + 0.6 * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    elif kind != "slope":
        waves = np.sin(2 * np.pi * rng.uniform(3, 14) * along)
        if kind == "checks":
            waves = waves * np.sin(2 * np.pi * rng.uniform(3, 14) * (np.sin(angle) * x - np.cos(angle) * y))
        mix = 0.3 * mix + 0.35 * (np.tanh(4 * waves) + 1)
    one, other = rng.uniform(0, 255, (2, 3))
    return np.asarray(one + mix[..., None].clip(0, 1) * (other - one), np.float32)
