"""The resize and centre crop of pictures as a computation on tensors, to the pixel as Pillow does them.

Resize operators of ONNX and of PyTorch filter in other ways than Pillow, and that changes predictions (Parmar 2022,
2104.11222). So the filter's weights are computed from the size of the picture, and a resize is two matrix products:
first along the width, then along the height, each rounded to whole values as ``Resample.c`` of Pillow rounds them.
Products of whole numbers below 2**53 are exact in float64, in any order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tlzoo.data.media.geometry import CROP, Crop

PRECISION = float(1 << 22)
"""Weights are whole multiples of its inverse (Pillow, ``PRECISION_BITS``)."""
SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}
"""Reach of each filter, in pixels of the coarser grid."""
CUBIC = -0.5
"""Parameter of Pillow's bicubic filter."""


class Cropping(nn.Module):
    """Pixels of any size to those of a network: ``framed`` of ``tlzoo.data.media.geometry`` with framing ``crop``."""

    def __init__(self, height: int, width: int, crop: Crop) -> None:
        """Set what is constant.

        Args:
            height: Of the network's input, in pixels.
            width: Of the network's input.
            crop: What is resized before the crop, and how.
        """
        super().__init__()
        self.height, self.width, self.filter = height, width, crop.interpolation
        margin = min(height, width) / crop.resize if crop.resize else CROP
        self.tall, self.wide = float(round(height / margin)), float(round(width / margin))

    def forward(self, image: Tensor) -> Tensor:
        """Resize and crop.

        Args:
            image: RGB, uint8 of shape ``(any height, any width, 3)``.

        Returns:
            Whole values from 0 to 255, float32 of shape ``(3, height, width)``.
        """
        tall, wide = _number(image.shape[0]), _number(image.shape[1])
        is_tall = self.height / tall >= self.width / wide
        rows = torch.where(is_tall, self.tall, torch.clamp(torch.floor(self.wide * tall / wide), min=self.height))
        columns = torch.where(is_tall, torch.clamp(torch.floor(self.tall * wide / tall), min=self.width), self.wide)
        top, left = torch.round((rows - self.height) / 2), torch.round((columns - self.width) / 2)
        across = weights(image.shape[1], columns, left, self.width, self.filter)
        down = weights(image.shape[0], rows, top, self.height, self.filter)
        narrow = _rounded(image.permute(2, 0, 1).double() @ across.T)
        return _rounded(down @ narrow).float()


def weights(size: int, resized: Tensor, first: Tensor, count: int, interpolation: str) -> Tensor:
    """Weights of the pixels of a line in each pixel of the resized line (Pillow, ``precompute_coeffs``).

    Args:
        size: Pixels of the line.
        resized: Pixels of the resized line, a scalar of float64.
        first: The first pixel of the resized line that is needed, a scalar of float64.
        count: Number of pixels that are needed.
        interpolation: Name of the filter.

    Returns:
        Whole multiples of 1 / :data:`PRECISION`, times that, float64 of shape ``(count, size)``.
    """
    scale = _number(size) / resized
    coarse = torch.clamp(scale, min=1.0)
    support = SUPPORT[interpolation] * coarse
    centre = (torch.arange(count, dtype=torch.float64)[:, None] + first + 0.5) * scale
    pixel = torch.arange(size, dtype=torch.float64)[None]
    begin = torch.clamp(torch.floor(centre - support + 0.5), min=0.0)  # positive, so that floor is C's cast
    end = torch.floor(centre + support + 0.5)
    values = _filtered((pixel - centre + 0.5) / coarse, interpolation)
    values = torch.where((pixel >= begin) & (pixel < end), values, 0.0)
    shares = values / values.sum(1, keepdim=True) * PRECISION
    return torch.where(shares < 0, torch.ceil(shares - 0.5), torch.floor(shares + 0.5))


def _filtered(distance: Tensor, interpolation: str) -> Tensor:
    """A filter's value at a distance from its middle (Pillow, ``bilinear_filter`` and ``bicubic_filter``)."""
    x = distance.abs()
    if interpolation == "bilinear":
        return torch.clamp(1.0 - x, min=0.0)
    near = ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * CUBIC
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, 0.0))


def _rounded(sums: Tensor) -> Tensor:
    """Sums of weighted pixels as pixels again (Pillow, ``clip8``)."""
    return torch.clamp(torch.floor((sums + PRECISION / 2) / PRECISION), 0.0, 255.0)


def _number(size: int) -> Tensor:
    """A size of a dimension as a scalar of float64."""
    return torch.scalar_tensor(size, dtype=torch.float64)
