"""Metrics as data: direction, range, unit, and how per-example statistics become a number.

A task gives, for each test example and metric, a short list of numbers (its *statistic*); a reducer turns the
statistics of all examples, with a weight for each, into the metric. Weights are what the bootstrap varies, so an
interval costs one matrix product and never a second look at predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import unknown
from tlzoo.leaderboard.detection_metrics import mean_average_precision
from tlzoo.leaderboard.rank_metrics import spearman
from tlzoo.leaderboard.segmentation_metrics import mean_dice, mean_iou

Array = NDArray[np.float64]
Statistics = Sequence[Sequence[float]]
Reducer = Callable[[Statistics, Array], Array]


def mean(statistics: Statistics, weights: Array) -> Array:
    """Weighted mean of one number an example; ``weights`` (resamples, examples) gives ``(resamples,)``."""
    values = np.array([s[0] for s in statistics])
    result: Array = weights @ values / weights.sum(axis=1)
    return result


def ratio(statistics: Statistics, weights: Array) -> Array:
    """Sum of what was right over sum of what there was; a statistic is ``(right, all)``; 0 where there was nothing."""
    right, everything = (weights @ np.array(statistics, dtype=np.float64)).T
    result: Array = right / np.where(everything > 0, everything, 1)
    return result


def exp_ratio(statistics: Statistics, weights: Array) -> Array:
    """Perplexity: e to the power of all nats over all words; a statistic is ``(nats, words)``."""
    nats, words = (weights @ np.array(statistics, dtype=np.float64)).T
    with np.errstate(over="ignore"):
        result: Array = np.exp(nats / np.where(words > 0, words, 1))
    return result


def macro_f1(statistics: Statistics, weights: Array) -> Array:
    """Mean of the classes' F1; a statistic is ``(predicted class, true class)``.

    The classes are those that occur in the references or the predictions, as in scikit-learn; a class that a resample
    does not contain is left out of that resample's mean.
    """
    pairs = np.array(statistics, dtype=np.int64)
    classes = np.unique(pairs)
    predicted = (pairs[:, :1] == classes).astype(np.float64)
    true = (pairs[:, 1:] == classes).astype(np.float64)
    hits, n_predicted, n_true = weights @ (predicted * true), weights @ predicted, weights @ true
    present = (n_predicted + n_true) > 0
    f1 = np.where(present, 2 * hits / np.where(present, n_predicted + n_true, 1), 0.0)
    result: Array = f1.sum(axis=1) / present.sum(axis=1)
    return result


def moments(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> list[float]:
    """The statistic of :func:`mean_pearson` for one example.

    Args:
        predicted: ``(values, series)``.
        true: ``(values, series)``.

    Returns:
        For each series the number of values, the sums of predicted and true, of their squares, and of their products.
    """
    x, y = predicted.astype(np.float64), true.astype(np.float64)
    sums = [np.full(x.shape[1], len(x)), x.sum(0), y.sum(0), (x * x).sum(0), (y * y).sum(0), (x * y).sum(0)]
    flat: list[float] = np.stack(sums, axis=1).ravel().tolist()
    return flat


def mean_pearson(statistics: Statistics, weights: Array) -> Array:
    """Mean over series of Pearson's correlation, each over the values of all examples; statistics of :func:`moments`.

    Nothing is averaged over examples before it is correlated, nor are series mixed, which would flatter. A series that
    does not vary, or is predicted without variation, counts as 0; one with a NaN in it makes the mean NaN.
    """
    sums = (weights @ np.array(statistics)).reshape(len(weights), -1, 6)
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread_x, spread_y = xx - x * x / n, yy - y * y / n
    varies = (spread_x > 1e-9 * xx) & (spread_y > 1e-9 * yy)
    r = np.where(varies, (xy - x * y / n) / np.sqrt(np.where(varies, spread_x * spread_y, 1)), 0.0)
    r = np.where(np.isnan(sums).any(axis=-1), np.nan, r)
    result: Array = r.mean(axis=1)
    return result


@dataclass(frozen=True)
class Metric:
    """A number that a board shows.

    Attributes:
        label: Its name in the field.
        reduce: How statistics become the number.
        higher: Whether more is better.
        low: Least possible value.
        high: Greatest possible value, or infinity.
        unit: Unit, empty for a fraction.
    """

    label: str
    reduce: Reducer
    higher: bool = True
    low: float = 0.0
    high: float = 1.0
    unit: str = ""

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.higher else -1

    @property
    def title(self) -> str:
        """Its name with unit and direction, for a table's head."""
        return " ".join(filter(None, (self.label, self.unit, self.arrow)))

    @property
    def arrow(self) -> str:
        """The direction, for a table's head."""
        return "↑" if self.higher else "↓"


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", mean),
    "macro_f1": Metric("macro-F1", macro_f1),
    "ap50": Metric("AP@0.5", mean_average_precision),
    "ap": Metric("AP", mean_average_precision),
    "miou": Metric("mIoU", mean_iou),
    "dice": Metric("Dice", mean_dice),
    "pck": Metric("PCK@0.2", ratio),
    "oks_ap": Metric("OKS-AP", mean_average_precision),
    "cloze_accuracy": Metric("cloze accuracy", mean),
    "recall_at_1": Metric("recall@1 of 10", mean),
    "perplexity": Metric("perplexity", exp_ratio, higher=False, low=1.0, high=math.inf, unit="per word"),
    "spearman": Metric("Spearman", spearman, low=-1.0),
    "f1": Metric("F1", mean),
    "exact_match": Metric("exact match", mean),
    "entity_f1": Metric("entity F1", ratio),
    "entity_precision": Metric("entity precision", ratio),
    "entity_recall": Metric("entity recall", ratio),
    "psnr": Metric("PSNR", mean, high=math.inf, unit="dB"),
    "ssim": Metric("SSIM", mean, low=-1.0),
    "psnr_gain": Metric("PSNR ahead of blending or repeating", mean, low=-math.inf, high=math.inf, unit="dB"),
    "bits_per_dim": Metric("bits per dimension", mean, higher=False, high=math.inf),
    "knn_accuracy": Metric("accuracy of 5 neighbours", mean),
    "linear_accuracy": Metric("accuracy of a linear probe", mean),
    "rpa": Metric("raw pitch accuracy, 50 cents", ratio),
    "rca": Metric("raw chroma accuracy, 50 cents", ratio),
    "voicing_recall": Metric("voicing recall", ratio),
    "voicing_false_alarm": Metric("voicing false alarm", ratio, higher=False),
    "wer": Metric("WER", ratio, higher=False, high=math.inf),
    "cer": Metric("CER", ratio, higher=False, high=math.inf),
    "pearson": Metric("Pearson, mean of tracks", mean_pearson, low=-1.0),
}


def metric(name: str) -> Metric:
    """Look a metric up by name.

    Raises:
        InputError: The metric is unknown; names the closest one.
    """
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]
