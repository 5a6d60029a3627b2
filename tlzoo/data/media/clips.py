"""Short clips of one size from videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as V

from tlzoo.data.media.stored import Stored
from tlzoo.data.media.video import decode, encode, length

FRAMES, SIDE, RATE = 16, 64, 8
"""Frames of a clip, their height and width in pixels, and frames a second."""


def clip(row: Mapping[str, Any], frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """Decode the first consecutive frames of the ``video`` of a row.

    Args:
        row: A row with a stored video.
        frames: Number of frames; a shorter video repeats its last one.
        side: Height and width; the shorter side fills it, and the longer one is cropped at its centre.

    Returns:
        uint8 of shape ``(frames, 3, side, side)``.

    Raises:
        InputError: It cannot be read.
    """
    decoded = torch.from_numpy(decode(row["video"], frames, every=1).copy()).permute(0, 3, 1, 2)
    if decoded.shape[2:] == (side, side):
        return decoded.contiguous()
    cropped: Tensor = V.center_crop(V.resize(decoded, [side], antialias=True), [side, side]).contiguous()
    return cropped


MAX_CLIPS = 40
"""Of one video, spread over it, so that a long video does not dominate the data."""


def clips_of(path: Path) -> Iterator[tuple[int, Stored]]:
    """Number and content of each clip of a video, at most :data:`MAX_CLIPS`."""
    source: Stored = {"bytes": None, "path": str(path)}
    count = length(source) // FRAMES
    for number in range(0, count, max(1, count // MAX_CLIPS)):
        frames = decode(source, FRAMES, every=1, first=number * FRAMES, side=SIDE)
        yield number, {"bytes": encode(frames, RATE), "path": f"{path.stem}-{number:04}.mkv"}
