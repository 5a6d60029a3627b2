"""Average precision of detections, as a reducer in the sense of ``tlzoo.leaderboard.metrics``: numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlzoo.leaderboard.types import Array, Statistics, Weights

RECALLS = np.linspace(0, 1, 101)
UNCOUNTED = -1
"""In place of a hit: the detection counts neither as right nor as wrong at this threshold, as one in a crowd."""
_BLOCK = 4_000_000  # weights gathered at a time, to bound memory


def mean_average_precision(statistics: Statistics, weights: Weights) -> Array:
    """Area under the interpolated precision-recall curve, mean over classes and IoU thresholds, as COCO does.

    Interpolated at 101 recalls (``pycocotools.cocoeval``, all areas). A class without references among the
    examples that a resample holds is left out of that resample's mean; 0 where no class has any.

    Args:
        statistics: For each example ``(number of classes C, number of thresholds T, n_1, ..., n_C, class, score,
            hit_1, ..., hit_T, class, score, hit_1, ...)``: the references of each class, then ``2 + T`` numbers a
            detection; a hit is 1, 0 or :data:`UNCOUNTED`. C and T are the same for all examples; classes count from 0.
        weights: How often each resample holds each example, shape ``(resamples, examples)``.

    Returns:
        Shape ``(resamples,)``.
    """
    weights = np.asarray(weights)
    classes, thresholds = (int(n) for n in statistics[0][:2])
    wanted = weights @ np.array([s[2 : 2 + classes] for s in statistics], dtype=np.float64)
    records = [np.reshape(np.asarray(s[2 + classes :], dtype=np.float64), (-1, 2 + thresholds)) for s in statistics]
    example = np.repeat(np.arange(len(records)), [len(r) for r in records])
    detections = np.concatenate(records)
    order = np.argsort(-detections[:, 1], kind="stable")
    example, detections = example[order], detections[order]
    total = np.zeros(len(weights))
    for c in range(classes):
        mine = detections[:, 0] == c
        total += _average_precision(weights, example[mine], detections[mine, 2:], wanted[:, c])
    present = (wanted > 0).sum(axis=1)
    total /= np.maximum(present, 1)
    return total


def _average_precision(weights: Array, example: NDArray[np.intp], hits: Array, wanted: Array) -> Array:
    """Mean over thresholds of one class's average precision.

    Args:
        weights: Shape ``(resamples, examples)``.
        example: The example of each detection, best score first, shape ``(detections,)``.
        hits: Which thresholds each detection passes, or counts in nothing at, shape ``(detections, thresholds)``.
        wanted: Weighted number of references, shape ``(resamples,)``.

    Returns:
        Shape ``(resamples,)``; 0 where nothing was wanted.
    """
    result = np.zeros(len(weights))
    if not (hits > 0).any():
        return result
    for start in range(0, len(weights), step := max(1, _BLOCK // len(example))):
        block = slice(start, start + step)
        each = weights[block][:, example]
        in_all = _so_far(each)
        sought = np.where(wanted[block] > 0, wanted[block], np.inf)[:, None]
        for column in hits.T:  # precision peaks at hits, and only there does recall rise
            so_far = in_all if (column != UNCOUNTED).all() else _so_far(each * (column != UNCOUNTED))
            hit = np.cumsum(each[:, column > 0], axis=1)
            precision = np.maximum.accumulate((hit / so_far[:, column > 0])[:, ::-1], axis=1)[:, ::-1]
            reached = np.searchsorted(RECALLS, hit / sought, side="right") * (hit > 0)
            result[block] += (precision * np.diff(reached, axis=1, prepend=0)).sum(axis=1)
    result /= len(RECALLS) * hits.shape[1]
    return result


def _so_far(weights: Array) -> Array:
    """Weight of the detections up to each, never 0."""
    result: Array = np.maximum(np.cumsum(weights, axis=1), np.finfo(np.float64).tiny)
    return result
