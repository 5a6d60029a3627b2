"""How sure a number is: which examples were tested, and which training run was made.

Both are sources of error of every interval, gain, verdict and rank; ``docs/statistics.md`` says how, and from where.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal

import numpy as np

from tlzoo.leaderboard.metrics import Metric
from tlzoo.leaderboard.types import Array, LeaveOut, Statistics

LEVEL = 0.95
MIN_GROUPS = 2
"""From fewer independent groups nothing is estimated."""
NOT_FINITE: Final = "not finite"
"""Reason where a number is NaN or infinite."""
Verdict = Literal["positive", "neutral", "negative", "unreplicated"]
_CROSSING = "\x1f"  # ASCII's unit separator, which no name has


def crossed(*members: str) -> str:
    """The group of an example that belongs to several at once, as a pair of documents does to both."""
    return _CROSSING.join(dict.fromkeys(members))


class Sample:
    """Which test examples are independent of which.

    Attributes:
        units: Number of independent groups; where groups are :func:`crossed`, of their members.
        weights: All examples, and then what is left of them without one group after another; where groups are crossed,
            without one example after another; shape ``(1 + left out, examples)``.
        related: Where groups are crossed, which examples share a member, shape ``(examples, examples)``.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        """Sort out the groups of some examples."""
        members = [group.split(_CROSSING) for group in groups]
        names, index = np.unique(np.concatenate(members), return_inverse=True)
        self.units = len(names)
        self.related: Array | None = None
        if all(len(each) == 1 for each in members):
            self.weights = LeaveOut(index)
            return
        example = np.repeat(np.arange(len(members)), [len(each) for each in members])
        belongs = np.zeros((len(members), self.units))
        belongs[example, index] = 1
        self.related = (belongs @ belongs.T > 0).astype(np.float64)
        self.weights = LeaveOut(np.arange(len(members)))

    def covariance(self, a: Array, b: Array) -> Array:
        """Covariance of estimates, from their influences.

        Args:
            a: Shape ``(estimates, left out)``.
            b: Shape ``(other estimates, left out)``.

        Returns:
            Shape ``(estimates, other estimates)``.
        """
        if self.related is not None:
            # Whoever shares a member is correlated (Aronow 2015, 1312.3398); few members know little of their spread.
            a = a @ self.related * self.units / max(1, self.units - 2)
        shared: Array = a @ b.T
        return shared

    def variance(self, influences: Array) -> Array:
        """Variance of each estimate; shape ``(estimates, left out)`` to ``(estimates,)``.

        Crossed examples vary at least as much as independent ones would.
        """
        alone: Array = (influences**2).sum(axis=-1)
        if self.related is None:
            return alone
        shared = ((influences @ self.related) * influences).sum(axis=-1) * self.units / max(1, self.units - 2)
        larger: Array = np.maximum(shared, alone)
        return larger


@lru_cache(maxsize=8)
def _sample(groups: tuple[str, ...]) -> Sample:
    return Sample(groups)


@dataclass(frozen=True)
class SeedVariance:
    """What another training run would change, pooled over models that were trained several times.

    Attributes:
        variance: Variance of a metric between training runs, apart from what the choice of examples adds to it.
        observed: The same with it.
        degrees: Degrees of freedom: runs less one, summed over models; with folds, folds less one, summed over seeds.
    """

    variance: float
    observed: float
    degrees: int

    @property
    def sd(self) -> float:
        """Standard deviation between training runs."""
        return math.sqrt(self.variance)


UNTRAINED = SeedVariance(0.0, 0.0, 0)
"""Nothing was drawn at random."""


@dataclass(frozen=True)
class Spread:
    """How far the training runs of one model are apart.

    Attributes:
        observed: Sum of squared deviations of a metric between runs.
        sampled: What the examples, on which runs differ, add to that sum.
        degrees: Degrees of freedom.
    """

    observed: float
    sampled: float
    degrees: int


@dataclass(frozen=True)
class Estimate:
    """A metric of runs that differ only in their seed, and in the fold that they were tested on.

    Attributes:
        metric: The metric.
        sample: Which of its examples are independent.
        by_seed: The metric of each seed's run, shape ``(seeds,)``.
        influences: What each left-out group changes of it (jackknife), shape ``(seeds, left out)``.
        spread: How far training runs are apart; absent of one run.
        runs: Number of training runs: seeds times folds.
    """

    metric: Metric
    sample: Sample
    by_seed: Array
    influences: Array
    spread: Spread | None
    runs: int

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return float(self.by_seed.mean())

    @cached_property
    def influence(self) -> Array:
        """What each left-out group changes of the mean, shape ``(left out,)``."""
        mean: Array = self.influences.mean(axis=0)
        return mean

    @cached_property
    def sampling(self) -> float:
        """Variance that other test examples would add."""
        return float(self.sample.variance(self.influence[None])[0])

    @property
    def is_finite(self) -> bool:
        """Whether all its numbers are finite."""
        return bool(np.isfinite(self.by_seed).all() and np.isfinite(self.influences).all())

    def interval(self, between: SeedVariance | None = UNTRAINED) -> tuple[float, float] | None:
        """95% interval of the value; none from fewer than two groups.

        Wilson's (1927), with the number of independent examples that the variance is worth, and with t for few groups:
        inside the metric's range, and never a point. A metric without an upper limit has a plain t interval.

        Args:
            between: Variance between training runs; where it is not known, the interval holds sampling only.
        """
        if self.sample.units < MIN_GROUPS:
            return None
        seeds = between or UNTRAINED
        variance = self.sampling + seeds.variance / self.runs
        t = _quantile(_degrees(self.sampling, self.sample.units - 1, [(seeds, self.runs)]))
        low, high = self.metric.low, self.metric.high
        if not (math.isfinite(low) and math.isfinite(high)):
            return self.value - t * math.sqrt(variance), self.value + t * math.sqrt(variance)
        span = high - low
        share = min(1.0, max(0.0, (self.value - low) / span))
        spread = share * (1 - share)
        size = spread * span**2 / variance if variance > 0 and spread > 0 else self.sample.units
        middle = (share + t * t / (2 * size)) / (1 + t * t / size)
        half = t * math.sqrt(spread / size + t * t / (4 * size * size)) / (1 + t * t / size)
        return low + span * max(0.0, middle - half), low + span * min(1.0, middle + half)


@dataclass(frozen=True)
class Gain:
    """Paired improvement of one estimate over another on the same examples; more is better for every metric.

    Attributes:
        value: The improvement.
        sampling: Variance that other test examples would add.
        units: Number of independent groups.
        between: Variance between training runs of both sides, with their number of runs.
        is_replicated: Whether each side that was trained was trained more than once.
    """

    value: float
    sampling: float
    units: int
    between: tuple[tuple[SeedVariance, int], ...]
    is_replicated: bool

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.sampling + sum(seeds.variance / count for seeds, count in self.between))

    @property
    def degrees(self) -> float:
        """Degrees of freedom."""
        return _degrees(self.sampling, self.units - 1, self.between)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% t interval; none from fewer than two groups."""
        if self.units < MIN_GROUPS:
            return None
        half = _quantile(self.degrees) * self.error
        return self.value - half, self.value + half

    @property
    def verdict(self) -> Verdict | None:
        """Positive or negative where the interval excludes zero; none where there is no interval."""
        if self.interval is None:
            return None
        if not self.is_replicated:
            return "unreplicated"
        low, high = self.interval
        return "positive" if low > 0 else "negative" if high < 0 else "neutral"


def estimate(
    metric: Metric,
    by_seed: Mapping[int, Statistics],
    groups: Sequence[str],
    folds: Mapping[int, Sequence[int]] | None = None,
) -> Estimate:
    """Estimate a metric over test examples and seeds.

    Args:
        metric: The metric.
        by_seed: Per-example statistics of each seed's run; with folds, of all of its runs together.
        groups: For each example, what was drawn independently.
        folds: For each seed and example, the fold in which it was tested, where every fold has a training run.
    """
    sample = _sample(tuple(groups))
    weights = sample.weights if sample.units >= MIN_GROUPS else np.ones((1, len(groups)))
    values = np.stack([metric.reduce(by_seed[seed], weights) for seed in sorted(by_seed)])
    without, count = values[:, 1:], max(1, values.shape[1] - 1)
    # Delete-a-group jackknife (Efron & Stein 1981; Shao & Tu 1995, section 2.3), centred on the mean of all.
    influences = (
        math.sqrt((count - 1) / count) * (without - without.mean(axis=1, keepdims=True)) if count > 1 else without
    )
    if folds is None:
        runs, spread = len(by_seed), _between_seeds(sample, values[:, 0], influences)
    else:
        spreads = [_between_folds(metric, by_seed[seed], sample, np.asarray(folds[seed])) for seed in sorted(by_seed)]
        runs = sum(len(set(folds[seed])) for seed in by_seed)
        spread = Spread(
            sum(each.observed for each in spreads),
            sum(each.sampled for each in spreads),
            sum(each.degrees for each in spreads),
        )
    return Estimate(metric, sample, values[:, 0], influences, spread, runs)


def _between_seeds(sample: Sample, values: Array, influences: Array) -> Spread | None:
    """How far the runs of several seeds on the same examples are apart."""
    if len(values) < 2:
        return None
    apart = influences - influences.mean(axis=0)
    return Spread(float(((values - values.mean()) ** 2).sum()), float(sample.variance(apart).sum()), len(values) - 1)


def _between_folds(metric: Metric, statistics: Statistics, sample: Sample, folds: Array) -> Spread:
    """How far the runs of one cross-validation are apart, each on examples of its own."""
    values, variances, without_each = [], [], np.asarray(sample.weights)[1:]
    for fold in np.unique(folds):
        inside = (folds == fold).astype(np.float64)
        left = [weights for weights in without_each * inside if 0 < weights.sum() < inside.sum()]
        value, *without = metric.reduce(statistics, np.stack([inside, *left]))
        count = len(without)
        values.append(value)
        variances.append(
            (count - 1) / count * np.square(np.array(without) - np.mean(without)).sum() if count > 1 else 0
        )
    observed = float(np.square(np.array(values) - np.mean(values)).sum())
    return Spread(observed, float(np.mean(variances)) * (len(values) - 1), len(values) - 1)


def pooled(estimates: Sequence[Estimate]) -> SeedVariance | None:
    """Variance between training runs, pooled over models; none where no model was trained more than once.

    One-way random effects by the method of moments (Searle, Casella & McCulloch 1992, section 3.6), never below zero:
    what is observed between seeds, less what the examples, on which runs differ, add to it.
    """
    spreads = [each.spread for each in estimates if each.spread is not None]
    degrees, observed = sum(each.degrees for each in spreads), sum(each.observed for each in spreads)
    if not degrees:
        return None
    sampled = sum(each.sampled for each in spreads)
    return SeedVariance(max(0.0, observed - sampled) / degrees, observed / degrees, degrees)


def gain(model: Estimate, other: Estimate, of_model: SeedVariance | None, of_other: SeedVariance | None) -> Gain:
    """Paired improvement of a model over another on the same examples.

    Args:
        model: The model.
        other: What it is compared with.
        of_model: Variance between the model's training runs, :data:`UNTRAINED` where nothing is trained; None where it
            is not known.
        of_other: The other's.
    """
    sides = ((model, of_model), (other, of_other))
    variance = model.sample.variance((model.influence - other.influence)[None])[0]
    return Gain(
        value=model.metric.sign * (model.value - other.value),
        sampling=float(variance),
        units=model.sample.units,
        between=tuple((seeds, side.runs) for side, seeds in sides if seeds is not None),
        is_replicated=all(seeds is UNTRAINED or (seeds is not None and side.runs > 1) for side, seeds in sides),
    )


def _degrees(sampling: float, units: int, between: Sequence[tuple[SeedVariance, int]]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    parts = [(sampling, units)]
    parts += [(seeds.observed / count, seeds.degrees) for seeds, count in between if seeds.variance > 0]
    total, uncertain = sum(part for part, _ in parts), sum(part**2 / degrees for part, degrees in parts)
    return total**2 / uncertain if uncertain > 0 else float(units)


@lru_cache(maxsize=4096)
def _quantile(degrees: float) -> float:
    """Two-sided quantile of Student's t at :data:`LEVEL`."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))
