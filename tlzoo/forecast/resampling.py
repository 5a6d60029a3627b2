"""What other examples might have given: groups drawn with replacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 2_000
LEVEL = 0.9
"""Of intervals."""


def resampled(values: Array, groups: Sequence[str], count: int = RESAMPLES) -> Array:
    """Means over examples, of groups drawn with replacement.

    Args:
        values: Shape ``(examples, columns)``.
        groups: Group of each example.
        count: Number of resamples.

    Returns:
        Shape ``(count, columns)``; the columns of a row are of the same groups.
    """
    owner = np.unique(np.asarray(groups), return_inverse=True)[1]
    size = np.bincount(owner)
    sums = np.zeros((len(size), values.shape[1]))
    np.add.at(sums, owner, values)
    drawn = np.random.default_rng(0).multinomial(len(size), np.full(len(size), 1 / len(size)), count)
    means: Array = (drawn @ sums) / (drawn @ size)[:, None]
    return means


def chances(scores: Array) -> Array:
    """In which share of the rows each column is the best; ties are shared.

    Args:
        scores: Shape ``(resamples, columns)``.
    """
    is_best = scores == scores.max(axis=1, keepdims=True)
    shares: Array = (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares
