"""Tiles of photographs, to be classified by texture; cut from scikit-image's wheel so that splits are apart in space.

Everything is grey and each tile has a random tone, so that neither colour nor brightness gives the answer away.
"""

from __future__ import annotations

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Pixels, resized
from tlzoo.data.packaged.photographs import COINS, PAGE, PHOTOGRAPHS, name_of, pixels
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.schemas import class_features

SIDE = 32
"""Height and width of a tile, in pixels."""

ZOOM = {
    "brick": 1.0,
    "cell": 1.0,
    "coins": 2.0,
    "grass": 1.0,
    "gravel": 1.0,
    "hubble_deep_field": 1.0,
    "ihc": 1.0,
    "moon": 1.0,
    "page": 2.0,
    "retina": 0.5,
}
"""The classes: the photographs, and how much each is enlarged before it is cut."""

NAMES = tuple(ZOOM)
SPLITS = {"train": (0.0, 0.375), "validation": (0.4375, 0.5625), "test": (0.625, 1.0)}
"""Which part of a photograph's width each split has; between them lies at least a tile."""

FLAT = 1.5
"""Tiles whose grey levels (0 to 255) deviate less than this show nothing and are left out."""

FEATURES = class_features("image", NAMES)
"""``group`` is the part of a photograph, of :data:`PART` tiles in height and width, which tiles share."""

PART = 4
"""Tiles from one edge of a part of a photograph to the other. Tiles side by side are not independent."""


def textures(seed: int = 0, train: int = 200, validation: int = 100, test: int = 730) -> DatasetDict:
    """Tiles of 32 x 32 pixels that do not overlap, of ten photographs: few to train on, so that transfer can show.

    A row is a pure function of seed, split and index; classes are balanced in every beginning, to within one row.

    Args:
        seed: Decides the order of the tiles, how each is turned, and its tone.
        train: Maximum number of training images.
        validation: Maximum number of validation images.
        test: Maximum number of test images.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: The wheel of scikit-image 0.25.2 is not available.
    """
    blob_by_name = {name_of(blob): blob for blobs in (*PHOTOGRAPHS.values(), (COINS, PAGE)) for blob in blobs}
    photographs = {name: _zoomed(pixels(blob_by_name[name], "L"), zoom) for name, zoom in ZOOM.items()}
    sizes = {"train": train, "validation": validation, "test": test}
    return DatasetDict({split: _split(seed, split, photographs, size) for split, size in sizes.items()})


def corners(photograph: Pixels, split: str) -> list[tuple[int, int]]:
    """Upper left corners ``(x, y)`` of a split's tiles in a photograph, row by row."""
    height, width = photograph.shape
    left, right = (round(share * width) for share in SPLITS[split])
    across = range(left, right - SIDE + 1, SIDE)
    places = [(x, y) for y in range(0, height - SIDE + 1, SIDE) for x in across]
    return [(x, y) for x, y in places if photograph[y : y + SIDE, x : x + SIDE].std() >= FLAT]


def _split(seed: int, split: str, photographs: dict[str, Pixels], size: int) -> Dataset:
    stream = list(SPLITS).index(split)
    columns: dict[str, list[object]] = {name: [] for name in FEATURES}
    places = {name: corners(photograph, split) for name, photograph in photographs.items()}
    for index in range(min(size, len(NAMES) * min(map(len, places.values())))):
        label = balanced_choice(len(NAMES), index, (seed, stream, 0))
        name = NAMES[label]
        order = np.random.default_rng((seed, stream, 1, label)).permutation(len(places[name]))
        x, y = places[name][order[index // len(NAMES)]]
        tile = _toned(np.random.default_rng((seed, stream, 2, index)), photographs[name][y : y + SIDE, x : x + SIDE])
        title = f"{name}-{x:04}-{y:04}"
        columns["image"].append({"bytes": encode_png(np.repeat(tile[..., None], 3, axis=2)), "path": f"{title}.png"})
        columns["label"].append(label)
        columns["group"].append(f"{name}-{x // (PART * SIDE)}-{y // (PART * SIDE)}")
        columns["id"].append(title)
    return table(FEATURES, columns)


def _zoomed(photograph: Pixels, zoom: float) -> Pixels:
    if zoom == 1:
        return photograph
    return resized(photograph, round(photograph.shape[0] * zoom), round(photograph.shape[1] * zoom))


def _toned(rng: np.random.Generator, tile: Pixels) -> NDArray[np.uint8]:
    """A tile turned by quarters and mirrored, with another mean, and with a contrast at most fivefold its own."""
    tile = np.rot90(tile, int(rng.integers(4)))
    tile = tile[:, ::-1] if rng.random() < 0.5 else tile
    gain = min(5.0, rng.uniform(25, 50) / tile.std())
    toned = rng.uniform(100, 155) + gain * (tile - tile.mean())
    return np.asarray(toned.round().clip(0, 255), np.uint8)
