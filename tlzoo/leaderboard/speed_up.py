"""What transfer saves: time and steps to what scratch reaches, and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tlzoo.leaderboard.row import Point
from tlzoo.leaderboard.statistics import LEVEL, Estimate, SeedVariance

Reached = Literal["reached", "at the start", "not reached"]
"""Whether a target was reached; ``at the start`` where it was there at the first look, so that a ratio is a minimum."""
TARGET_SHARE = 0.95
"""Share of scratch's gain over the trivial predictor that counts as reaching it."""
MIN_FRACTIONS = 3
"""Fewer points make no learning curve."""
DRAWS = 2000


@dataclass(frozen=True)
class Saving:
    """How many times less something took.

    Attributes:
        reached: Whether the target was reached.
        ratio: How many times less; above 1 is less. Absent where the target was not reached.
        low: Lower end of the 95% interval, where there is one.
        high: Upper end.
    """

    reached: Reached
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class History:
    """Training of one seed, as far as it tells when a target was reached.

    Attributes:
        points: Validation scores in order; higher is better.
        trivial: Validation score of the trivial predictor; absent of older results.
    """

    points: Sequence[Point]
    trivial: float | None

    @property
    def best(self) -> float:
        """The best validation score."""
        return max(point["score"] for point in self.points)


def time_to_target(
    scratch: Mapping[int, History], model: Mapping[int, History], unit: Literal["seconds", "step"]
) -> Saving | None:
    """How many times sooner training reaches what scratch reaches, seed by seed.

    The target is the trivial predictor's validation score and 95% of what scratch gains over it, so that a lucky last
    look does not set it. The geometric mean over seeds, with a t interval of the logarithms where there are several.

    Args:
        scratch: Training from scratch, by seed.
        model: Training of the model, by seed.
        unit: What is counted.

    Returns:
        None where no seed is common, or scratch did not beat the trivial predictor.
    """
    ratios, starts = [], []
    for seed in sorted(scratch.keys() & model.keys()):
        slow, fast = scratch[seed], model[seed]
        if slow.trivial is None or not slow.points or not fast.points or slow.best <= slow.trivial:
            continue
        target = slow.trivial + TARGET_SHARE * (slow.best - slow.trivial)
        place = next((i for i, point in enumerate(fast.points) if point["score"] >= target), None)
        if place is None:
            return Saving("not reached")
        needed = next(point[unit] for point in slow.points if point["score"] >= target)
        if fast.points[place][unit] <= 0 or needed <= 0:
            return None
        ratios.append(math.log(needed / fast.points[place][unit]))
        starts.append(place == 0)
    if not ratios:
        return None
    mean, reached = float(np.mean(ratios)), "at the start" if any(starts) else "reached"
    if len(ratios) < 2:
        return Saving(reached, math.exp(mean))  # type: ignore[arg-type]
    from scipy.special import stdtrit

    half = stdtrit(len(ratios) - 1, (1 + LEVEL) / 2) * np.std(ratios, ddof=1) / math.sqrt(len(ratios))
    return Saving(reached, math.exp(mean), math.exp(mean - half), math.exp(mean + half))  # type: ignore[arg-type]


def label_savings(
    scratch: Estimate,
    curve: Mapping[float, Estimate],
    of_scratch: SeedVariance | None,
    of_curve: SeedVariance | None,
) -> Saving | None:
    """All labels over the fewest with which a strategy reaches what scratch reaches with all of them.

    The learning curve is interpolated on the logarithm of the labels, between the points that were run and never beyond
    them, and does not fall. The interval is a bootstrap from the joint normal distribution of curve and scratch.

    Args:
        scratch: Trained from scratch on all labels.
        curve: The strategy by its fraction of the labels, on the same examples.
        of_scratch: Variance between training runs of scratch.
        of_curve: Variance between training runs of the strategy.

    Returns:
        None with fewer than three fractions.
    """
    fractions = sorted(curve)
    if len(fractions) < MIN_FRACTIONS:
        return None
    estimates = [scratch, *(curve[fraction] for fraction in fractions)]
    seeds = [of_scratch, *[of_curve] * len(fractions)]
    sign = scratch.metric.sign
    values = np.array([sign * each.value for each in estimates])
    ratio = _savings(values[None], fractions)[0]
    reached: Reached = "not reached" if ratio < 1 else "at the start" if ratio * fractions[0] > 1 - 1e-9 else "reached"
    influences = np.stack([sign * each.influence for each in estimates])
    covariance = scratch.sample.covariance(influences, influences)
    covariance += np.diag([s.variance / e.runs if s else 0.0 for e, s in zip(estimates, seeds, strict=True)])
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(values, covariance, size=DRAWS, check_valid="ignore", method="eigh")
    low, high = np.quantile(_savings(draws, fractions), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Saving(reached, None if ratio < 1 else ratio, max(0.0, float(low)), float(high))


def _savings(values: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """All labels over those needed, shape ``(draws,)``; 0 where all of them are not enough; see :func:`log_needed`."""
    savings: np.ndarray = np.exp(-log_needed(values, fractions))
    return savings


def log_needed(values: np.ndarray, labels: Sequence[float]) -> np.ndarray:
    """Logarithm of the labels with which a curve reaches a score, ``(draws,)``; infinite where all are not enough.

    Args:
        values: The score, then those of the curve from few labels to many; shape ``(draws, 1 + labels)``.
        labels: Their numbers, or fractions, rising.
    """
    target, curve = values[:, :1], np.maximum.accumulate(values[:, 1:], axis=1)
    logs = np.log(labels)
    enough = curve >= target
    place = enough.argmax(axis=1)
    rows = np.arange(len(values))
    before = np.maximum(place - 1, 0)
    rise = curve[rows, place] - curve[rows, before]
    share = np.where((place > 0) & (rise > 0), (target[:, 0] - curve[rows, before]) / np.where(rise > 0, rise, 1), 1.0)
    needed = logs[before] + share * (logs[place] - logs[before])
    return np.where(enough.any(axis=1), needed, np.inf)
