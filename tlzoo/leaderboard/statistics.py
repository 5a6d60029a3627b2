"""Intervals: a bootstrap over what is independent (voices, documents, examples) and over seeds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final, Literal

import numpy as np

from tlzoo.leaderboard.metrics import Metric
from tlzoo.leaderboard.types import Array, Statistics

RESAMPLES = 2000
LEVEL = 0.95
NOT_FINITE: Final = "not finite"
"""Reason and verdict where a number is NaN or infinite."""
Verdict = Literal["positive", "neutral", "negative", "not finite"]
_CROSSING = "\x1f"  # ASCII's unit separator, which no name has


@dataclass(frozen=True)
class Estimate:
    """A number and its bootstrap draws.

    Draws of two estimates over the same examples come from the same resamples, so their difference is paired.
    """

    value: float
    draws: Array

    @property
    def interval(self) -> tuple[float, float]:
        """Percentile interval at ``LEVEL``."""
        return interval(self.draws)

    @property
    def is_finite(self) -> bool:
        """Whether the number and its interval are finite."""
        return all(map(math.isfinite, (self.value, *self.interval)))


def interval(draws: Array) -> tuple[float, float]:
    """Percentile interval of bootstrap draws (Efron & Tibshirani 1993, section 13.3)."""
    if np.isnan(draws).all():
        return math.nan, math.nan
    with np.errstate(invalid="ignore"):  # between infinite draws there is nothing
        low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def crossed(*members: str) -> str:
    """The group of an example that belongs to several at once, as a pair of documents does to both."""
    return _CROSSING.join(dict.fromkeys(members))


@lru_cache(maxsize=8)
def _weights(groups: tuple[str, ...]) -> Array:
    """How often each example occurs in each resample of the groups, shape ``(RESAMPLES, examples)``.

    Where groups are :func:`crossed`, their members are resampled, and an example occurs as often as the product of
    its members' counts: a pair of documents is there as often as both are (Owen 2007, "The pigeonhole bootstrap").
    That is exact for what documents have in common, and wide for what is a pair's own.
    """
    members = [group.split(_CROSSING) for group in groups]
    names, index = np.unique(np.concatenate(members), return_inverse=True)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    starts = np.cumsum([0, *map(len, members[:-1])])
    return np.multiply.reduceat(counts[:, index], starts, axis=1).astype(np.float64)


def is_finite(statistics: Statistics) -> bool:
    """Whether all numbers are finite."""
    return bool(np.isfinite(np.fromiter(chain.from_iterable(statistics), np.float64)).all())


def estimate(
    metric: Metric, by_seed: Mapping[int, Statistics], groups: Sequence[str], paired: Collection[int] = ()
) -> Estimate:
    """Estimate a metric over test examples and seeds.

    Args:
        metric: The metric.
        by_seed: Per-example statistics of each seed's run.
        groups: For each example, what was drawn independently: resampled as a whole.
        paired: Seeds that this and another estimate have in common. Where both have the same number of seeds, a draw
            of both holds the same ones of these.

    Returns:
        Mean over seeds; draws that vary the groups and, where there are several, the seeds.
    """
    weights = _weights(tuple(groups))
    ones = np.ones((1, len(groups)))
    seeds = sorted(by_seed, key=lambda seed: (seed not in paired, seed))
    value = float(np.mean([metric.reduce(by_seed[s], ones)[0] for s in seeds]))
    draws = np.stack([metric.reduce(by_seed[s], weights) for s in seeds])
    picks = np.random.default_rng(1).integers(len(seeds), size=(len(seeds), RESAMPLES))
    return Estimate(value, np.take_along_axis(draws, picks, axis=0).mean(axis=0))


def gain(metric: Metric, model: Estimate, scratch: Estimate) -> Estimate:
    """Paired improvement over scratch; more is better, whatever the metric's direction."""
    return Estimate(metric.sign * (model.value - scratch.value), metric.sign * (model.draws - scratch.draws))


def verdict(improvement: Estimate) -> Verdict:
    """Positive or negative where the interval of the paired difference excludes zero; none where it is not finite."""
    if not improvement.is_finite:
        return NOT_FINITE
    low, high = improvement.interval
    return "positive" if low > 0 else "negative" if high < 0 else "neutral"


def tied(metric: Metric, a: Estimate, b: Estimate) -> bool:
    """Whether two models cannot be told apart: the paired difference's interval includes zero."""
    low, high = gain(metric, a, b).interval
    return low <= 0 <= high
