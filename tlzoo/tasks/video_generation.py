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
        """PSNR and SSIM, means over the generated frames, and the gain in PSNR over the best of :func:`naive`.

        SSIM has the Gaussian window and the moments of Wang 2004, section III-C (11 x 11, sigma 1.5); each colour
        counts by itself.
        """
        places, given, frames = prediction.places, prediction.given, prediction.frames
        whole = clip(row, max(*places, *given) + 1, frames.shape[1]).permute(0, 2, 3, 1).numpy()
        true = whole[places]
        reached = psnr(true, frames)
        simple = max(psnr(true, each) for each in naive(whole, places, given).values())
        values = {"psnr": [reached], "ssim": [ssim(true, frames)], "psnr_gain": [reached - simple]}
        return values if prediction.bits_per_dim is None else values | {"bits_per_dim": [prediction.bits_per_dim]}

    def is_right(self, prediction: Clip, row: Row, statistic: Sequence[float]) -> bool:
        """Whether the PSNR is higher than the best of :func:`naive`."""
        return self.statistics(prediction, row)["psnr_gain"][0] > 0


class FramesBetween(VideoGeneration):
    """The frames between the first and the last of a clip; models that fill them in have no likelihood."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of a video's ends."""
        return self.facts.metrics_of("ends")


def psnr(true: Frames, generated: Frames) -> float:
    """Peak signal-to-noise ratio in dB, mean over the frames, each at most :data:`PERFECT`.

    Args:
        true: ``(frames, height, width, 3)``.
        generated: The same shape.
    """
    errors = np.mean((true.astype(np.float64) - generated) ** 2, axis=(1, 2, 3))
    min_error = 255**2 / 10 ** (PERFECT / 10)
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors, min_error))))


def ssim(true: Frames, generated: Frames) -> float:
    """Structural similarity as published (Wang 2004, section III-C), mean over the frames; shapes as :func:`psnr`."""
    from skimage.metrics import structural_similarity

    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(true, generated, strict=True)
    return float(np.mean([structural_similarity(a, b, channel_axis=2, data_range=255, **window) for a, b in pairs]))


def naive(whole: Frames, places: Sequence[int], given: Sequence[int]) -> dict[str, Frames]:
    """What can be made of the given frames without a model.

    Args:
        whole: The clip; only its given frames are used.
        places: Places of the frames to make.
        given: Places of the given frames.

    Returns:
        By name, each of shape ``(places, height, width, 3)``: ``repeated``, the nearest given frame before, or else the
        first; ``blended`` with the nearest one after, where there is one; and frames of a single colour, the ``mean``
        and the ``median`` of the given frames, which on a plain ground is the ground's.
    """
    repeated, blended = [], []
    for place in places:
        before = max((g for g in given if g < place), default=min(given))
        after = min((g for g in given if g > place), default=before)
        share = (place - before) / (after - before) if after > before else 0.0
        repeated.append(whole[before])
        blended.append((1 - share) * whole[before] + share * whole[after])
    seen = whole[list(given)].reshape(-1, whole.shape[-1])
    plain = {"mean": seen.mean(axis=0), "median": np.median(seen, axis=0)}
    colours = {name: np.broadcast_to(colour, (len(places), *whole.shape[1:])) for name, colour in plain.items()}
    frames = {"repeated": np.stack(repeated), "blended": np.stack(blended), **colours}
    return {name: each.round().astype(np.uint8) for name, each in frames.items()}
