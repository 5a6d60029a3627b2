"""Video generation: frames that follow given ones, or lie between two of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from tlzoo.core.batch import Row
from tlzoo.core.predictions import Clip
from tlzoo.core.task import Task
from tlzoo.data.media.clips import clip
from tlzoo.data.schemas import CLIP_FEATURES
from tlzoo.errors import InputError

Frames = NDArray[np.uint8]
PERFECT = 100.0
"""PSNR of a frame without any error, dB."""


class VideoGeneration(Task):
    """The frames of a clip that a model was not given."""

    name = "video-generation"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        if "video" not in features:
            raise InputError(f"{self.name} needs a column 'video'; columns: {', '.join(features)}")

    @classmethod
    def features_of(cls, labels: Sequence[str] = ()) -> Features:
        """A video; there are no classes."""
        return CLIP_FEATURES

    def statistics(self, prediction: Clip, row: Row) -> dict[str, list[float]]:
        """PSNR and SSIM, means over the generated frames, and the gain in PSNR over :func:`naive`."""
        from skimage.metrics import structural_similarity

        places, given, frames = prediction.places, prediction.given, prediction.frames
        whole = clip(row, max(*places, *given) + 1, frames.shape[1]).permute(0, 2, 3, 1).numpy()
        true = whole[places]
        alike = [structural_similarity(a, b, channel_axis=2) for a, b in zip(true, frames, strict=True)]
        reached, simple = (psnr(true, each) for each in (frames, naive(whole, places, given)))
        values = {"psnr": [reached], "ssim": [float(np.mean(alike))], "psnr_gain": [reached - simple]}
        return values if prediction.bits_per_dim is None else values | {"bits_per_dim": [prediction.bits_per_dim]}

    def is_right(self, prediction: Clip, row: Row, statistic: Sequence[float]) -> bool:
        """Whether the PSNR is higher than that of :func:`naive`."""
        return self.statistics(prediction, row)["psnr_gain"][0] > 0


def psnr(true: Frames, generated: Frames) -> float:
    """Peak signal-to-noise ratio in dB, mean over the frames, each at most :data:`PERFECT`.

    Args:
        true: ``(frames, height, width, 3)``.
        generated: The same shape.
    """
    errors = np.mean((true.astype(np.float64) - generated) ** 2, axis=(1, 2, 3))
    min_error = 255**2 / 10 ** (PERFECT / 10)
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors, min_error))))


def naive(whole: Frames, places: Sequence[int], given: Sequence[int]) -> Frames:
    """The baseline without a model: a blend of the nearest given frames, or the last given frame repeated.

    Args:
        whole: The clip; only its given frames are used.
        places: Places of the frames to make.
        given: Places of the given frames.
    """
    frames = []
    for place in places:
        before = max((g for g in given if g < place), default=min(given))
        after = min((g for g in given if g > place), default=before)
        share = (place - before) / (after - before) if after > before else 0.0
        frames.append((1 - share) * whole[before] + share * whole[after])
    return np.stack(frames).round().astype(np.uint8)
