"""How many more labels: a learning curve on frozen vectors, a power law through it, and when it does not carry that.

Parts of the examples, each in the next, are fitted; others judge them. The error falls as ``floor + size * labels **
-rate`` (Hestness 2017, 1712.00409; Mahmood 2022, 2207.01725), which is fitted to resamples of the groups. Extrapolated
far, such curves promise too much (Mahmood 2022), so that nothing is predicted beyond four times the labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from tlzoo.data.protocol import stratified_order
from tlzoo.forecast.classifier import Array, Classes, Discriminant, Indices, folds
from tlzoo.forecast.resampling import LEVEL, resampled

REPEATS = 4
POINTS, SMALLEST = 6, 1 / 8
"""Parts of the labels that are fitted, equally far apart on a logarithmic scale, and the smallest one."""
MIN_POINTS, MIN_FITTED, MIN_GROUPS = 4, 16, 10
"""Of a curve that is extrapolated: points, examples of the smallest, and groups."""
FARTHEST = 4.0
"""Times the labels up to which there is a prediction."""
FACTORS = (2, 4)
"""Times the labels that there are, for which predictions are shown."""
RATES = np.linspace(0.1, 0.5, 9)
"""Rates of the power law, all equally likely before the curve is seen; larger ones promise too little, as measured."""
RESAMPLES = 400
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
WIDEST = 0.11
"""Maximum width of an interval that is of use."""
HARDLY = 0.02
"""Accuracy that more labels have to be able to add to be worth them."""


@dataclass(frozen=True)
class Prediction:
    """Accuracy with a number of labels.

    Attributes:
        labels: The number.
        accuracy: Expected, 0 to 1.
        low: Lower end of the 90% interval.
        high: Upper end.
    """

    labels: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """What more labels add to the accuracy.

    Attributes:
        labels: Their number, with those that there are.
        value: Expected.
        low: Lower end of the 90% interval.
        high: Upper end.
    """

    labels: int
    value: float
    low: float
    high: float

    @property
    def is_small(self) -> bool:
        """Whether the added labels hardly help."""
        return self.high < HARDLY


@dataclass(frozen=True)
class Abstention:
    """Why nothing is predicted."""

    reason: str


@dataclass(frozen=True)
class Curve:
    """A measured learning curve.

    Attributes:
        labels: Number of labels that each point stands for, shape ``(points,)``; the last has all.
        errors: Share of the repeats in which each example was judged wrong, shape ``(examples, points)``.
        groups: Group of each example.
        noise: Standard error of each point from the choice of parts, shape ``(points,)``.
        extra: Variance that predictions for twice the labels have beyond what is resampled, as measured on other data;
            it grows with the logarithm of the factor.
    """

    labels: Array
    errors: Array
    groups: tuple[str, ...]
    noise: Array
    extra: float = 0.0

    @property
    def accuracy(self) -> float:
        """With all labels."""
        return float(1 - self.errors[:, -1].mean())

    @cached_property
    def _draws(self) -> tuple[Array, Array, Array]:
        """Floor, size and rate of the power law for each resample."""
        points = resampled(self.errors, self.groups, RESAMPLES)
        rng = np.random.default_rng(0)
        points = points + rng.normal(size=points.shape) * self.noise
        return _power_laws(points, self.labels / self.labels[-1], self.noise, rng)

    def gain(self, labels: int) -> Gain | Abstention:
        """What more labels add, which is surer than the accuracy: the same examples judge both.

        The 90% interval holds which examples were labelled, which parts were fitted, and which rates the curve allows.

        Args:
            labels: From those that there are to four times as many.

        Returns:
            The gain, or why there is none: too few points or groups, too far, or a rise that noise hides.
        """
        now = float(self.labels[-1])
        if len(self.labels) < MIN_POINTS or len(set(self.groups)) < MIN_GROUPS:
            return Abstention("too few labels or groups for a curve")
        if labels > FARTHEST * now:
            return Abstention(f"more than {FARTHEST:.0f} times the labels that there are")
        added = self._added(labels)
        half = _Z * math.sqrt(float(added.var()) + self._beyond(labels))
        value = float(added.mean())
        gain = Gain(labels, value, max(0.0, value - half), value + half)
        mean = self.errors.mean(axis=0)
        if not gain.is_small and mean[0] - mean[-1] < 2 * float(np.hypot(self.noise[0], self.noise[-1])):
            return Abstention("its noise hides whether it rises")
        return gain

    def at(self, labels: int) -> Prediction | Abstention:
        """Accuracy of the classifier with a number of labels, as cross-fitting would measure it.

        With some of the ``n`` labels held out to judge, it is fitted on ``(folds - 1) / folds * n`` of them, now as
        then. The 90% interval is as of :meth:`gain`.

        Args:
            labels: From those that there are to four times as many.

        Returns:
            The prediction, or why there is none: as of :meth:`gain`, or an interval too wide to be of use.
        """
        gain = self.gain(labels)
        if isinstance(gain, Abstention):
            return gain
        floor, size, _ = self._draws
        scores = 1 - floor - size + self._added(labels)
        half = _Z * math.sqrt(float(scores.var()) + self._beyond(labels))
        if 2 * half > WIDEST:
            return Abstention("too uncertain to be of use")
        middle = min(1.0, self.accuracy + gain.value)
        return Prediction(labels, middle, max(0.0, middle - half), min(1.0, middle + half))

    def _added(self, labels: int) -> Array:
        """What more labels add in each resample."""
        _, size, rate = self._draws
        added: Array = size * (1 - (labels / float(self.labels[-1])) ** -rate)
        return added

    def _beyond(self, labels: int) -> float:
        """Variance beyond the resamples."""
        return self.extra * math.log2(labels / float(self.labels[-1])) ** 2


def _power_laws(points: Array, labels: Array, noise: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Floor, size and rate for each resampled curve ``(resamples, points)``; neither floor nor size is negative.

    Each rate has the likelihood of its best fit; one is drawn for each resample.
    """
    weights = labels / np.maximum(noise, 0.002) ** 2
    weights = weights / weights.sum()
    scale = 1 / np.sum(1 / np.maximum(noise, 0.002) ** 2) * len(labels)
    floors, sizes, losses = [], [], []
    for rate in RATES:
        x = labels**-rate
        x_mean, y_mean = weights @ x, points @ weights
        slope = ((points - y_mean[:, None]) * (x - x_mean)) @ weights / (weights @ (x - x_mean) ** 2)
        slope = np.maximum(slope, 0)
        floor = y_mean - slope * x_mean
        through_zero = (points * x) @ weights / (weights @ x**2)
        slope, floor = np.where(floor < 0, through_zero, slope), np.maximum(floor, 0)
        floors.append(floor)
        sizes.append(slope)
        losses.append(((points - floor[:, None] - slope[:, None] * x) ** 2) @ weights)
    loss = np.array(losses)
    likelihood = np.exp(-(loss - loss.min(axis=0)) * len(labels) / (2 * scale))
    shares = np.cumsum(likelihood / likelihood.sum(axis=0), axis=0)
    chosen = (rng.random(points.shape[0]) > shares).sum(axis=0).clip(0, len(RATES) - 1)
    places = np.arange(points.shape[0])
    return np.array(floors)[chosen, places], np.array(sizes)[chosen, places], RATES[chosen]


def measured(
    vectors: Array, labels: Classes, groups: Sequence[str], repeats: int = REPEATS, extra: float = 0.0
) -> Curve:
    """Measure a learning curve by repeated, nested, cross-fitted parts; no group is in parts.

    Args:
        vectors: Of :func:`tlzoo.forecast.classifier.reduced`, shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.
        groups: Group of each.
        repeats: How often other folds and parts are drawn.
        extra: As of :class:`Curve`.
    """
    owner = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    shares = _shares(len(labels), int(np.unique(labels).size))
    errors = np.zeros((repeats, len(labels), len(shares)))
    fitted_counts = np.zeros(len(shares))
    for seed in range(repeats):
        for fitted, held in folds(labels, groups, seed):
            order = _order(labels[fitted], owner[fitted], seed)
            ends = np.cumsum(np.bincount(order.owner))
            for point, share in enumerate(shares):
                count = int(ends[np.searchsorted(ends, share * len(fitted) - 0.5).clip(0, len(ends) - 1)])
                part = fitted[order.indices[:count]]
                judge = Discriminant.fit(vectors[part], labels[part])
                errors[seed, held, point] = judge.predict(vectors[held]) != labels[held]
                fitted_counts[point] += count * len(held)
    fitted_counts /= repeats * len(labels)
    by_repeat = errors.mean(axis=1)
    noise = by_repeat.std(axis=0, ddof=1) / np.sqrt(repeats) if repeats > 1 else np.zeros(len(shares))
    noise = np.full(len(shares), np.sqrt(np.mean(noise**2)))
    return Curve(fitted_counts / fitted_counts[-1] * len(labels), errors.mean(axis=0), tuple(groups), noise, extra)


def _shares(examples: int, classes: int) -> list[float]:
    """Parts of the labels that are fitted, from the smallest that has an example a class."""
    smallest = max(SMALLEST, MIN_FITTED / examples, classes / examples)
    return [float(share) for share in np.geomspace(smallest, 1, POINTS)] if smallest < 0.5 else [1.0]


@dataclass(frozen=True)
class _Order:
    """Examples in the order in which they are taken, and the place of the group of each in that order."""

    indices: Indices
    owner: Indices


def _order(labels: Classes, owner: Indices, seed: int) -> _Order:
    """A random order, group by group; single examples so that classes are spread evenly."""
    names, places = np.unique(owner, return_inverse=True)
    first = np.array([int(np.flatnonzero(places == place)[0]) for place in range(len(names))])
    rank = np.empty(len(names), dtype=np.int64)
    rank[stratified_order(labels[first].tolist(), seed)] = np.arange(len(names))
    ranks = rank[places]
    indices = np.argsort(ranks, kind="stable").astype(np.int64)
    return _Order(indices, ranks[indices])
