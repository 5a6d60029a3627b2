"""How often intervals hold the truth, verdicts are false, and ranks break where all models are equal.

``python benchmarks/coverage.py [REPEATS]`` simulates test sets and training runs, and judges them by the estimators of
the boards. A nominal 95% should be 93 to 97; at most 6% of the verdicts without an effect, and of the boards of equal
models, should say anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.ranks import places
from tlzoo.leaderboard.statistics import Estimate, crossed, estimate, gain, pooled

Sampler = Callable[[np.random.Generator, int, list[float]], list[dict[int, np.ndarray]]]
SEED_SDS = (0.0, 0.01, 0.02, 0.04)


def groups(count: int, size: int) -> list[str]:
    """Names of groups of equal size."""
    return [str(i // size) for i in range(count * size)]


def accuracy(rng: np.random.Generator, count: int, size: int, p: float, icc: float, shifts: np.ndarray) -> np.ndarray:
    """Right answers of several runs, shape ``(runs, examples)``.

    Groups differ in ease, examples within a group too, and each run is right on examples of its own in part.
    """
    from scipy.special import ndtr, ndtri

    ease = np.repeat(rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), count), size) if icc else p
    shared, own = rng.normal(size=count * size), rng.normal(size=(len(shifts), count * size))
    luck = ndtr(np.sqrt(0.7) * shared + np.sqrt(0.3) * own)
    chance = ndtr(ndtri(np.clip(ease, 1e-9, 1 - 1e-9)))
    return (luck < np.clip(chance + shifts[:, None], 0, 1)).astype(float)


def board(
    rng: np.random.Generator, models: int, seeds: int, sd: float, count: int, size: int, p: float, icc: float
) -> list[Estimate]:
    """Models of equal accuracy on one test set; their training runs differ by ``sd``."""
    shifts = rng.normal(0, sd, models * seeds)
    right = accuracy(rng, count, size, p, icc, shifts).reshape(models, seeds, -1)
    names = groups(count, size)
    return [estimate(METRICS["accuracy"], {s: run[:, None] for s, run in enumerate(model)}, names) for model in right]


def coverage_of_accuracy(repeats: int) -> None:
    """Coverage of the interval, and false verdicts, of accuracy."""
    print("| accuracy, icc | groups x examples | seeds | coverage at seed sd 0, .01, .02, .04 | false verdicts |")
    print("|---|---|---:|---|---|")
    rng = np.random.default_rng(0)
    for p, icc in ((0.7, 0.05), (0.9, 0.05), (0.9, 0.2)):
        for count, size in ((4, 50), (8, 25), (24, 8), (100, 2)):
            for seeds in (1, 2, 3):
                covered, false, silent = [], [], 0
                for sd in SEED_SDS:
                    hits = wrong = judged = 0
                    for _ in range(repeats):
                        models = board(rng, 9, seeds, sd, count, size, p, icc)
                        between = pooled(models)
                        for model in models[:2]:
                            low, high = model.interval(between) or (0.0, 1.0)
                            hits += low <= p <= high
                        verdict = gain(models[0], models[1], between, between).verdict
                        silent += verdict == "unreplicated"
                        wrong += verdict in ("positive", "negative")
                        judged += 1
                    covered.append(f"{hits / (2 * repeats):.3f}")
                    false.append(f"{wrong / judged:.3f}")
                shares = "unreplicated" if silent == repeats * len(SEED_SDS) else ", ".join(false)
                print(f"| {p}, {icc} | {count} x {size} | {seeds} | {', '.join(covered)} | {shares} |", flush=True)


def coverage_of_others(repeats: int) -> None:
    """Coverage of the interval of mIoU, AP50 and Spearman."""
    print("| metric | groups | coverage |")
    print("|---|---|---:|")
    for name, sampler, sizes in (
        ("miou", _masks, ((4, 3), (8, 3), (24, 3), (100, 3))),
        ("ap50", _boxes, ((4, 50), (8, 25), (24, 8), (100, 2))),
        ("spearman", _pairs, ((10, 1), (25, 1), (100, 1))),
        ("spearman", _crossed, ((9, 0), (24, 0), (50, 0))),
    ):
        for count, size in sizes:
            rng = np.random.default_rng(0)
            truth = np.mean(
                [estimate(METRICS[name], {0: s}, g).value for s, g in (sampler(rng, 2000 if size else 200, size or 1),)]
            )
            hits = 0
            for _ in range(repeats):
                statistics, names = sampler(rng, count, size)
                low, high = estimate(METRICS[name], {0: statistics}, names).interval() or (-1.0, 1.0)
                hits += low <= truth <= high
            what = "crossed documents" if sampler is _crossed else f"x {size}"
            print(f"| {name} | {count} {what} | {hits / repeats:.3f} |", flush=True)


def _masks(rng: np.random.Generator, count: int, size: int) -> tuple[list[list[float]], list[str]]:
    """Tiles of regions: shared, predicted and true pixels of background and object."""
    rows = []
    for _ in range(count):
        share, skill = rng.beta(3, 7), rng.beta(16, 4)
        for _ in range(size):
            true = 4096 * np.clip(share + rng.normal(0, 0.05), 0.02, 0.9)
            hit = true * np.clip(skill + rng.normal(0, 0.04), 0, 1)
            extra = (4096 - true) * rng.beta(2, 40)
            rows.append([4096 - true - extra, hit, 4096 - hit - extra, hit + extra, 4096 - true, true])
    return rows, groups(count, size)


def _boxes(rng: np.random.Generator, count: int, size: int) -> tuple[list[list[float]], list[str]]:
    """Pictures of scenes: references of one class, and detections with a score."""
    rows = []
    for _ in range(count):
        skill = rng.beta(12, 6)
        for _ in range(size):
            wanted = 1 + rng.poisson(1.0)
            hits = rng.binomial(wanted, skill)
            row = [1.0, 1.0, float(wanted)]
            for _ in range(hits):
                row += [0.0, rng.beta(5, 2), 1.0]
            for _ in range(rng.poisson(0.5)):
                row += [0.0, rng.beta(2, 4), 0.0]
            rows.append(row)
    return rows, groups(count, size)


def _pairs(rng: np.random.Generator, count: int, size: int) -> tuple[np.ndarray, list[str]]:
    true = rng.normal(size=count * size)
    return np.stack([true + rng.normal(size=len(true)), true], axis=1), groups(count, size)


def _crossed(rng: np.random.Generator, count: int, _: int) -> tuple[np.ndarray, list[str]]:
    """All pairs of documents: similarity is that of two points, and prediction that of two blurred points."""
    points = rng.normal(size=(count, 4))
    blurred = points + rng.normal(0, 0.8, size=points.shape)
    one, other = np.triu_indices(count, 1)
    distances = [-np.linalg.norm(each[one] - each[other], axis=1) for each in (blurred, points)]
    return np.stack(distances, axis=1), [crossed(str(a), str(b)) for a, b in zip(one, other, strict=True)]


def false_breaks(repeats: int) -> None:
    """Boards of equal models on which any two are told apart."""
    print("| equal models | seeds | boards with a false break at seed sd 0, .01, .02, .04 |")
    print("|---:|---:|---|")
    rng = np.random.default_rng(1)
    for models in (5, 10, 20):
        for seeds in (2, 3):
            broken = []
            for sd in SEED_SDS:
                count = 0
                for _ in range(repeats):
                    made = board(rng, models, seeds, sd, 26, 8, 0.8, 0.05)
                    ranks = places(made, [pooled(made)] * models)
                    count += any(rank != (1, models) for rank in ranks)
                broken.append(f"{count / repeats:.3f}")
            print(f"| {models} | {seeds} | {', '.join(broken)} |", flush=True)


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    coverage_of_accuracy(repeats)
    coverage_of_others(repeats)
    false_breaks(repeats)
