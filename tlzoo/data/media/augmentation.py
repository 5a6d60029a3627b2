"""Random augmentation of training batches: pictures and targets are moved, scaled, mirrored and coloured together.

Each example has one warp and one colour matrix, applied to the whole batch at once: that takes a quarter of the time of
torchvision's transforms on one example after another. All random numbers come from torch's generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tlzoo.data.media.geometry import GREY, IGNORED, boxes_to_input, points_to_input

_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in brightness, ITU-R BT.601
_SEEN = 0.3  # share of a box that must stay in the picture for the box to stay
_LISTED = ("boxes", "labels", "keypoints", "masks", "areas")  # parts of a target with one entry an object


def varied(
    batch: dict[str, object],
    *,
    shift: float = 0.1,
    scale: float = 0.2,
    colour: float = 0.2,
    flip: bool = False,
    mirror: Sequence[int] = (),
    fill: int | None = GREY,
) -> dict[str, object]:
    """Augment a batch of pictures and their targets.

    Args:
        batch: ``image``, uint8 of shape ``(batch, 3, height, width)``; without it (frozen features) nothing changes.
            ``target`` may be masks of classes, uint8 of shape ``(batch, height, width)``, or a dict for each example,
            of ``boxes`` ``(n, 4)`` as x1, y1, x2, y2, ``keypoints`` ``(n, points, 3)`` as x, y, visibility, ``masks``
            ``(n, height, width)``, ``areas`` ``(n,)``, ``labels`` ``(n,)``; a target of any other form does not change.
        shift: Maximum shift of a picture, as a share of its side.
        scale: Maximum change of its size, to between ``1 - scale`` and ``1 + scale`` of it.
        colour: The same for contrast, brightness and saturation.
        flip: Whether half of the pictures are mirrored, left to right.
        mirror: Index of each keypoint's counterpart in the mirror.
        fill: Grey value around a shifted picture; ``None`` repeats its edge.

    Returns:
        A new batch. Boxes are cut at the edges, and objects of which little is left are dropped; points outside are
        absent (visibility 0); pixels of a mask that nothing is known of are ``IGNORED``.
    """
    if "image" not in batch:
        return batch
    image = batch["image"]
    assert isinstance(image, Tensor)
    changes = _changes(len(image), image.shape[2], image.shape[3], shift, scale, flip)
    grid = _grid(changes.to(image.device), image.shape[2], image.shape[3])
    pixels = _coloured(image.float(), colour)
    if fill is None:
        pixels = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    else:
        pixels = F.grid_sample(pixels.sub_(fill), grid, align_corners=False).add_(fill)
    new = batch | {"image": pixels.round_().clamp_(0, 255).to(torch.uint8)}
    target = batch.get("target")
    if isinstance(target, Tensor) and target.ndim == 3:
        new["target"] = _masks(target[:, None], grid, IGNORED)[:, 0]
    elif isinstance(target, list):
        size = (image.shape[2], image.shape[3])
        each = zip(target, changes, grid, strict=True)
        new["target"] = [_objects(t, change, place, size, mirror) for t, change, place in each]
    return new


def _changes(n: int, height: int, width: int, shift: float, scale: float, flip: bool) -> Tensor:
    """How the points of each example move: frames as of ``tlzoo.data.media.geometry``, scale x negative in the mirror.

    Returns:
        Scale x, scale y, left, top, shape ``(n, 4)``.
    """
    grown = 1 + scale * (2 * torch.rand(n, 1) - 1)
    moved = shift * (2 * torch.rand(n, 2) - 1)
    sides = torch.where(torch.rand(n, 1) < 0.5, torch.tensor([-1.0, 1.0]), 1.0) if flip else 1.0
    scales = grown * sides * torch.ones(n, 2)
    size = torch.tensor([float(width), float(height)])
    return torch.cat([scales, size * ((1 - scales) / 2 + moved)], 1)


def _grid(changes: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel comes from, as ``grid_sample`` wants it: ``(n, height, width, 2)``."""
    x = (torch.arange(width, device=changes.device) + 0.5 - changes[:, 2:3]) / changes[:, :1]
    y = (torch.arange(height, device=changes.device) + 0.5 - changes[:, 3:]) / changes[:, 1:2]
    x, y = 2 * x / width - 1, 2 * y / height - 1
    return torch.stack([x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], -1)


def _coloured(pixels: Tensor, strength: float) -> Tensor:
    """Vary saturation, contrast about the picture's mean, then brightness, of ``(n, 3, height, width)``."""
    if not strength:
        return pixels
    n = len(pixels)
    saturation, contrast, brightness = (1 + strength * (2 * torch.rand(3, n, 1, 1) - 1)).to(pixels.device)
    luma = pixels.new_tensor(_LUMA)
    matrix = contrast * (saturation * torch.eye(3, device=pixels.device) + (1 - saturation) * luma)
    mean = pixels.mean((2, 3)) @ luma
    offset = (1 - contrast) * mean[:, None, None]
    flat: Tensor = (brightness * matrix) @ pixels.flatten(2)
    return flat.add_(brightness * offset).view_as(pixels)


def _masks(masks: Tensor, grid: Tensor, outside: int) -> Tensor:
    """Masks ``(n, channels, height, width)`` in their new place, each pixel that of the nearest."""
    moved = F.grid_sample(masks.float() - outside, grid, mode="nearest", align_corners=False)
    return (moved + outside).to(masks.dtype)


def _objects(
    target: dict[str, Tensor], change: Tensor, grid: Tensor, size: tuple[int, int], mirror: Sequence[int]
) -> dict[str, Tensor]:
    """One example's objects in their new places; grid ``(height, width, 2)``."""
    new = dict(target)
    visible: Tensor | None = None
    change = change.to(next(iter(target.values())).device)
    if "boxes" in target:
        boxes = boxes_to_input(target["boxes"], change)
        if change[0] < 0:
            boxes = boxes[:, [2, 1, 0, 3]]
        cut = boxes.reshape(-1, 2, 2).clamp(min=0).minimum(boxes.new_tensor([size[1], size[0]])).reshape(-1, 4)
        visible = _area(cut) >= _SEEN * _area(boxes)
        new["boxes"] = cut
    if "keypoints" in target:
        points = points_to_input(target["keypoints"][..., :2], change)
        inside = ((points >= 0) & (points < points.new_tensor([size[1], size[0]]))).all(-1)
        seen = target["keypoints"][..., 2:] * inside[..., None]
        points = torch.cat([points, seen], -1)
        new["keypoints"] = points[:, list(mirror)] if change[0] < 0 and mirror else points
    if "masks" in target and len(target["masks"]):
        new["masks"] = _masks(target["masks"][None], grid[None].to(target["masks"].device), 0)[0]
    if "areas" in target:
        new["areas"] = target["areas"] * (change[0] * change[1]).abs()
    if visible is not None:
        new |= {name: new[name][visible] for name in _LISTED if name in new}
    return new


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
