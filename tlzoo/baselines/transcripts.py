"""Baselines of speech recognition: silence; the transcript of the training sound that is nearest after warping time.

Source: Sakoe 1978, doi:10.1109/TASSP.1978.1163055 (dynamic time warping).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.sounds import mfcc, trimmed
from tlzoo.core.predictions import Transcript

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_FRAMES = 40
"""Frames that a sound is stretched or shrunk to."""
_NEAR = 10
"""Training sounds, nearest without warping, that are warped."""


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """No words."""
    return Fitted("no words", lambda rows: [Transcript("", [])] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The transcript of the nearest training sound, or the most frequent one."""
    texts = [row["text"] for row in train]
    most = Counter(texts).most_common(1)[0][0]
    known = np.stack([_stretched(row) for row in train])
    variants = [
        Fitted("transcript of the nearest training sound by dynamic time warping", partial(_nearest, known, texts)),
        Fitted("the most frequent transcript", lambda rows: [Transcript(most, [])] * len(rows)),
    ]
    return best(task, variants, validation)


def warped(one: Array, others: Array) -> Array:
    """Distance of a sound to others, where each may run faster and slower.

    Args:
        one: ``(frames, coefficients)``.
        others: ``(sounds, frames, coefficients)``.

    Returns:
        Sum of the distances of frames along the best path, ``(sounds,)``.
    """
    apart = np.linalg.norm(one[None, :, None] - others[:, None], axis=-1)
    total = np.full((len(others), apart.shape[1] + 1, apart.shape[2] + 1), np.inf)
    total[:, 0, 0] = 0
    for i in range(apart.shape[1]):
        above = np.minimum(total[:, i, :-1], total[:, i, 1:])
        for j in range(apart.shape[2]):
            total[:, i + 1, j + 1] = apart[:, i, j] + np.minimum(above[:, j], total[:, i + 1, j])
    return np.asarray(total[:, -1, -1])


def _nearest(known: Array, texts: Sequence[str], rows: Rows) -> list[Transcript]:
    transcripts = []
    for row in rows:
        sound = _stretched(row)
        near = np.argsort(((known - sound) ** 2).sum((1, 2)), kind="stable")[:_NEAR]
        transcripts.append(Transcript(texts[int(near[warped(sound, known[near]).argmin()])], []))
    return transcripts


def _stretched(row: Row) -> Array:
    """Standardised coefficients, interpolated to a fixed number of frames, ``(40, 20)``."""
    frames = trimmed(mfcc(row))
    frames = (frames - frames.mean(0)) / np.maximum(frames.std(0), 1e-6)
    places = np.linspace(0, len(frames) - 1, _FRAMES)
    return np.stack([np.interp(places, np.arange(len(frames)), column) for column in frames.T], 1)
