"""Rendered videos whose class is the motion of the warm one of two shapes, which no single frame shows.

The other one is cold and does another motion, and the ground drifts: neither what is light nor all that moves tells.

The digits of the test are real ones that are not in training; the source of stand-ins has printed letters and more
motions. A row is a pure function of seed, split and index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from tlzoo.data.dataset import table
from tlzoo.data.media.video import Frames, encode
from tlzoo.data.packaged import digits
from tlzoo.data.protocol import SPLITS, balanced_choice
from tlzoo.data.rendered.patterns import pattern
from tlzoo.data.schemas import class_features

MOTION_FRAMES, MOTION_SIDE, MOTION_RATE = 8, 64, 8
"""Frames of a video, their height and width in pixels, and frames a second."""
MOTIONS = ("left", "right", "up", "down", "clockwise", "counterclockwise", "growing", "shrinking")
"""Motions of a digit; ``clockwise`` is along a circle."""
WAYS = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
    "up left": (-1, -1),
    "up right": (1, -1),
    "down left": (-1, 1),
    "down right": (1, 1),
}
"""Directions in x and y, which points down."""
WARM = ((200, 255), (80, 150), (20, 80))
"""Lowest and highest red, green and blue, of 255, of the shape whose motion is the class."""
COLD = WARM[::-1]
"""The same of the other shape."""
DRIFT = 8
"""Maximum number of pixels, in x and y, from where the ground is halfway to where it is at first and last."""


def digit_motions(seed: int = 0, sizes: tuple[int, int, int] = (400, 100, 400)) -> DatasetDict:
    """Render two moving digits; a class is the motion of the warm one.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``video`` (8 frames of 64 x 64), ``label``, ``group``, the warm digit, and ``id``; no handwritten
        digit is in two splits.

    Raises:
        UnavailableError: The wheel that carries the digits is not available.
    """
    ink, labels = digits.inks()
    parts = digits.parted(labels, 0)

    def renderer(split: str) -> Callable[[int, np.random.Generator], tuple[Frames, str]]:
        def render(label: int, rng: np.random.Generator) -> tuple[Frames, str]:
            line = int(rng.choice(parts[split]))
            other = ink[int(rng.choice(parts[split]))]
            return moving(ink[line], other, MOTIONS[label], MOTIONS, rng), f"digit-{line:04}"

        return render

    return _rendered("digit-motions", MOTIONS, dict(zip(SPLITS, sizes, strict=True)), seed, renderer)


def letter_motions(seed: int = 0, sizes: tuple[int, int] = (3000, 240)) -> DatasetDict:
    """Render pairs of moving letters in the fonts of matplotlib's wheel, on slanting ways too: the source of stand-ins.

    Returns:
        Splits ``train`` and ``validation``, as of :func:`digit_motions`; no font is in both.
    """
    from tlzoo.data.rendered.letters import FONTS, NAMES, glyphs

    shapes = {
        split: [
            (f"{font}-{name}", squared(glyph))
            for name, glyphs_of_letter in zip(NAMES, glyphs(split), strict=True)
            for font, glyph in glyphs_of_letter
        ]
        for split in FONTS
    }
    motions = (*MOTIONS, *(way for way in WAYS if way not in MOTIONS))

    def renderer(split: str) -> Callable[[int, np.random.Generator], tuple[Frames, str]]:
        def render(label: int, rng: np.random.Generator) -> tuple[Frames, str]:
            name, shape = shapes[split][int(rng.integers(len(shapes[split])))]
            other = shapes[split][int(rng.integers(len(shapes[split])))][1]
            return moving(shape, other, motions[label], motions, rng), name

        return render

    return _rendered("letter-motions", motions, dict(zip(SPLITS, sizes, strict=False)), seed, renderer)


def _rendered(
    name: str,
    classes: Sequence[str],
    sizes: dict[str, int],
    seed: int,
    renderer: Callable[[str], Callable[[int, np.random.Generator], tuple[Frames, str]]],
) -> DatasetDict:
    features = class_features("video", classes)
    rendered = {}
    with tqdm(total=sum(sizes.values()), desc=name, unit="video", disable=None) as progress:
        for stream, (split, size) in enumerate(sizes.items()):
            render = renderer(split)
            columns: dict[str, list[Any]] = {column: [] for column in features}
            for index in range(size):
                label = balanced_choice(len(classes), index, (seed, stream, 0))
                frames, group = render(label, np.random.default_rng((seed, stream, 1, index)))
                row = {
                    "video": {"bytes": encode(frames, MOTION_RATE), "path": f"{name}-{split}-{index:04}.mkv"},
                    "label": label,
                    "group": group,
                    "id": f"{name}/{split}/{seed}/{index:04}",
                }
                for column, value in row.items():
                    columns[column].append(value)
                progress.update()
            rendered[split] = table(features, columns)
    return DatasetDict(rendered)


def moving(
    ink: NDArray[np.float32],
    other: NDArray[np.float32],
    motion: str,
    motions: Sequence[str],
    rng: np.random.Generator,
) -> Frames:
    """A warm shape that does a motion, and a cold one that does another, over a grey ground that drifts.

    Sizes and places are drawn so that each of them, in each frame, is as likely for one motion as for its opposite.
    Both shapes are as light, so that the motion of what is light does not tell.

    Args:
        ink: How much ink covers each place of the shape whose motion is the class.
        other: The same of the other shape, which lies below it.
        motion: The class.
        motions: All classes; the other shape does any but ``motion``.
        rng: Decides everything else.
    """
    frames = _drifting(rng)
    another = str(rng.choice([each for each in motions if each != motion]))
    for shape, does, ends in ((other, another, COLD), (ink, motion, WARM)):
        colour = rng.uniform(*np.transpose(ends))
        for i, (x, y, size) in enumerate(_path(does, rng)):
            cover = placed(shape, float(x), float(y), float(size))[..., None]
            frames[i] = frames[i] * (1 - cover) + colour * cover
    noise = rng.normal(0, rng.uniform(0, 6), frames.shape)
    result: Frames = np.clip(frames + noise, 0, 255).round().astype(np.uint8)
    return result


def _path(motion: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Middle in x and y and size of a shape in each frame, ``(frames, 3)``."""
    time = np.linspace(-0.5, 0.5, MOTION_FRAMES)
    size = np.full(MOTION_FRAMES, rng.uniform(16, 26))
    middle = rng.uniform(24, 40, 2)
    x, y = np.full(MOTION_FRAMES, middle[0]), np.full(MOTION_FRAMES, middle[1])
    way = rng.uniform(16, 32)
    if motion in WAYS:
        across, down = np.array(WAYS[motion]) / np.hypot(*WAYS[motion]) * way
        x, y = x + across * time, y + down * time
    elif motion in ("growing", "shrinking"):
        size = size * rng.uniform(1.6, 2.4) ** (time if motion == "growing" else -time)
    else:
        angle = rng.uniform(0, 2 * np.pi) + rng.uniform(0.6, 1.0) * 2 * np.pi * time
        angle = angle if motion == "clockwise" else -angle  # y points down
        x, y = x + way / 2 * np.cos(angle), y + way / 2 * np.sin(angle)
    return np.stack([x, y, size], 1)


def _drifting(rng: np.random.Generator) -> NDArray[np.float32]:
    """A grey pattern that drifts in any direction, ``(frames, side, side, 3)``."""
    side = MOTION_SIDE + 2 * DRIFT
    grey = pattern(rng, side, side).mean(axis=2)
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1.0)
    grey = rng.uniform(10, 40) + rng.uniform(20, 70) * grey
    way = rng.uniform(-DRIFT, DRIFT, 2)
    corners = np.round(DRIFT + np.linspace(-1, 1, MOTION_FRAMES)[:, None] * way).astype(int)
    frames = [grey[y : y + MOTION_SIDE, x : x + MOTION_SIDE] for x, y in corners]
    return np.asarray(np.repeat(np.stack(frames)[..., None], 3, axis=3), np.float32)


def placed(ink: NDArray[np.float32], x: float, y: float, size: float) -> NDArray[np.float32]:
    """How much ink covers each pixel, where a digit of some size has its middle."""
    grey = Image.fromarray((ink * 255).round().astype(np.uint8))
    scale = len(ink) / size
    placed = grey.transform(
        (MOTION_SIDE, MOTION_SIDE),
        Image.Transform.AFFINE,
        (scale, 0, -(x - size / 2) * scale, 0, scale, -(y - size / 2) * scale),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(placed, np.float32) / np.float32(255)


def squared(glyph: Any) -> NDArray[np.float32]:
    """A letter's cover, in the middle of a square of 16."""
    alpha = glyph.getchannel("A")
    scale = 14 / max(alpha.size)
    alpha = alpha.resize(
        (max(1, round(alpha.width * scale)), max(1, round(alpha.height * scale))), Image.Resampling.BOX
    )
    whole = Image.new("L", (16, 16))
    whole.paste(alpha, ((16 - alpha.width) // 2, (16 - alpha.height) // 2))
    return np.asarray(whole, np.float32) / np.float32(255)
