"""MTCNN's arithmetic on boxes and crops, as facenet-pytorch 2.6.0 has it; boxes are ``(x1, y1, x2, y2)`` in pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def scaled(pixels: Tensor, height: int, width: int) -> Tensor:
    """Resize by area, and map 0..255 to [-1, 1]."""
    return (F.interpolate(pixels, size=(height, width), mode="area") - 127.5) / 128


def crops(sums: Tensor, edges: Tensor, size: int) -> Tensor:
    """Cut parts out of an image and scale them as ``scaled`` does, all at once, by its summed-area table.

    Args:
        sums: Sum of the pixels above and left of each corner, integers, shape ``(3, height + 1, width + 1)``.
        edges: ``(x1, y1, x2, y2)`` of each part, shape ``(n, 4)``.
        size: Side of the result.

    Returns:
        Shape ``(n, 3, size, size)``.
    """
    start, extent = edges[:, None, :2], (edges[:, 2:] - edges[:, :2])[:, None]
    step = torch.arange(size, device=edges.device)[:, None]
    low = start + step * extent // size  # (n, size, 2): x, y
    high = start + ((step + 1) * extent + size - 1) // size
    x1, x2 = low[:, None, :, 0], high[:, None, :, 0]
    y1, y2 = low[:, :, None, 1], high[:, :, None, 1]
    total = sums[:, y2, x2] - sums[:, y1, x2] - sums[:, y2, x1] + sums[:, y1, x1]
    return (total / ((y2 - y1) * (x2 - x1)) - 127.5).transpose(0, 1) / 128


def squared(boxes: Tensor) -> Tensor:
    """Widen boxes to squares with the same centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.amax(1, keepdim=True)
    corner = boxes[:, :2] + (size - side) / 2
    return torch.cat([corner, corner + side], 1)


def moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move the sides of boxes by offsets in units of the box, whose sides are counted in pixels, both ends included."""
    return boxes + offsets * (boxes[:, 2:] - boxes[:, :2] + 1).repeat(1, 2)


def nms_of_smaller(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Drop a box that shares with a better one more than a part of the smaller of the two: indices kept, best first."""
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low + 1).clamp(min=0).prod(2) / torch.minimum(areas[:, None], areas[None])
    keep: list[int] = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if not keep or overlap[i, keep].max() <= threshold:
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)
