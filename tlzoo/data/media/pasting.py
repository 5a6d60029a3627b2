"""Composes pictures: parts of photographs, rendered grounds, and cut-outs pasted onto them with an exact mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

SOLID = 0.5
"""Minimum opacity of a pixel that belongs to a cut-out."""


@dataclass(frozen=True)
class Cutout:
    """A picture to paste.

    Attributes:
        colour: Values from 0 to 255, of shape ``(height, width, 3)``.
        alpha: Opacity in [0, 1], of shape ``(height, width)``.
    """

    colour: Pixels
    alpha: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.alpha.shape[0], self.alpha.shape[1]


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize with Lanczos' filter: values of shape ``(height, width)``, or ``(height, width, 3)`` in whole numbers."""
    colour = pixels.ndim == 3
    image = Image.fromarray(pixels.astype(np.uint8) if colour else np.ascontiguousarray(pixels))
    return np.array(image.resize((int(width), int(height)), Image.Resampling.LANCZOS), dtype=np.float32)


def cut(rng: np.random.Generator, photograph: Pixels, height: int, width: int) -> Pixels:
    """A random part of a photograph, mirrored half of the time, resized to ``(height, width)``."""
    largest = min(photograph.shape[0] / height, photograph.shape[1] / width)
    scale = largest * rng.uniform(0.4, 1.0)
    h, w = int(height * scale), int(width * scale)
    y, x = rng.integers(photograph.shape[0] - h + 1), rng.integers(photograph.shape[1] - w + 1)
    part = photograph[y : y + h, x : x + w]
    return resized(part[:, ::-1] if rng.random() < 0.5 else part, height, width)


def ground(rng: np.random.Generator, photographs: Sequence[Pixels], height: int, width: int) -> Pixels:
    """A ground of shape ``(height, width, 3)``: half of the time a photograph's part in other colours, else rendered.

    What is rendered is a gradient between two colours, or smooth noise of one of many scales between them. Without
    photographs it always is.
    """
    if photographs and rng.random() < 0.5:
        part = cut(rng, photographs[int(rng.integers(len(photographs)))], height, width)
        return (128 + (part - 128) * rng.uniform(0.5, 1.2, 3) + rng.uniform(-40, 40)).clip(0, 255).astype(np.float32)
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        share = np.add.outer(np.linspace(-1, 1, height) * np.sin(angle), np.linspace(-1, 1, width) * np.cos(angle))
        share = (share / 2 + 0.5).clip(0, 1)
    else:
        cells = 2 ** rng.integers(1, 6)
        share = resized(rng.random((cells, cells), dtype=np.float32), height, width).clip(0, 1)
    return np.asarray(first + share[..., None] * (second - first), np.float32)


def turned(
    rng: np.random.Generator, image: Image.Image, side: int, degrees: float = 30, mirrored: bool = True
) -> Cutout:
    """Make a cut-out, turned by at most ``degrees``, its longer side ``side`` pixels.

    Args:
        rng: Source of random numbers.
        image: Of mode RGBA.
        side: Of the box around the solid pixels, in pixels, to within rounding.
        degrees: Maximum rotation in either direction.
        mirrored: Whether it is mirrored half of the time.

    Returns:
        The cut-out, without margins: each of its edges touches a solid pixel.
    """
    if mirrored and rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(rng.uniform(-degrees, degrees), Image.Resampling.BILINEAR, expand=True)
    image = image.crop(_solid_box(image))
    fit = side / max(image.size)
    width, height = max(1, round(image.width * fit)), max(1, round(image.height * fit))
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    samples = np.asarray(image.crop(_solid_box(image)), np.float32)
    return Cutout(samples[..., :3], samples[..., 3] / np.float32(255))


def recoloured(rng: np.random.Generator, cutout: Cutout) -> Cutout:
    """Another light: hue a little turned, saturation, contrast and brightness changed."""
    grey = cutout.colour.mean(axis=-1, keepdims=True)
    mixed = np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3))
    colour = grey + rng.uniform(0.5, 1.3) * ((cutout.colour - grey) @ mixed.T)
    colour = 128 + rng.uniform(0.6, 1.1) * (colour - 128) + rng.uniform(-30, 30)
    return Cutout(colour.clip(0, 255).astype(np.float32), cutout.alpha)


def inked(rng: np.random.Generator, cutout: Cutout, canvas: Pixels, x: int, y: int) -> Cutout:
    """A cut-out in one colour, at least 70 of 255 brighter or darker than the mean of the canvas below it."""
    height, width = cutout.size
    under = canvas[y : y + height, x : x + width].mean()
    while True:
        colour = rng.uniform(0, 255, 3).astype(np.float32)
        if abs(colour.mean() - under) >= 70:
            return Cutout(np.broadcast_to(colour, cutout.colour.shape), cutout.alpha)


def paste(canvas: Pixels, cutout: Cutout, x: int, y: int) -> Mask:
    """Lay a cut-out over a canvas, in place, with its upper left corner at ``(x, y)``; it has to fit.

    Returns:
        Where it is solid, of the canvas' shape ``(height, width)``.
    """
    height, width = cutout.size
    place = np.s_[y : y + height, x : x + width]
    alpha = cutout.alpha[..., None]
    canvas[place] = alpha * cutout.colour + (1 - alpha) * canvas[place]
    mask = np.zeros(canvas.shape[:2], dtype=np.bool_)
    mask[place] = cutout.alpha >= SOLID
    return mask


def take(rng: np.random.Generator, taken: Mask, size: tuple[int, int]) -> tuple[int, int] | None:
    """Find a place for a box of ``(height, width)`` that covers nothing taken, and take it.

    Returns:
        Its upper left corner ``(x, y)``; ``None`` where 20 tries found no place.
    """
    height, width = size
    for _ in range(20):
        x, y = int(rng.integers(taken.shape[1] - width + 1)), int(rng.integers(taken.shape[0] - height + 1))
        place = np.s_[y : y + height, x : x + width]
        if not taken[place].any():
            taken[place] = True
            return x, y
    return None


def box_of(mask: Mask) -> list[float]:
    """The smallest box around a mask's pixels, ``[x, y, width, height]``."""
    xs, ys = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return [float(xs[0]), float(ys[0]), float(xs[-1] - xs[0] + 1), float(ys[-1] - ys[0] + 1)]


def finished(rng: np.random.Generator, canvas: Pixels) -> NDArray[np.uint8]:
    """A canvas as a picture: with a little noise, of another strength each time."""
    return (canvas + rng.normal(0, rng.uniform(0, 6), canvas.shape)).round().clip(0, 255).astype(np.uint8)


def _solid_box(image: Image.Image) -> tuple[int, int, int, int]:
    solid = np.asarray(image.getchannel("A")) >= 255 * SOLID
    if not solid.any():
        return 0, 0, image.width, image.height
    x, y, width, height = map(int, box_of(solid))
    return x, y, x + width, y + height
