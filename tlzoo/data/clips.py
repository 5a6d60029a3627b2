"""Short clips of one size, and how a row's video becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from datasets import Features, Value, Video
from torch import Tensor
from torchvision.transforms.v2 import functional as V

from tlzoo.data.video import decode

FEATURES = Features(video=Video(decode=False), group=Value("string"), id=Value("string"))
FRAMES, SIDE, RATE = 16, 64, 8
"""Frames of a clip, their height and width in pixels, and how many are shown a second."""


def clip(row: Mapping[str, Any], frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """The first frames of a row's ``video``, one after another.

    Args:
        row: Its ``video`` is as it is stored.
        frames: How many; a shorter video repeats its last one.
        side: Height and width; the shorter side fills it, and the centre is kept.

    Returns:
        uint8 of shape ``(frames, 3, side, side)``.

    Raises:
        InputError: It cannot be read.
    """
    found = torch.from_numpy(decode(row["video"], frames, every=1).copy()).permute(0, 3, 1, 2)
    if found.shape[2:] == (side, side):
        return found.contiguous()
    cropped: Tensor = V.center_crop(V.resize(found, [side], antialias=True), [side, side]).contiguous()
    return cropped
