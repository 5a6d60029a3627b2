"""Short clips of one size, and how a row's video becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as V

from tlzoo.data.media.video import decode, encode, length

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


MAX_CLIPS = 40
"""Clips of one video, spread over it, so that a long one does not make up all of the data."""


def clips_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers and storage of a video's clips, at most :data:`MAX_CLIPS`."""
    source = {"bytes": None, "path": str(path)}
    count = length(source) // FRAMES
    for number in range(0, count, max(1, count // MAX_CLIPS)):
        frames = decode(source, FRAMES, every=1, first=number * FRAMES, side=SIDE)
        yield number, {"bytes": encode(frames, RATE), "path": f"{path.stem}-{number:04}.mkv"}
