"""Metrics as data: direction, range, unit, and how per-example statistics become a number.

A task gives, for each test example and metric, a short list of numbers (its *statistic*); a reducer turns the
statistics of all examples, with a weight for each, into the metric. Weights are what the bootstrap varies, so an
interval costs one matrix product and never a second look at predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import unknown
from tlzoo.leaderboard.detection_metrics import mean_average_precision
from tlzoo.leaderboard.rank_metrics import spearman
from tlzoo.leaderboard.segmentation_metrics import mean_dice, mean_iou
from tlzoo.leaderboard.types import Array, Reducer, Statistics, Weights


def mean(statistics: Statistics, weights: Weights) -> Array:
    """Weighted mean of one number an example; ``weights`` (resamples, examples) gives ``(resamples,)``."""
    values = np.asarray(statistics, dtype=np.float64)[:, 0]
    result: Array = weights @ values / weights.sum(axis=1)
    return result


def ratio(statistics: Statistics, weights: Weights) -> Array:
    """Sum of the right over the sum of all; a statistic is ``(right, all)``; 0 where the sum of all is 0."""
    right, total = (weights @ np.array(statistics, dtype=np.float64)).T
    result: Array = right / np.where(total > 0, total, 1)
    return result


def mean_among(statistics: Statistics, weights: Weights) -> Array:
    """Mean over the examples of one kind; a statistic is ``(value, 1)`` for them, ``(0, 0)`` for others.

    NaN where a resample has none, since there is nothing to know of them.
    """
    total, count = (weights @ np.array(statistics, dtype=np.float64)).T
    result: Array = np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)
    return result


def exp_ratio(statistics: Statistics, weights: Weights) -> Array:
    """Perplexity: e to the power of all nats over all words; a statistic is ``(nats, words)``."""
    nats, words = (weights @ np.array(statistics, dtype=np.float64)).T
    with np.errstate(over="ignore"):
        result: Array = np.exp(nats / np.where(words > 0, words, 1))
    return result


def macro_f1(statistics: Statistics, weights: Weights) -> Array:
    """Mean of the classes' F1; a statistic is ``(predicted class, true class)``.

    The classes are those that occur in the references or the predictions, as in scikit-learn; a class that a resample
    does not contain is left out of that resample's mean. A prediction of -1 is none of the classes: it misses the true
    class, but is no class with an F1 of its own (scikit-learn's ``labels`` without it).
    """
    pairs = np.array(statistics, dtype=np.int64)
    classes = np.unique(pairs[pairs >= 0])
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


def mean_pearson(statistics: Statistics, weights: Weights) -> Array:
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
        description: What it measures, in a sentence.
        citation: Where it is defined: a paper or a toolkit.
        higher: Whether more is better.
        low: Minimum.
        high: Maximum, or infinity.
        unit: Unit, empty for a fraction.
        statistic: The metric whose per-example statistic it is computed from; empty where it has its own.
    """

    label: str
    reduce: Reducer
    description: str
    citation: str
    higher: bool = True
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    statistic: str = ""

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


_COCO = "Lin 2014, 1405.0312 (pycocotools)"
_SQUAD = "Rajpurkar 2016, 1606.05250, section 6.1"
_SQUAD_2 = "Rajpurkar 2018, 1806.03822 (evaluate-v2.0.py)"
_VOC = "Everingham 2015, doi:10.1007/s11263-014-0733-5, section 4.2.1"
_ENTITIES = "Tjong Kim Sang 2003, cs/0306050 (conlleval, seqeval)"
_MELODY = "Poliner 2007, doi:10.1109/TASL.2006.889797 (mir_eval: Raffel 2014, ISMIR)"
_ERRORS = "Morris 2004, doi:10.21437/Interspeech.2004-668 (jiwer)"
_PSNR = "Huynh-Thu 2008, doi:10.1049/el:20080522"

METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        "accuracy",
        mean,
        "Share of the examples whose class is predicted.",
        "Pedregosa 2011, JMLR 12 (scikit-learn, accuracy_score)",
    ),
    "macro_f1": Metric(
        "macro-F1",
        macro_f1,
        "Mean of the F1 of each class that occurs, whatever its number of examples; an answer that is none of them "
        "counts as a miss and not as a class.",
        "Opitz 2019, 1911.03347 (averaged F1)",
    ),
    "ap50": Metric(
        "AP@0.5",
        mean_average_precision,
        "Area under the precision-recall curve of boxes with an IoU of 0.5 or more, mean over classes; boxes in marked "
        "crowds count neither way.",
        _COCO,
    ),
    "ap": Metric(
        "AP",
        mean_average_precision,
        "As AP@0.5, mean over ten IoU thresholds from 0.5 to 0.95.",
        _COCO,
    ),
    "miou": Metric(
        "mIoU",
        mean_iou,
        "Intersection over union of predicted and true pixels over all pictures, mean over classes; the background is "
        "one, so that finding nothing has a score above 0.",
        _VOC,
    ),
    "miou_foreground": Metric(
        "mIoU without background",
        mean_iou,
        "As mIoU, mean over the classes other than the background; finding nothing scores 0.",
        _VOC,
    ),
    "dice": Metric(
        "Dice",
        mean_dice,
        "Twice the intersection over the sum of predicted and true pixels over all pictures, mean over classes; the "
        "background is one.",
        "Dice 1945, doi:10.2307/1932409",
        statistic="miou",
    ),
    "pck": Metric(
        "PCK@0.2",
        ratio,
        "Share of the labelled points predicted within 0.2 of the longer side of the person's box. Of as many "
        "predicted people as there are, best first, each serves one; points of a person that none serves are wrong.",
        "Yang 2013, doi:10.1109/TPAMI.2012.261, section 6.1",
    ),
    "oks_ap": Metric(
        "OKS-AP",
        mean_average_precision,
        "Average precision of people by the similarity of their points, mean over ten thresholds.",
        f"{_COCO}; Ronchi 2017, 1707.05388",
    ),
    "cloze_accuracy": Metric(
        "cloze accuracy",
        mean,
        "Share of the passages whose last word is predicted, whatever its case and punctuation.",
        "Paperno 2016, 1606.06031",
    ),
    "recall_at_1": Metric(
        "recall@1 of 10",
        mean,
        "Share of the dialogues in which the right reply of ten has the highest score; ties count in part.",
        "Lowe 2015, 1506.08909, section 4",
    ),
    "perplexity": Metric(
        "perplexity",
        exp_ratio,
        "Exponential of the mean negative log-likelihood of a word.",
        "Jelinek 1977, doi:10.1121/1.2016299",
        higher=False,
        low=1.0,
        high=math.inf,
        unit="per word",
    ),
    "spearman": Metric(
        "Spearman",
        spearman,
        "Correlation of the ranks of predicted and rated similarity.",
        "Spearman 1904, doi:10.2307/1412159",
        low=-1.0,
    ),
    "f1": Metric(
        "F1",
        mean,
        "Overlap of the words of the predicted and the best right answer, mean over questions.",
        _SQUAD,
    ),
    "exact_match": Metric(
        "exact match",
        mean,
        "Share of the questions whose predicted answer is a right one, whatever its case, punctuation and articles.",
        _SQUAD,
    ),
    "f1_has_answer": Metric(
        "HasAns F1",
        mean_among,
        "F1 of the questions that have an answer (HasAns_f1 of SQuAD 2.0).",
        _SQUAD_2,
    ),
    "f1_no_answer": Metric(
        "NoAns F1",
        mean_among,
        "Share of the questions without an answer to which none is given (NoAns_f1 of SQuAD 2.0).",
        _SQUAD_2,
    ),
    "entity_f1": Metric(
        "entity F1",
        ratio,
        "Harmonic mean of entity precision and entity recall.",
        _ENTITIES,
    ),
    "entity_precision": Metric(
        "entity precision",
        ratio,
        "Share of the predicted entities that are right in first word, last word and class, over all texts.",
        _ENTITIES,
    ),
    "entity_recall": Metric(
        "entity recall",
        ratio,
        "Share of the true entities that are predicted with first word, last word and class, over all texts.",
        _ENTITIES,
    ),
    "psnr": Metric(
        "PSNR",
        mean,
        "Peak signal-to-noise ratio of generated frames, mean over clips.",
        _PSNR,
        high=math.inf,
        unit="dB",
    ),
    "ssim": Metric(
        "SSIM",
        mean,
        "Structural similarity of generated and true frames, in a Gaussian window of 11 pixels, mean over colours and "
        "clips.",
        "Wang 2004, doi:10.1109/TIP.2003.819861, section III-C (scikit-image)",
        low=-1.0,
    ),
    "psnr_gain": Metric(
        "PSNR ahead of no model",
        mean,
        "PSNR minus the highest that a clip's given frames reach without a model: the last one repeated, the nearest "
        "two blended, or a single colour, their mean or median.",
        _PSNR,
        low=-math.inf,
        high=math.inf,
        unit="dB",
    ),
    "bits_per_dim": Metric(
        "bits per dimension",
        mean,
        "Negative log-likelihood of the true frames in bits, over the number of their values.",
        "Theis 2016, 1511.01844, section 3.1",
        higher=False,
        high=math.inf,
    ),
    "knn_accuracy": Metric(
        "accuracy of 5 neighbours",
        mean,
        "Share of the examples whose class is that of the nearest training embeddings.",
        "Cover 1967, doi:10.1109/TIT.1967.1053964",
    ),
    "linear_accuracy": Metric(
        "accuracy of a linear probe",
        mean,
        "Share of the examples whose class a linear classifier on the training embeddings predicts.",
        "Alain 2017, 1610.01644",
    ),
    "rpa": Metric(
        "raw pitch accuracy, 50 cents",
        ratio,
        "Share of the voiced frames whose pitch is predicted within 50 cents.",
        _MELODY,
    ),
    "rca": Metric(
        "raw chroma accuracy, 50 cents",
        ratio,
        "As raw pitch accuracy, but octaves do not count.",
        _MELODY,
    ),
    "voicing_recall": Metric(
        "voicing recall",
        ratio,
        "Share of the voiced frames that are predicted as voiced.",
        _MELODY,
    ),
    "voicing_false_alarm": Metric(
        "voicing false alarm",
        ratio,
        "Share of the unvoiced frames that are predicted as voiced.",
        _MELODY,
        higher=False,
    ),
    "wer": Metric(
        "WER",
        ratio,
        "Word errors (substituted, deleted, inserted) over the words of all transcripts.",
        _ERRORS,
        higher=False,
        high=math.inf,
    ),
    "cer": Metric(
        "CER",
        ratio,
        "Character errors (substituted, deleted, inserted) over the characters of all transcripts.",
        _ERRORS,
        higher=False,
        high=math.inf,
    ),
    "pearson": Metric(
        "Pearson, mean of tracks",
        mean_pearson,
        "Correlation of predicted and measured values over the bins of all sequences, mean over tracks.",
        "Avsec 2021, doi:10.1038/s41592-021-01252-x",
        low=-1.0,
    ),
}


def metric(name: str) -> Metric:
    """Look a metric up by name.

    Raises:
        InputError: The metric is unknown; names the closest one.
    """
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]
