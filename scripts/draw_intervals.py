"""Draw the picture of ``docs/statistics.md``: intervals that hold one source of error, and both.

``python scripts/draw_intervals.py`` simulates forty models of the same true accuracy, each trained with three seeds and
tested on the same kind of test, and writes ``docs/intervals.png``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import UNTRAINED, estimate, pooled

TRUTH, SEED_SD, MODELS, SEEDS, EXAMPLES = 0.8, 0.03, 40, 3, 1000
TARGET = Path(__file__).resolve().parents[1] / "docs" / "intervals.png"


def main() -> None:
    """Simulate and draw."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(3)
    names = [str(i) for i in range(EXAMPLES)]
    models = []
    for _ in range(MODELS):
        chances = TRUTH + rng.normal(0, SEED_SD, SEEDS)
        runs = {seed: (rng.random((EXAMPLES, 1)) < chance).astype(float) for seed, chance in enumerate(chances)}
        models.append(estimate(METRICS["accuracy"], runs, names))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    for axis, title, between in (
        (axes[0], "the choice of examples alone", UNTRAINED),
        (axes[1], "examples and training run", pooled(models)),
    ):
        missed = 0
        for place, model in enumerate(models):
            low, high = model.interval(between) or (0.0, 1.0)
            outside = not low <= TRUTH <= high
            missed += outside
            axis.plot([place, place], [low, high], color="#d55e00" if outside else "#0072b2", lw=2)
            axis.plot(place, model.value, "o", ms=3, color="black")
        axis.axhline(TRUTH, color="#777777", ls="--", lw=1)
        axis.set_title(f"Intervals hold {title}:\n{missed} of {MODELS} miss the truth")
        axis.set_xlabel("models of the same true accuracy, three seeds each")
        axis.set_xticks([])
    axes[0].set_ylabel("accuracy")
    figure.savefig(TARGET, dpi=110)


if __name__ == "__main__":
    main()
