"""Baselines of pitch extraction: the median pitch; YIN."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.sounds import RATE, samples
from tlzoo.core.predictions import PitchTrack
from tlzoo.data.schemas import HOP

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_THRESHOLDS = (0.05, 0.1, 0.2, 0.3)
_RANGE = (40.0, 2000.0)
"""Lowest and highest pitch that is ever looked for, Hz."""
_APERIODIC = 1.0  # what the difference function is where nothing repeats


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The median pitch of the training rows, at every moment; voiced if most moments of the training rows are."""
    hz = np.concatenate([np.asarray(row["f0"]["hz"], np.float64) for row in train])
    voiced = hz[hz > 0]
    median = float(np.median(voiced)) if len(voiced) else RATE / 100.0
    sure = float(2 * len(voiced) >= len(hz))

    def predict(rows: Rows) -> list[PitchTrack]:
        return [PitchTrack([0.0], [median], [sure]) for _ in rows]

    return Fitted(f"the median pitch, {median:.0f} Hz", predict)


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """YIN, in the range of the training rows' pitch and an octave about it."""
    hz = np.concatenate([np.asarray(row["f0"]["hz"], np.float64) for row in train])
    voiced = hz[hz > 0] if (hz > 0).any() else np.array(_RANGE)
    low, high = max(_RANGE[0], voiced.min() / 2), min(_RANGE[1], 2 * voiced.max())
    level = _level(train, low, high)
    variants = [
        Fitted(f"YIN (threshold {threshold:g})", partial(_tracks, low, high, threshold, level))
        for threshold in _THRESHOLDS
    ]
    return best(task, variants, validation)


def yin(sound: NDArray[np.floating], rate: int, low: float, high: float, threshold: float) -> tuple[Array, Array]:
    """Pitch by YIN, without its last step, the search about each estimate (de Cheveigne 2002, doi:10.1121/1.1458024).

    Args:
        sound: ``(samples,)``.
        rate: Samples a second.
        low: Lowest pitch, Hz.
        high: Highest pitch, Hz.
        threshold: Depth below which the first dip of the normalised difference is taken; else the deepest is.

    Returns:
        Of frames every 10 ms, the first at 0 s: pitch in Hz, and how much of the sound does not repeat with it, 0 to
        about 1; each ``(frames,)``.
    """
    longest, shortest = int(np.ceil(rate / low)), max(2, int(rate / high))
    hop, width = round(HOP * rate), max(round(0.025 * rate), longest)
    padded = np.pad(np.asarray(sound, np.float64), (width + longest + 2) // 2)
    frames = sliding_window_view(padded, width + longest + 1)[: len(sound) + 1 : hop]
    size = 2 ** int(np.ceil(np.log2(2 * width + longest + 2)))
    spectrum = np.fft.rfft(frames, size) * np.fft.rfft(frames[:, :width], size).conj()
    shared = np.fft.irfft(spectrum, size)[:, : longest + 2]
    sums = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 2)
    energy = sums[:, lags + width] - sums[:, lags]
    difference = np.maximum(energy[:, :1] + energy - 2 * shared, 0)
    total = np.cumsum(difference[:, 1:], axis=1)
    scaled = np.where(total > 1e-9, difference[:, 1:] * lags[1:] / np.maximum(total, 1e-9), _APERIODIC)
    depth = np.concatenate([np.full((len(scaled), 1), _APERIODIC), scaled], 1)  # by lag
    inside = depth[:, shortest : longest + 1]
    dips = (inside <= depth[:, shortest - 1 : longest]) & (inside < depth[:, shortest + 1 : longest + 2])
    shallow = dips & (inside < threshold)
    lag = shortest + np.where(shallow.any(1), shallow.argmax(1), np.where(dips, inside, 9.0).argmin(1))
    place = np.arange(len(depth))
    before, here, after = depth[place, lag - 1], depth[place, lag], depth[place, lag + 1]
    bend = before + after - 2 * here
    shift = np.where(bend > 1e-12, 0.5 * (before - after) / np.where(bend > 1e-12, bend, 1), 0)
    return rate / (lag + np.clip(shift, -0.5, 0.5)), here


def _tracks(low: float, high: float, threshold: float, level: float, rows: Rows) -> list[PitchTrack]:
    """Pitch tracks; frames whose difference is below the level are voiced."""
    tracks = []
    for row in rows:
        hz, aperiodic = yin(samples(row), RATE, low, high, threshold)
        sure = np.clip(1 - aperiodic / (2 * level), 0, 1)
        tracks.append(PitchTrack((HOP * np.arange(len(hz))).tolist(), hz.tolist(), sure.tolist()))
    return tracks


def _level(train: Rows, low: float, high: float) -> float:
    """The normalised difference that best tells voiced frames of the training rows from others."""
    depths, voiced = [], []
    for row in train:
        _, aperiodic = yin(samples(row), RATE, low, high, _THRESHOLDS[1])
        time, hz = (np.asarray(row["f0"][name], np.float64) for name in ("time", "hz"))
        near = np.searchsorted(time, HOP * np.arange(len(aperiodic))).clip(0, len(time) - 1)
        depths.append(aperiodic)
        voiced.append(hz[near] > 0)
    depth, is_voiced = np.concatenate(depths), np.concatenate(voiced)
    levels = np.linspace(0.05, 1.0, 39)
    if is_voiced.all() or not is_voiced.any():
        return float(levels[-1] if is_voiced.all() else levels[0])
    informed = [(depth[is_voiced] < level).mean() - (depth[~is_voiced] < level).mean() for level in levels]
    return float(levels[int(np.argmax(informed))])
