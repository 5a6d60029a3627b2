"""Pictures as varied as possible, each labelled with what it is a crop or a drawing of, to pretrain nano models.

Every photograph is a class of its own, as each patch is in exemplar networks (Dosovitskiy 2014, 1406.6909): a network
learns to recognise it at any place, scale and rotation and in any light. Drawings, rendered patterns and letters are
classes by their kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Cutout, Pixels, finished, ground, inked, paste, recoloured, turned
from tlzoo.data.packaged.photographs import EXEMPLARS, name_of, pixels
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.rendered import patterns, sprites
from tlzoo.data.rendered.letters import TILT, glyphs
from tlzoo.data.schemas import class_features

SIDE = 96
"""Height and width of a picture, pixels."""

REGIONS = {"train": (0.0, 0.68), "validation": (0.72, 1.0)}
"""Which part of a photograph's longer side each split has; between them lies a strip that neither has."""

NAMES = (
    *(name_of(blob).lower() for blob in EXEMPLARS),
    *(f"sprite {kind}" for kind in sprites.KINDS),
    *(f"pattern {kind}" for kind in patterns.KINDS),
    "letter",
)
"""The classes."""

FEATURES = class_features("image", NAMES)
"""``group`` is the row's own name."""

FLAT = 4.0
"""Crops whose grey levels (0 to 255) deviate less than this show nothing, and another is tried."""

_TRIES = 8
_ROTATION = 25  # maximum of a crop in either direction, degrees
_SMALLEST = 0.25  # side of the smallest crop, as a share of the largest's
_SIZES = (40, 93)  # longer side of a drawing or letter, pixels; the last is never taken
_OPAQUE = np.ones((SIDE, SIDE), np.float32)

Draw = Callable[[np.random.Generator], NDArray[np.uint8]]
"""Makes a picture of a class, of shape ``(SIDE, SIDE, 3)``."""


@dataclass(frozen=True)
class Region:
    """A split's part of a photograph, at full size, half, a quarter and so on.

    Attributes:
        levels: Pictures of mode RGB; each is half as large as the one before, and made of that alone.
    """

    levels: tuple[Image.Image, ...]

    @classmethod
    def of(cls, photograph: Pixels, split: str) -> Region:
        """The part of a photograph, of shape ``(height, width, 3)``, that a split has."""
        levels = [Image.fromarray(np.ascontiguousarray(region(photograph, split)).astype(np.uint8))]
        while min(levels[-1].size) >= 2 * SIDE:
            levels.append(levels[-1].reduce(2))
        return cls(tuple(levels))

    def crop(self, rng: np.random.Generator) -> Pixels:
        """A random square of it at a random scale and rotation, mirrored half of the time, of ``SIDE`` pixels."""
        angle = np.deg2rad(rng.uniform(-_ROTATION, _ROTATION))
        width, height = self.levels[0].size
        reach = abs(np.cos(angle)) + abs(np.sin(angle))  # of the box around a turned square, in its sides
        side = min(width, height) / reach * np.exp(rng.uniform(np.log(_SMALLEST), 0))
        x = rng.uniform(side * reach / 2, width - side * reach / 2)
        y = rng.uniform(side * reach / 2, height - side * reach / 2)
        level = min(len(self.levels) - 1, max(0, int(np.log2(side / SIDE))))
        unit = side / SIDE / 2**level  # pixels of the level for one of the crop
        across, down = unit * np.array([np.cos(angle), np.sin(angle)]), unit * np.array([-np.sin(angle), np.cos(angle)])
        across = -across if rng.random() < 0.5 else across
        corner = np.array([x, y]) / 2**level - (across + down) * SIDE / 2
        numbers = (across[0], down[0], corner[0], across[1], down[1], corner[1])
        made = self.levels[level].transform((SIDE, SIDE), Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)
        return np.asarray(made, np.float32)


def region(photograph: Pixels, split: str) -> Pixels:
    """A split's band of a photograph, of shape ``(height, width, 3)``: across its longer side, and as wide as it is."""
    axis = int(np.argmax(photograph.shape[:2]))
    first, end = (round(share * photograph.shape[axis]) for share in REGIONS[split])
    return photograph[first:end] if axis == 0 else photograph[:, first:end]


def pictures(seed: int = 0, sizes: tuple[int, int] = (6000, 300)) -> DatasetDict:
    """Crops of photographs and paintings, drawings, patterns and letters, one class a photograph or kind.

    A row is a pure function of seed, split and index; classes are balanced in every beginning, to within one row.
    Crops of the two splits come from regions of a photograph that are apart; no drawing or font is in both.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: A wheel (of those in ``EXEMPLARS``, or of arcade 3.3.3) is not available.
    """
    photographs = [pixels(blob) for blob in EXEMPLARS]
    drawn = sprites.drawings(seed)
    splits = {}
    for stream, (split, size) in enumerate(zip(REGIONS, sizes, strict=True)):
        draws: list[Draw] = [_photographed(Region.of(photograph, split)) for photograph in photographs]
        draws += [_sprite([image for _, image in images]) for images in drawn[split].values()]
        draws += [_patterned(kind) for kind in patterns.KINDS]
        draws.append(_written([glyph for fonts in glyphs(split) for _, glyph in fonts]))
        rows = list(_rows(f"pictures/{split}/{seed}", (seed, stream), size, draws))
        splits[split] = table(FEATURES, {column: [row[column] for row in rows] for column in FEATURES})
    return DatasetDict(splits)


def _rows(title: str, key: tuple[int, int], size: int, draws: list[Draw]) -> Iterator[Mapping[str, Any]]:
    for index in range(size):
        label = balanced_choice(len(NAMES), index, (*key, 0))
        rng = np.random.default_rng((*key, 1, index))
        name = f"{title}/{index:04}"
        image = {"bytes": encode_png(draws[label](rng)), "path": f"{name}.png"}
        yield {"image": image, "label": label, "group": name, "id": name}


def _photographed(part: Region) -> Draw:
    def draw(rng: np.random.Generator) -> NDArray[np.uint8]:
        for _ in range(_TRIES):
            crop = part.crop(rng)
            if crop.mean(axis=-1).std() >= FLAT:
                break
        return recoloured(rng, Cutout(crop, _OPAQUE)).colour.round().astype(np.uint8)

    return draw


def _sprite(images: list[Image.Image]) -> Draw:
    def draw(rng: np.random.Generator) -> NDArray[np.uint8]:
        canvas = ground(rng, (), SIDE, SIDE)
        cutout = turned(rng, images[int(rng.integers(len(images)))], int(rng.integers(*_SIZES)))
        paste(canvas, recoloured(rng, cutout), *_place(rng, cutout))
        return finished(rng, canvas)

    return draw


def _written(letters: list[Image.Image]) -> Draw:
    def draw(rng: np.random.Generator) -> NDArray[np.uint8]:
        canvas = ground(rng, (), SIDE, SIDE)
        letter = letters[int(rng.integers(len(letters)))]
        cutout = turned(rng, letter, int(rng.integers(*_SIZES)), TILT, mirrored=False)
        x, y = _place(rng, cutout)
        paste(canvas, inked(rng, cutout, canvas, x, y), x, y)
        return finished(rng, canvas)

    return draw


def _patterned(kind: str) -> Draw:
    return lambda rng: finished(rng, patterns.kind_of_pattern(rng, kind, SIDE, SIDE))


def _place(rng: np.random.Generator, cutout: Cutout) -> tuple[int, int]:
    height, width = cutout.size
    return int(rng.integers(SIDE - width + 1)), int(rng.integers(SIDE - height + 1))
