"""Places that evidence allows: intervals of ranks that hold for all rows of a board at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tlzoo.leaderboard.statistics import LEVEL, MIN_GROUPS, Estimate, SeedVariance
from tlzoo.leaderboard.types import Array


def places(estimates: Sequence[Estimate], between: Sequence[SeedVariance | None]) -> list[tuple[int, int]]:
    """Best and worst place of each estimate among all.

    Every pair on the same examples is compared, with a paired t test; Holm's correction (1979) keeps the chance of any
    wrong difference on the board at 5%. A place is best where only those count that are better for certain, and worst
    where only those are left behind that are worse for certain (Mogstad, Romano, Shaikh & Wilhelm 2024,
    doi:10.1093/restud/rdad006). From fewer than two groups nothing is told apart.

    Args:
        estimates: Of one metric, more than one of them on the same examples where their ``sample`` is the same object.
        between: Variance between training runs of each; None where it is not known.
    """
    count = len(estimates)
    better = np.zeros((count, count), dtype=bool)
    first, second, p_values = [], [], []
    samples = {id(each.sample): each.sample for each in estimates}
    for key, sample in samples.items():
        members = np.array([i for i, each in enumerate(estimates) if id(each.sample) == key])
        if sample.units < MIN_GROUPS or len(members) < 2:
            continue
        one, other = np.triu_indices(len(members), 1)
        first.append(members[one])
        second.append(members[other])
        p_values.append(_p_values([estimates[i] for i in members], [between[i] for i in members], one, other))
    if p_values:
        a, b = np.concatenate(first), np.concatenate(second)
        differ = _holm(np.concatenate(p_values))
        score = np.array([each.metric.sign * each.value for each in estimates])
        better[a, b] = differ & (score[a] > score[b])
        better[b, a] = differ & (score[b] > score[a])
    beaten_by, beats = better.sum(axis=0), better.sum(axis=1)
    return [(1 + int(above), count - int(below)) for above, below in zip(beaten_by, beats, strict=True)]


def _p_values(
    estimates: Sequence[Estimate],
    between: Sequence[SeedVariance | None],
    one: NDArray[np.intp],
    other: NDArray[np.intp],
) -> Array:
    """Two-sided p-value of each pair's difference, all on the same examples."""
    from scipy.special import stdtr

    sample = estimates[0].sample
    influences = np.stack([each.influence for each in estimates])
    shared = sample.covariance(influences, influences)
    alone = influences @ influences.T
    sampling = np.maximum(_differences(shared, one, other), _differences(alone, one, other))
    known = [seeds.variance / each.runs if seeds else 0.0 for each, seeds in zip(estimates, between, strict=True)]
    observed = [seeds.observed / each.runs if seeds else 0.0 for each, seeds in zip(estimates, between, strict=True)]
    degrees = [max(1, seeds.degrees) if seeds else 1 for seeds in between]
    added = np.array(known)
    uncertain = np.where(added > 0, np.array(observed), 0.0) ** 2 / np.array(degrees)
    variance = sampling + added[one] + added[other]
    spread = sampling**2 / (sample.units - 1) + uncertain[one] + uncertain[other]
    freedom = np.where(spread > 0, variance**2 / np.where(spread > 0, spread, 1), sample.units - 1)
    values = np.array([each.value for each in estimates])
    difference = np.abs(values[one] - values[other])
    t = np.divide(difference, np.sqrt(variance), out=np.where(difference > 0, np.inf, 0.0), where=variance > 0)
    result: Array = 2 * stdtr(freedom, -t)
    return result


def _differences(covariance: Array, one: NDArray[np.intp], other: NDArray[np.intp]) -> Array:
    """Variance of the difference of each pair, never below zero."""
    own = np.diag(covariance)
    variance: Array = np.maximum(0.0, own[one] + own[other] - 2 * covariance[one, other])
    return variance


def _holm(p_values: Array) -> NDArray[np.bool_]:
    """Which hypotheses are rejected together at 5%: from the smallest p-value on, until one is too large."""
    order = np.argsort(p_values)
    passed = p_values[order] <= (1 - LEVEL) / (len(p_values) - np.arange(len(p_values)))
    rejected = np.zeros(len(p_values), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected
