"""Hand-made features of videos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.video import decode

if TYPE_CHECKING:
    from tlzoo.core.batch import Row

Array = NDArray[np.float64]
FRAMES = 8
"""Frames that are looked at, spread evenly over a video."""
SIDE = 64
"""Height and width that frames are scaled to, pixels."""
CELL = 8
"""Height and width of a cell, pixels."""


def grey(row: Row) -> Array:
    """Brightness of the middle square of the frames of a row's video, ``(8, 64, 64)``, 0 to 1."""
    return np.asarray(decode(row["video"], FRAMES, side=SIDE).mean(-1) / 255)


def thumbnails(videos: Sequence[Array]) -> Array:
    """Mean brightness of the cells of each frame, and its change from the frame before.

    Args:
        videos: Results of :func:`grey`.

    Returns:
        ``(videos, 960)``.
    """
    cut = np.stack(videos).reshape(len(videos), FRAMES, SIDE // CELL, CELL, SIDE // CELL, CELL).mean((3, 5))
    return np.concatenate([cut, np.diff(cut, axis=1)], 1).reshape(len(videos), -1)


def trajectories(videos: Sequence[Array]) -> Array:
    """Where the mass of each frame lies, how far it spreads and how much there is; how that changes, and which way.

    The mass of a pixel is its distance from the median of the frame's brightness.

    Args:
        videos: Results of :func:`grey`.

    Returns:
        ``(videos, 67)``: of each frame centre x and y as shares of width and height, spread, mass; their differences
        from frame to frame; of each two steps of the centre the sine of the turn, and the sum of these.
    """
    paths = np.stack([_path(video) for video in videos])
    steps = np.diff(paths, axis=1)
    before, after = steps[:, :-1, :2], steps[:, 1:, :2]
    lengths = np.linalg.norm(before, axis=2) * np.linalg.norm(after, axis=2)
    turns = (before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]) / np.maximum(lengths, 1e-9)
    flat = [part.reshape(len(videos), -1) for part in (paths, steps, turns)]
    return np.concatenate([*flat, turns.sum(1, keepdims=True)], 1)


def _path(video: Array) -> Array:
    mass = np.abs(video - np.median(video, axis=(1, 2), keepdims=True))
    total = mass.sum((1, 2))
    shares = mass / np.maximum(total, 1e-9)[:, None, None]
    y, x = ((np.arange(side) + 0.5) / side for side in video.shape[1:])
    centre_y, centre_x = (shares.sum(2) * y).sum(1), (shares.sum(1) * x).sum(1)
    apart = (y[None, :, None] - centre_y[:, None, None]) ** 2 + (x - centre_x[:, None, None]) ** 2
    return np.stack([centre_x, centre_y, np.sqrt((shares * apart).sum((1, 2))), total / mass[0].size], 1)
