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
from tlzoo.data.rendered.patterns import pattern
from tlzoo.data.schemas import CLIP_FEATURES

SIZES = (24.0, 34.0)
"""Smallest and largest height and width of a shape, pixels."""
SPEEDS = (1.5, 3.0)
"""Lowest and highest speed, pixels a frame."""

Shape = tuple[str, NDArray[np.float32]]
"""A name, and how much ink covers each place of a square, 0 to 1."""


def moving_digits(seed: int = 0, sizes: tuple[int, int, int] = (400, 8, 60)) -> DatasetDict:
    """Render a digit that bounces over a pattern: 16 frames of 64 x 64.

    The pattern stays and the digit is large, so that neither frames of one colour nor a still one come near.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``video``, ``group``, the digit, and ``id``; no handwritten digit is in two splits.

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
                group, shape = shapes[split][int(rng.integers(len(shapes[split])))]
                columns["video"].append(
                    {
                        "bytes": encode(bouncing(shape, rng), RATE),
                        "path": f"{name}-{split}-{index:04}.mkv",
                    }
                )
                columns["group"].append(group)
                columns["id"].append(f"{name}/{split}/{seed}/{index:04}")
                progress.update()
            rendered[split] = table(CLIP_FEATURES, columns)
    return DatasetDict(rendered)


def bouncing(shape: NDArray[np.float32], rng: np.random.Generator) -> Frames:
    """A large shape of a light colour over a pattern that stays, on its way, back from the edges."""
    grey = pattern(rng, SIDE, SIDE).mean(axis=2)
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1.0)
    ground = rng.uniform(0, 30, 3) + rng.uniform(60, 100, 3) * grey[..., None]
    ink, size = rng.uniform(150, 255, 3), rng.uniform(*SIZES)
    low, high = size / 2, SIDE - size / 2
    angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(*SPEEDS)
    start = rng.uniform(low, high, 2)
    frames = np.empty((FRAMES, SIDE, SIDE, 3))
    for i in range(FRAMES):
        x, y = _folded(start + speed * i * np.array([np.cos(angle), np.sin(angle)]), low, high)
        cover = placed(shape, float(x), float(y), float(size))[..., None]
        frames[i] = ground * (1 - cover) + ink * cover
    result: Frames = frames.round().astype(np.uint8)
    return result


def _folded(way: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Places of something that bounces between two walls."""
    span = high - low
    inside = np.mod(way - low, 2 * span)
    return low + np.minimum(inside, 2 * span - inside)
