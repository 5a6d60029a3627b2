"""Scales pictures to the size of a model, and maps boxes, points and masks to the scaled picture and back.

A *frame* is a tensor ``(scale x, scale y, left, top, width, height)``: a point ``(x, y)`` of the picture lies at
``(x * scale x + left, y * scale y + top)`` of the model's input; width and height are those of the picture. Boxes are
``(x1, y1, x2, y2)``; all coordinates are in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as V

from tlzoo.data.media.image import IGNORED as IGNORED
from tlzoo.vocabulary import Interpolation

Framing = Literal["crop", "letterbox"]
CROP = 0.875
"""Share of the shorter side in a centre crop, as in evaluation on ImageNet (224 of 256)."""
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
GREY = 114
"""Value around a picture that does not fill its frame, 0 to 255."""


@dataclass(frozen=True)
class Crop:
    """How a picture is resized before its centre is cropped.

    Attributes:
        resize: Pixels of the shorter side, which become those of the crop and its margin; by default the crop's side
            divided by ``CROP``.
        interpolation: How pixels are interpolated, antialiased.
    """

    resize: int | None = None
    interpolation: Interpolation = "bilinear"


def framed(image: Image.Image, height: int, width: int, framing: Framing, crop: Crop = Crop()) -> tuple[Tensor, Tensor]:
    """Scale a picture to the size of a model.

    Args:
        image: RGB.
        height: Of the input, in pixels.
        width: Of the input.
        framing: ``crop``: the shorter side fills the input, and the longer one is cropped, as in the evaluation of
            classifiers; ``letterbox``: the whole picture is in the input, and grey fills the rest.
        crop: Of the framing ``crop``: what is resized, and how.

    Returns:
        The input, uint8 of shape ``(3, height, width)``, and its frame, float32 of shape ``(6,)``.
    """
    if framing == "crop":
        return _cropped(image, height, width, crop)
    fit = min(height / image.height, width / image.width)
    size = max(1, round(image.height * fit)), max(1, round(image.width * fit))
    pixels = V.resize(_pixels(image), list(size), antialias=True)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    pixels = F.pad(pixels, (left, width - size[1] - left, top, height - size[0] - top), value=GREY)
    return pixels, _frame(image, size, top, left)


def _cropped(image: Image.Image, height: int, width: int, crop: Crop) -> tuple[Tensor, Tensor]:
    """Resize and crop to the pixel as torchvision does (``torchvision.transforms._presets.ImageClassification``)."""
    margin = min(height, width) / crop.resize if crop.resize else CROP
    if height / image.height >= width / image.width:
        tall = round(height / margin)
        size = tall, max(width, int(tall * image.width / image.height))
    else:
        wide = round(width / margin)
        size = max(height, int(wide * image.height / image.width)), wide
    pixels = _pixels(image.resize(size[::-1], _FILTERS[crop.interpolation]))
    top, left = round((size[0] - height) / 2), round((size[1] - width) / 2)
    return pixels[:, top : top + height, left : left + width].contiguous(), _frame(image, size, -top, -left)


def _pixels(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _frame(image: Image.Image, size: tuple[int, int], top: int, left: int) -> Tensor:
    frame = [size[1] / image.width, size[0] / image.height, left, top, image.width, image.height]
    return torch.tensor(frame, dtype=torch.float32)


def points_to_input(points: Tensor, frame: Tensor) -> Tensor:
    """Points of the picture, ``(..., 2)``, in the input."""
    return points * frame[:2] + frame[2:4]


def points_from_input(points: Tensor, frame: Tensor) -> Tensor:
    """Points of the input, ``(..., 2)``, in the picture, clamped to its edges."""
    return ((points - frame[2:4]) / frame[:2]).clamp(min=0).minimum(frame[4:6])


def boxes_to_input(boxes: Tensor, frame: Tensor) -> Tensor:
    """Boxes of the picture, ``(n, 4)``, in the input."""
    return points_to_input(boxes.reshape(-1, 2, 2), frame).reshape(-1, 4)


def boxes_from_input(boxes: Tensor, frame: Tensor) -> Tensor:
    """Boxes of the input, ``(n, 4)``, in the picture, clamped to its edges."""
    return points_from_input(boxes.reshape(-1, 2, 2), frame).reshape(-1, 4)


def mask_to_input(mask: NDArray[np.uint8], frame: Tensor, height: int, width: int) -> Tensor:
    """A mask of classes, ``(picture height, picture width)``, in the input; ``IGNORED`` outside of the picture.

    Returns:
        uint8 of shape ``(height, width)``.
    """
    ys, xs = _sources(frame, height, width)
    inside = (ys[:, None] >= 0) & (ys[:, None] < mask.shape[0]) & (xs >= 0) & (xs < mask.shape[1])
    rows, columns = ys.clamp(0, mask.shape[0] - 1), xs.clamp(0, mask.shape[1] - 1)
    classes = torch.from_numpy(mask)[rows[:, None], columns]
    return torch.where(inside, classes, torch.full_like(classes, IGNORED))


def scores_from_input(scores: Tensor, frame: Tensor) -> Tensor:
    """Maps over the input, ``(channels, height, width)``, over the picture: ``(channels, its height, its width)``."""
    wide, high = int(frame[4]), int(frame[5])
    x = (torch.arange(wide, device=scores.device) + 0.5) * frame[0] + frame[2]
    y = (torch.arange(high, device=scores.device) + 0.5) * frame[1] + frame[3]
    grid = torch.stack(torch.meshgrid(2 * x / scores.shape[2] - 1, 2 * y / scores.shape[1] - 1, indexing="xy"), -1)
    return F.grid_sample(scores[None].float(), grid[None].float(), padding_mode="border", align_corners=False)[0]


def _sources(frame: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Row and column of the picture under each row and column of the input."""
    y = ((torch.arange(height) + 0.5 - frame[3]) / frame[1]).floor().long()
    x = ((torch.arange(width) + 0.5 - frame[2]) / frame[0]).floor().long()
    return y, x
