"""Hand-made features of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.inputs import read_input

if TYPE_CHECKING:
    from PIL.Image import Image

    from tlzoo.core.batch import Row

Array = NDArray[np.float64]
SIDE = 64
"""Height and width that a whole picture is scaled to, pixels."""
CELL = 8
"""Height and width of a cell of gradients, pixels."""
ORIENTATIONS = 9
_POOLED = 4  # pixels, in height and width, that become one


def picture(row: Row) -> Image:
    """The picture of a row, RGB."""
    image: Image = read_input(row, "image")
    return image


def scaled(image: Image, width: int, height: int) -> Array:
    """The pixels of a scaled picture, ``(height, width, 3)``, 0 to 1."""
    from PIL.Image import Resampling

    return np.asarray(image.resize((width, height), Resampling.BILINEAR), np.float64) / 255


def small(row: Row) -> Array:
    """The picture of a row at a fixed size, ``(64, 64, 3)``, 0 to 1."""
    return scaled(picture(row), SIDE, SIDE)


def pixels(images: Sequence[Array]) -> Array:
    """Pixels of pictures of 64 x 64 at a quarter of their size, ``(images, 768)``."""
    return np.stack([image.reshape(SIDE // _POOLED, _POOLED, -1, _POOLED, 3).mean((1, 3)).ravel() for image in images])


def blocks(image: Array) -> Array:
    """Histograms of oriented gradients of brightness (Dalal 2005, doi:10.1109/CVPR.2005.177, section 6).

    Args:
        image: ``(height, width, 3)``, two cells high and wide at least; what is left over beside the cells is cut off.

    Returns:
        Of each block of 2 x 2 cells its normalised histograms, ``(blocks high, blocks wide, 36)``.
    """
    high, wide = (side // CELL for side in image.shape[:2])
    down, right = np.gradient(image.mean(2))
    strength = np.hypot(down, right)[: high * CELL, : wide * CELL]
    angle = (np.arctan2(down, right)[: high * CELL, : wide * CELL] / np.pi * ORIENTATIONS - 0.5) % ORIENTATIONS
    lower = np.floor(angle).astype(np.int64) % ORIENTATIONS
    share = angle - np.floor(angle)
    y, x = (np.arange(side * CELL) // CELL for side in (high, wide))
    cell = (y[:, None] * wide + x) * ORIENTATIONS
    cells = np.zeros(high * wide * ORIENTATIONS)
    for orientation, weight in ((lower, 1 - share), ((lower + 1) % ORIENTATIONS, share)):
        cells += np.bincount((cell + orientation).ravel(), (strength * weight).ravel(), len(cells))
    grid = cells.reshape(high, wide, ORIENTATIONS)
    joined = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], 2)
    joined = np.minimum(joined / np.sqrt((joined**2).sum(2, keepdims=True) + 1e-4), 0.2)  # section 6.4, L2-Hys
    return np.asarray(joined / np.sqrt((joined**2).sum(2, keepdims=True) + 1e-4))


def gradients(images: Sequence[Array]) -> Array:
    """Histograms of oriented gradients of pictures of 64 x 64, ``(images, 1764)``."""
    return np.stack([blocks(image).ravel() for image in images])


def textures(images: Sequence[Array]) -> Array:
    """Histograms of local binary patterns at two radii (Ojala 2002, doi:10.1109/TPAMI.2002.1017623) and of colours.

    Returns:
        Shares, ``(images, 92)``.
    """
    return np.stack([_texture(image) for image in images])


def _texture(image: Array) -> Array:
    from skimage import feature

    grey = np.round(image.mean(2) * 255).astype(np.uint8)
    parts = []
    for points, radius in ((8, 1), (16, 2)):
        patterns = feature.local_binary_pattern(grey, points, radius, "uniform")
        parts.append(np.bincount(patterns.astype(np.int64).ravel(), minlength=points + 2) / grey.size)
    colours = np.minimum((image * 4).astype(np.int64), 3) @ [16, 4, 1]
    parts.append(np.bincount(colours.ravel(), minlength=64) / grey.size)
    return np.concatenate(parts)
