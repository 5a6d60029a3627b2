"""Overlap of masks, as reducers in the sense of ``tlzoo.leaderboard.metrics``: numpy only.

A statistic is, for each example, three numbers a class: pixels that are of the class in prediction and reference, in
the prediction, and in the reference; the shared ones of all classes come first: ``(shared_1, ..., shared_C,
predicted_1, ..., predicted_C, true_1, ..., true_C)``. Pixels are summed over examples before anything is divided, as
PASCAL VOC does (Everingham 2015, section 4.2.1), so a picture counts by its size. A class that neither predictions nor
references of a resample hold is left out of that resample's mean. The background is a class, whose statistic
``miou_foreground`` does not have.
"""

from __future__ import annotations

import numpy as np

from tlzoo.leaderboard.types import Array, Statistics, Weights


def mean_iou(statistics: Statistics, weights: Weights) -> Array:
    """Intersection over union, mean over classes; ``weights`` (resamples, examples) gives ``(resamples,)``."""
    shared, predicted, true = _areas(statistics, weights)
    return _mean(shared, predicted + true - shared)


def mean_dice(statistics: Statistics, weights: Weights) -> Array:
    """Twice the intersection over the sum of both areas (Dice 1945), mean over classes; shapes as :func:`mean_iou`."""
    shared, predicted, true = _areas(statistics, weights)
    return _mean(2 * shared, predicted + true)


def _areas(statistics: Statistics, weights: Weights) -> Array:
    """Weighted sums, shape ``(3, resamples, classes)``."""
    counts = np.array(statistics, dtype=np.float64)
    sums = (weights @ counts).reshape(len(weights), 3, -1)
    return np.moveaxis(sums, 1, 0)


def _mean(part: Array, whole: Array) -> Array:
    """Mean over the classes that occur, of shape ``(resamples,)``; 0 where none does."""
    present = whole > 0
    shares = np.where(present, part / np.where(present, whole, 1), 0.0)
    result: Array = shares.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return result
