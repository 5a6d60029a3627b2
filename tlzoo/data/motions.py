"""Rendered videos that are told apart by how something moves, and by no single frame.

Digits of the test are real ones that training never showed, over plain ground; the source of stand-ins shows pieces of
photographs, of which all moves, as if a camera did. A row is a pure function of seed, split and index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from tlzoo.data import digits, photographs
from tlzoo.data.dataset import class_features, table
from tlzoo.data.protocol import SPLITS, deal
from tlzoo.data.video import Frames, encode

FRAMES, SIDE, RATE = 8, 64, 8
"""Frames of a video, their height and width in pixels, and how many are shown a second."""
MOTIONS = ("left", "right", "up", "down", "clockwise", "counterclockwise", "growing", "shrinking")
"""What a digit does; ``clockwise`` is along a circle."""
CAMERA = (
    *("pan left", "pan right", "tilt up", "tilt down", "up left", "up right", "down left", "down right"),
    *("zoom in", "zoom out", "roll left", "roll right"),
)
"""What a camera does."""
_WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Of the scene before the first eight, in x and y: it goes the other way."""


def digit_motions(seed: int = 0, sizes: tuple[int, int, int] = (400, 100, 400)) -> DatasetDict:
    """Render moving digits; a class is a motion.

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``video`` (8 frames of 64 x 64), ``label``, ``group``, the handwritten digit, and ``id``; no digit
        is in two splits.

    Raises:
        UnavailableError: The wheel that carries the digits cannot be had.
    """
    ink, labels = digits.inks()
    parts = digits.parted(labels, 0)

    def renderer(split: str) -> Callable[[int, np.random.Generator], tuple[Frames, str]]:
        def render(label: int, rng: np.random.Generator) -> tuple[Frames, str]:
            line = int(rng.choice(parts[split]))
            return moving(ink[line], MOTIONS[label], rng), f"digit-{line:04}"

        return render

    return _rendered("digit-motions", MOTIONS, dict(zip(SPLITS, sizes, strict=True)), seed, renderer)


def camera_motions(seed: int = 0, sizes: tuple[int, int] = (3000, 240)) -> DatasetDict:
    """Render pieces of photographs before a moving camera: the source of stand-ins.

    Returns:
        Splits ``train`` and ``validation``, as of :func:`digit_motions`; no photograph is in both.

    Raises:
        UnavailableError: A wheel that carries photographs cannot be had.
    """
    grounds = photographs.source_grounds()

    def renderer(split: str) -> Callable[[int, np.random.Generator], tuple[Frames, str]]:
        def render(label: int, rng: np.random.Generator) -> tuple[Frames, str]:
            number = int(rng.integers(len(grounds[split])))
            return filmed(grounds[split][number], label, rng), f"{split}-photograph-{number}"

        return render

    return _rendered("camera-motions", CAMERA, dict(zip(SPLITS, sizes, strict=False)), seed, renderer)


def _rendered(
    name: str,
    classes: Sequence[str],
    sizes: dict[str, int],
    seed: int,
    renderer: Callable[[str], Callable[[int, np.random.Generator], tuple[Frames, str]]],
) -> DatasetDict:
    features = class_features("video", classes)
    found = {}
    with tqdm(total=sum(sizes.values()), desc=name, unit="video", disable=None) as progress:
        for stream, (split, size) in enumerate(sizes.items()):
            render = renderer(split)
            columns: dict[str, list[Any]] = {column: [] for column in features}
            for index in range(size):
                label = deal(len(classes), index, (seed, stream, 0))
                frames, group = render(label, np.random.default_rng((seed, stream, 1, index)))
                row = {
                    "video": {"bytes": encode(frames, RATE), "path": f"{name}-{split}-{index:04}.mkv"},
                    "label": label,
                    "group": group,
                    "id": f"{name}/{split}/{seed}/{index:04}",
                }
                for column, value in row.items():
                    columns[column].append(value)
                progress.update()
            found[split] = table(features, columns)
    return DatasetDict(found)


def moving(ink: NDArray[np.float32], motion: str, rng: np.random.Generator) -> Frames:
    """A digit that does a motion, of any colour on any other.

    Sizes and places are drawn so that each of them, in each frame, is as likely for one motion as for its opposite.
    """
    paper, colour = _colours(rng)
    time = np.linspace(-0.5, 0.5, FRAMES)
    size = np.full(FRAMES, rng.uniform(16, 26))
    middle = rng.uniform(24, 40, 2)
    x, y = np.full(FRAMES, middle[0]), np.full(FRAMES, middle[1])
    way = rng.uniform(16, 32)
    if motion in ("left", "right"):
        x = x + (way if motion == "right" else -way) * time
    elif motion in ("up", "down"):
        y = y + (way if motion == "down" else -way) * time
    elif motion in ("growing", "shrinking"):
        size = size * rng.uniform(1.6, 2.4) ** (time if motion == "growing" else -time)
    else:
        angle = rng.uniform(0, 2 * np.pi) + rng.uniform(0.6, 1.0) * 2 * np.pi * time
        angle = angle if motion == "clockwise" else -angle  # y points down
        x, y = x + way / 2 * np.cos(angle), y + way / 2 * np.sin(angle)
    frames = np.empty((FRAMES, SIDE, SIDE, 3), np.float32)
    for i in range(FRAMES):
        cover = placed(ink, float(x[i]), float(y[i]), float(size[i]))[..., None]
        frames[i] = paper * (1 - cover) + colour * cover
    noise = rng.normal(0, rng.uniform(0, 6), frames.shape)
    result: Frames = np.clip(frames + noise, 0, 255).round().astype(np.uint8)
    return result


def filmed(photograph: NDArray[np.float32], label: int, rng: np.random.Generator) -> Frames:
    """A piece of a photograph before a moving camera (:data:`CAMERA`)."""
    height, width = photograph.shape[:2]
    picture = Image.fromarray(photograph.round().astype(np.uint8))
    scale = rng.uniform(0.7, min(2.5, 0.6 * min(height, width) / SIDE))
    time = np.linspace(-0.5, 0.5, FRAMES)
    reach = 1.3 * SIDE * scale
    centre = np.array([rng.uniform(reach / 2, side - reach / 2) for side in (width, height)])
    frames = np.empty((FRAMES, SIDE, SIDE, 3), np.uint8)
    speed = rng.uniform(10, 24) * scale
    turn, factor = rng.uniform(20, 50), rng.uniform(1.3, 1.8)
    for i, t in enumerate(time):
        shift, angle, zoom = np.zeros(2), 0.0, 1.0
        if label < len(_WAYS):
            shift = -np.array(_WAYS[label]) * speed * t
        elif label < len(_WAYS) + 2:
            zoom = factor ** (-t if label == len(_WAYS) else t)
        else:
            angle = np.deg2rad(turn * (t if label == len(_WAYS) + 2 else -t))
        frames[i] = _seen(picture, centre + shift, scale * zoom, angle)
    return frames


def _seen(picture: Image.Image, centre: NDArray[np.float64], scale: float, angle: float) -> Frames:
    """What a camera sees: :data:`SIDE` pixels, each ``scale`` of the picture, turned by an angle in radians."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    half = (SIDE - 1) / 2
    x0, y0 = centre[0] - cos * half + sin * half, centre[1] - sin * half - cos * half
    seen = picture.transform(
        (SIDE, SIDE), Image.Transform.AFFINE, (cos, -sin, x0, sin, cos, y0), Image.Resampling.BILINEAR
    )
    return np.asarray(seen)


def _colours(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Paper and ink, RGB, apart from each other."""
    while True:
        paper, colour = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        if abs(paper.mean() - colour.mean()) > 70:
            return paper, colour


def placed(ink: NDArray[np.float32], x: float, y: float, size: float) -> NDArray[np.float32]:
    """How much ink covers each pixel, where a digit of some size has its middle."""
    grey = Image.fromarray((ink * 255).round().astype(np.uint8))
    scale = len(ink) / size
    placed = grey.transform(
        (SIDE, SIDE),
        Image.Transform.AFFINE,
        (scale, 0, -(x - size / 2) * scale, 0, scale, -(y - size / 2) * scale),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(placed, np.float32) / 255
