"""Which frozen models complement each other: chosen greedily, cross-fitted, where they are better for certain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlzoo.drafting.adhoc import MAX_PARTS
from tlzoo.forecast.classifier import Array, Classes, judged
from tlzoo.forecast.curve import REPEATS
from tlzoo.forecast.resampling import LEVEL, resampled


def complements(
    few: Sequence[Array], right: Sequence[Array], labels: Classes, groups: Sequence[str]
) -> tuple[list[int], Array]:
    """The best model, and those that add to it for certain, one after the other.

    Args:
        few: Reduced vectors of each model, ``(examples, components)``.
        right: In which share of repeats a classifier on them judges each example right, ``(examples,)``.
        labels: Class of each example, counted from 0.
        groups: Group of each example.

    Returns:
        Places of the models, the best first, and in which share of repeats a classifier on the vectors of all of them
        judges each example right.
    """
    chosen = [int(np.argmax([each.mean() for each in right]))]
    reached = right[chosen[0]]
    while len(chosen) < min(MAX_PARTS, len(few)):
        tried = {
            i: together([few[place] for place in (*chosen, i)], labels, groups)
            for i in range(len(few))
            if i not in chosen
        }
        best = max(tried, key=lambda i: tried[i].mean())
        if difference(tried[best], reached, groups)[1] <= 0:
            break
        chosen.append(best)
        reached = tried[best]
    return chosen, reached


def together(few: Sequence[Array], labels: Classes, groups: Sequence[str]) -> Array:
    """In which share of repeats a classifier on the vectors of several models judges each example right."""
    whole = np.hstack(few)
    repeats: Array = np.stack([judged(whole, labels, groups, seed) for seed in range(REPEATS)]).astype(np.float64)
    return np.asarray(repeats.mean(axis=0))


def difference(more: Array, less: Array, groups: Sequence[str]) -> tuple[float, float, float]:
    """Mean paired difference of what is right, with its 90% interval over groups of examples."""
    drawn = resampled((more - less)[:, None], groups)[:, 0]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float((more - less).mean()), float(low), float(high)
