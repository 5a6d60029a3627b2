"""Videos that are the same one, by some frames of each, compared as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.alike import pictures
from tlzoo.data.alike.pictures import RADIUS, Small

FRAMES = 4
"""Frames of each video that are compared, spread over its time."""
MIN_FRAMES = 2
"""Minimum number of frames that are not blank."""

__all__ = ["FRAMES", "RADIUS", "describe", "is_same", "shrink"]


def shrink(frames: NDArray[np.uint8]) -> list[Small]:
    """Frames as small as they are compared.

    Args:
        frames: RGB, shape ``(FRAMES, height, width, 3)``.
    """
    return [pictures.shrink(Image.fromarray(frame)) for frame in frames]


def describe(small: Sequence[Small]) -> NDArray[np.float32] | None:
    """Descriptors of all frames, together of length 1 at most; None where too many are blank."""
    each = [pictures.describe(frame) for frame in small]
    present = [descriptor for descriptor in each if descriptor is not None]
    if len(present) < MIN_FRAMES:
        return None
    whole = [np.zeros_like(present[0]) if descriptor is None else descriptor for descriptor in each]
    return np.asarray(np.concatenate(whole) / np.sqrt(FRAMES), np.float32)


def is_same(one: Sequence[Small], other: Sequence[Small]) -> bool:
    """Whether all frames of two videos are the same; blank ones if their colours are."""
    return all(map(_is_same_frame, one, other))


def _is_same_frame(one: Small, other: Small) -> bool:
    if pictures.describe(one) is None and pictures.describe(other) is None:
        return bool(np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() <= pictures.MAX_ERROR)
    return pictures.is_same(one, other)
