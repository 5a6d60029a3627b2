"""What cross-validation of a few hundred examples shows that one split of them does not.

``python benchmarks/folds.py [REPEATS]`` draws data sets of a known problem, trains two classifiers of which one is five
points better on average, and judges their difference by the estimators of the boards: once with one split (a third is
tested), once by 5 folds, with one and with three repetitions. A method shows the gain where its interval excludes zero;
it is right where its interval holds the gain that trainings on such data have on average.
"""

from __future__ import annotations

import sys

import numpy as np

from tlzoo.data.folds import deal
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import Estimate, estimate, gain, pooled

DIMENSIONS = 12
SIZES = (100, 200, 300, 500)
SPLIT = (0.7, 0.3)
FOLDS = 5
PENALTY = 3.0
SEED_NOISE = 0.25
"""Spread of the starting point that a seed adds to a classifier's weights."""


class Problem:
    """Two classes in a space of which the second classifier sees a blurred copy."""

    def __init__(self, blur: float) -> None:
        """Take the spread of the blur."""
        self.blur = blur
        self.direction = np.ones(DIMENSIONS) / np.sqrt(DIMENSIONS)

    def draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels, what the first classifier sees, and what the second sees, shapes ``(count,)``, ``(count, d)``."""
        labels = rng.integers(0, 2, count)
        sharp = rng.normal(size=(count, DIMENSIONS)) + np.outer(2 * labels - 1, self.direction) * 1.1
        return labels, sharp, sharp + rng.normal(size=sharp.shape) * self.blur


def trained(rng: np.random.Generator, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights of a ridge classifier, moved a little by its seed as those of a network are."""
    whole = np.c_[inputs, np.ones(len(inputs))]
    weights = np.linalg.solve(whole.T @ whole + PENALTY * np.eye(whole.shape[1]), whole.T @ (2.0 * labels - 1))
    noise = rng.normal(size=len(weights)) * SEED_NOISE / np.sqrt(len(inputs))
    return weights + noise * np.linalg.norm(weights)


def right(weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which predictions are right."""
    return ((np.c_[inputs, np.ones(len(inputs))] @ weights > 0) == labels).astype(float)


def judged(
    rng: np.random.Generator, labels: np.ndarray, views: tuple[np.ndarray, np.ndarray], seeds: int, folds: int
) -> list[Estimate]:
    """Both classifiers on one data set; ``folds`` 1 is one split, which all seeds share."""
    made = []
    names = [str(i) for i in range(len(labels))]
    for view in views:
        by_seed, of = {}, {}
        for seed in range(seeds):
            shares = list(SPLIT) if folds == 1 else [1 / folds] * folds
            parts = deal(labels.tolist(), names, shares, 0 if folds == 1 else seed)
            tested = np.full(len(labels), np.nan)
            for part in (1,) if folds == 1 else range(folds):
                test = parts == part
                tested[test] = right(trained(rng, view[~test], labels[~test]), view[test], labels[test])
            inside = ~np.isnan(tested)
            by_seed[seed], of[seed] = tested[inside][:, None], parts[inside]
        groups = [names[i] for i in np.flatnonzero(inside)]
        made.append(estimate(METRICS["accuracy"], by_seed, groups, of if folds > 1 else None))
    return made


def expected(problem: Problem, count: int) -> float:
    """Gain of the first over the second on average over data sets, trained on ``count`` examples."""
    rng = np.random.default_rng(99)
    labels, *views = problem.draw(rng, 20_000)
    differences = []
    for _ in range(300):
        mine, *seen = problem.draw(rng, count)
        scores = [right(trained(rng, a, mine), b, labels).mean() for a, b in zip(seen, views, strict=True)]
        differences.append(scores[0] - scores[1])
    return float(np.mean(differences))


def of_gain(wanted: float, count: int) -> Problem:
    """A problem whose gain is as wanted with this many examples."""
    low, high = 0.0, 2.0
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(Problem(middle), count) < wanted else (low, middle)
    return Problem((low + high) / 2)


def main(repeats: int) -> None:
    """Print a table."""
    print("| examples | true gain | method | shown | coverage | false where there is no gain |")
    print("|---:|---:|---|---:|---:|---:|")
    for count in SIZES:
        better, same = of_gain(0.05, int(0.75 * count)), Problem(0.0)
        for name, seeds, folds in (("one split, 3 seeds", 3, 1), ("5 folds", 1, FOLDS), ("5 folds, 3 times", 3, FOLDS)):
            rng = np.random.default_rng(count)
            true = expected(better, round(count * (SPLIT[0] if folds == 1 else 1 - 1 / folds)))
            shown = held = false = 0
            for _ in range(repeats):
                labels, *views = better.draw(rng, count)
                models = judged(rng, labels, (views[0], views[1]), seeds, folds)
                between = pooled(models)
                low, high = gain(*models, between, between).interval or (-1.0, 1.0)
                shown += low > 0
                held += low <= true <= high
                labels, one, _ = same.draw(rng, count)
                other = one + rng.normal(size=one.shape) * 0.0
                alike = judged(rng, labels, (one, other[:, ::-1]), seeds, folds)
                between = pooled(alike)
                false += gain(*alike, between, between).verdict in ("positive", "negative")
            shares = f"{shown / repeats:.0%} | {held / repeats:.1%} | {false / repeats:.1%}"
            print(f"| {count} | {true:.3f} | {name} | {shares} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
