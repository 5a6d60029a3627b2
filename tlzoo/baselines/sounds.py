"""Hand-made features of sounds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.inputs import read_input

if TYPE_CHECKING:
    from tlzoo.core.batch import Row

Array = NDArray[np.float64]
RATE = 16_000
"""Sample rate that sounds are read at, Hz."""
WINDOW, HOP = 512, 160
"""Length of a frame and time to the next one, samples."""
COEFFICIENTS = 20
PARTS = (1, 4, 8)
"""Into how many parts of equal length a sound may be cut."""
_QUIET = 0.35  # share of the way from the softest to the loudest frame, by the first coefficient


def samples(row: Row) -> NDArray[np.float32]:
    """The samples of the sound of a row, ``(samples,)``."""
    sound: NDArray[np.float32] = read_input(row, "audio", RATE)
    return sound


def mfcc(row: Row) -> Array:
    """Mel-frequency cepstral coefficients of each frame of a sound (Davis 1980, doi:10.1109/TASSP.1980.1163420).

    Returns:
        ``(frames, 20)``, a frame every 10 ms, and no fewer frames than :data:`PARTS` may ask for.
    """
    import torch

    sound = torch.from_numpy(samples(row))
    least = max(WINDOW, HOP * max(PARTS))
    if len(sound) < least:
        sound = torch.nn.functional.pad(sound, (0, least - len(sound)))
    return np.asarray(_transform()(sound).T, np.float64)


def trimmed(frames: Array) -> Array:
    """The frames from the first to the last loud one; all, where those are fewer than :data:`PARTS` may ask for."""
    loudness = frames[:, 0]
    loud = np.flatnonzero(loudness > (1 - _QUIET) * loudness.min() + _QUIET * loudness.max())
    return frames[loud[0] : loud[-1] + 1] if len(loud) and loud[-1] - loud[0] >= max(PARTS) else frames


def statistics(sounds: Sequence[Array], parts: int) -> Array:
    """Mean and standard deviation of each coefficient in each part of a sound.

    Args:
        sounds: Results of :func:`mfcc`.
        parts: Number of parts.

    Returns:
        ``(sounds, parts * 40)``.
    """
    cut = [np.array_split(sound, parts) for sound in sounds]
    return np.stack([np.concatenate([np.r_[part.mean(0), part.std(0)] for part in sound]) for sound in cut])


@cache
def _transform() -> Any:
    from torchaudio.transforms import MFCC

    return MFCC(RATE, COEFFICIENTS, melkwargs={"n_fft": WINDOW, "hop_length": HOP, "n_mels": 40})
