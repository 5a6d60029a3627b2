"""Video generation: frames that follow given ones, or lie between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from tlzoo.core.batch import Row
from tlzoo.core.task import Task
from tlzoo.data.media.clips import clip
from tlzoo.data.schemas import CLIP_FEATURES
from tlzoo.errors import InputError

Frames = NDArray[np.uint8]
PERFECT = 100.0
"""dB, of a frame without any error."""


class VideoGeneration(Task):
    """The frames of a clip that a model was not given.

    A prediction is ``{"frames", "places", "given"}``: the frames, uint8 ``(n, height, width, 3)``, where they belong,
    and which frames were seen; of a model with a likelihood also ``bits_per_dim``.
    """

    name = "video-generation"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        if "video" not in features:
            raise InputError(f"{self.name} needs a column 'video'; columns: {', '.join(features)}")

    @classmethod
    def features_of(cls, labels: Sequence[str] = ()) -> Features:
        """A video; there are no classes."""
        return CLIP_FEATURES

    def statistics(self, prediction: Any, row: Row) -> dict[str, list[float]]:
        """PSNR and SSIM, means over the generated frames, and what the first is ahead of :func:`naive`."""
        from skimage.metrics import structural_similarity

        places, given = prediction["places"], prediction["given"]
        frames = prediction["frames"]
        whole = clip(row, max(*places, *given) + 1, frames.shape[1]).permute(0, 2, 3, 1).numpy()
        true = whole[places]
        alike = [structural_similarity(a, b, channel_axis=2) for a, b in zip(true, frames, strict=True)]
        reached, simple = (psnr(true, each) for each in (frames, naive(whole, places, given)))
        found = {"psnr": [reached], "ssim": [float(np.mean(alike))], "psnr_gain": [reached - simple]}
        return found | ({"bits_per_dim": [prediction["bits_per_dim"]]} if "bits_per_dim" in prediction else {})

    def is_right(self, prediction: Any, row: Row, statistic: Sequence[float]) -> bool:
        """Whether it is better than :func:`naive`."""
        return self.statistics(prediction, row)["psnr_gain"][0] > 0


def psnr(true: Frames, found: Frames) -> float:
    """Peak signal-to-noise ratio in dB, the mean over frames of each one's, at most :data:`PERFECT`.

    Args:
        true: ``(frames, height, width, 3)``.
        found: The same.
    """
    errors = np.mean((true.astype(np.float64) - found) ** 2, axis=(1, 2, 3))
    least = 255**2 / 10 ** (PERFECT / 10)
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors, least))))


def naive(whole: Frames, places: Sequence[int], given: Sequence[int]) -> Frames:
    """What needs no model: the two ends blended into each other, or the last given frame again and again.

    Args:
        whole: The clip; only the given frames are looked at.
        places: Where frames are wanted.
        given: Which ones were given.
    """
    found = []
    for place in places:
        before = max((g for g in given if g < place), default=min(given))
        after = min((g for g in given if g > place), default=before)
        share = (place - before) / (after - before) if after > before else 0.0
        found.append((1 - share) * whole[before] + share * whole[after])
    return np.stack(found).round().astype(np.uint8)
