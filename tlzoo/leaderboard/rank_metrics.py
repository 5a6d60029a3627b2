"""Rank correlation, as a reducer in the sense of ``tlzoo.leaderboard.metrics``: numpy only."""

from __future__ import annotations

import numpy as np

from tlzoo.leaderboard.types import Array, Statistics, Weights


def spearman(statistics: Statistics, weights: Weights) -> Array:
    """Spearman's rho: the correlation of weighted ranks, ties at the mean of their ranks (Spearman 1904).

    Args:
        statistics: ``(predicted, true)`` of each example; only the order within each counts.
        weights: How often each resample holds each example, shape ``(resamples, examples)``. Whole numbers count as
            repeated examples.

    Returns:
        Shape ``(resamples,)``, in [-1, 1]; 0 where all predictions are equal, since they order nothing; NaN where all
        that is true is equal, since there is no order to find, and where a prediction is NaN.
    """
    weights = np.asarray(weights)
    predicted, true = np.array(statistics, dtype=np.float64).T
    x, y = (_centred_ranks(values, weights) for values in (predicted, true))
    total = weights.sum(axis=1)
    within_x, within_y, between = ((weights * a * b).sum(axis=1) for a, b in ((x, x), (y, y), (x, y)))
    # Ranks of a constant are 0 but for rounding, which grows with the total weight.
    is_flat_x, is_flat_y = (v <= 1e-12 * total**3 for v in (within_x, within_y))
    rho = np.where(is_flat_x, 0.0, between / np.where(is_flat_x | is_flat_y, 1.0, np.sqrt(within_x * within_y)))
    is_unknown = (weights[:, np.isnan(predicted) | np.isnan(true)] > 0).any(axis=1)
    result: Array = np.clip(np.where(is_flat_y | is_unknown, np.nan, rho), -1, 1)
    return result


def _centred_ranks(values: Array, weights: Array) -> Array:
    """Weighted ranks around their mean: half of what is below minus half of what is above; the shape of ``weights``."""
    levels, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    tied = np.add.reduceat(weights[:, order], np.searchsorted(place[order], np.arange(len(levels))), axis=1)
    below = np.cumsum(tied, axis=1) - tied
    ranks: Array = (below + tied / 2 - weights.sum(axis=1, keepdims=True) / 2)[:, place]
    return ranks
