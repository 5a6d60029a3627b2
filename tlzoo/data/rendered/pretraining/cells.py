"""Drawn cells and nuclei with exact masks, to pretrain nano models of segmentation.

Ellipses and deformed discs lie apart, touch or overlap, on uneven grounds, sharp or blurred, bright on dark as in
fluorescence or dark on bright as in a stain; spots out of focus and specks are part of the background.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Pixels, resized
from tlzoo.data.packaged.nuclei import FEATURES, TILE

SPLITS = ("train", "validation")

_RADII = (4.0, 18.0)  # of a picture's cells, pixels
_MOST = 60  # cells of a picture


@dataclass(frozen=True)
class Cell:
    """A deformed ellipse.

    Attributes:
        x: Centre, pixels; the upper left pixel has its own at 0.5.
        y: Centre.
        along: Half of the longer axis, pixels.
        across: Half of the other.
        angle: Of the longer axis from the x axis towards y, radians.
        waves: Height and phase of the waves of its outline, with 2, 3... around it; heights are shares of the radius.
    """

    x: float
    y: float
    along: float
    across: float
    angle: float
    waves: tuple[tuple[float, float], ...] = ()

    def distances(self, side: int) -> Pixels:
        """How far each pixel is from the centre, as a share of the outline's distance: inside below 1.

        Returns:
            Float32, of shape ``(side, side)``.
        """
        y, x = np.mgrid[:side, :side] + 0.5
        u = (np.cos(self.angle) * (x - self.x) + np.sin(self.angle) * (y - self.y)) / self.along
        v = (np.cos(self.angle) * (y - self.y) - np.sin(self.angle) * (x - self.x)) / self.across
        if not self.waves:
            return np.asarray(np.hypot(u, v), np.float32)
        turn, outline = np.arctan2(v, u), np.ones((side, side))
        for number, (height, phase) in enumerate(self.waves, start=2):
            outline += height * np.cos(number * turn + phase)
        return np.asarray(np.hypot(u, v) / outline, np.float32)


def drawn_cells(seed: int = 0, sizes: tuple[int, int] = (900, 100)) -> DatasetDict:
    """Cells on grey pictures of 96 x 96 pixels, with the classes of :func:`tlzoo.data.packaged.nuclei.nuclei`.

    A row is a pure function of seed, split and index.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as in :data:`tlzoo.data.packaged.nuclei.FEATURES`.
    """
    splits = {}
    for stream, (split, size) in enumerate(zip(SPLITS, sizes, strict=True)):
        rows = list(_rows(f"drawn-cells/{split}/{seed}", (seed, stream), size))
        splits[split] = table(FEATURES, {column: [row[column] for row in rows] for column in FEATURES})
    return DatasetDict(splits)


def scattered(rng: np.random.Generator) -> list[Cell]:
    """The cells of a picture, alike in size and shape; in half of the pictures many of them touch or overlap."""
    radius = np.exp(rng.uniform(*np.log(_RADII)))
    count = int(np.clip(rng.uniform(0.05, 0.55) * TILE**2 / (np.pi * radius**2), 1, _MOST))
    crowded = rng.uniform(0.2, 0.9) if rng.random() < 0.5 else 0.0
    longest, rough = rng.uniform(1, 1.9), rng.choice([0.0, rng.uniform(0.02, 0.12)])
    cells: list[Cell] = []
    for _ in range(count):
        size, shape = radius * rng.uniform(0.7, 1.3), np.sqrt(rng.uniform(1, longest))
        x, y = rng.uniform(-0.3 * radius, TILE + 0.3 * radius, 2)
        if cells and rng.random() < crowded:  # beside another
            other, turn = cells[int(rng.integers(len(cells)))], rng.uniform(0, 2 * np.pi)
            apart = rng.uniform(0.8, 1.1) * (size + (other.along + other.across) / 2)
            x, y = other.x + apart * np.cos(turn), other.y + apart * np.sin(turn)
        waves = [(float(rng.normal(0, rough / n)), float(rng.uniform(0, 2 * np.pi))) for n in (1, 1.5, 2, 2.5)]
        angle = float(rng.uniform(0, np.pi))
        cells.append(
            Cell(float(x), float(y), float(size * shape), float(size / shape), angle, tuple(waves) if rough else ())
        )
    return cells


def coloured(rng: np.random.Generator, distances: Sequence[Pixels]) -> NDArray[np.uint8]:
    """A grey picture of cells, of shape ``(TILE, TILE)``, given the distances from the centre of each."""
    light = rng.uniform(0, 0.25) + rng.uniform(0, 0.25) * _noise(rng, int(rng.integers(2, 5)))
    contrast, added = rng.uniform(0.2, 0.9), rng.random() < 0.3  # light of two adds up where they overlap
    hollow, grain, edge = rng.uniform(-0.5, 0.4), rng.uniform(0, 0.5), rng.uniform(0.05, 0.3)
    for _ in range(rng.integers(5) if rng.random() < 0.5 else 0):  # out of focus
        x, y, along, across = (float(value) for value in (*rng.uniform(0, TILE, 2), *rng.uniform(2, 16, 2)))
        spot = Cell(x, y, along, across, 0.0).distances(TILE)
        light = light + contrast * rng.uniform(0.1, 0.4) * np.exp(-(spot**2))
    ground = light.mean()
    for far in distances:
        tone = contrast * rng.uniform(0.6, 1.2) * (1 + hollow * (far.clip(0, 1) ** 2 - 0.5))
        tone = tone * (1 + grain * (_noise(rng, int(rng.integers(8, 40))) - 0.5))
        cover = ((1 - far) / edge + 0.5).clip(0, 1)  # a half at the outline
        light = light + cover * tone if added else light + cover * (ground + tone - light)
    light = gaussian_filter(light, rng.uniform(0, 1.4))
    light = light + rng.normal(0, rng.uniform(0, 0.07), light.shape)
    light = rng.uniform(0.7, 1.3) * light
    if rng.random() < 0.35:
        light = 1 - light  # dark on bright
    return np.asarray((255 * light).round().clip(0, 255), np.uint8)


def _rows(title: str, key: tuple[int, int], size: int) -> Iterator[Mapping[str, Any]]:
    for index in range(size):
        rng = np.random.default_rng((*key, index))
        distances = [cell.distances(TILE) for cell in scattered(rng)]
        mask, name = np.any([far < 1 for far in distances], axis=0).astype(np.uint8), f"{title}/{index:04}"
        grey = np.repeat(coloured(rng, distances)[..., None], 3, axis=2)
        yield {
            "image": {"bytes": encode_png(grey), "path": f"{name}.png"},
            "mask": {"bytes": encode_png(mask), "path": f"{name}-mask.png"},
            "classes": np.unique(mask).tolist(),
            "group": name,
            "id": name,
        }


def _noise(rng: np.random.Generator, cells: int) -> Pixels:
    """Smooth noise of about [0, 1] with so many values a side, of shape ``(TILE, TILE)``."""
    return resized(rng.random((cells, cells), dtype=np.float32), TILE, TILE)
