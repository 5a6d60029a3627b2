"""A picture of forecasts: what each model is expected to reach, and how probably it is the best."""

from __future__ import annotations

from pathlib import Path

from tlzoo.files import writable_folder
from tlzoo.forecast.compare import Forecasts
from tlzoo.leaderboard.views.plot import COLOURS, save

BAR = "#009e73"


def plot(forecasts: Forecasts, title: str, path: Path) -> None:
    """Draw all forecasts, the best on top: accuracy with its 90% interval, and the probability of being the best.

    Args:
        forecasts: What was forecast.
        title: What the data are.
        path: A picture; the suffix decides the format (png, svg, pdf).

    Raises:
        InputError: The suffix is unknown, or the picture cannot be written.
    """
    import matplotlib

    path = writable_folder(path.parent, "--plot") / path.name
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    models = forecasts.models
    places = range(len(models) - 1, -1, -1)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 1.6 + 0.42 * len(models)), width_ratios=(3, 1.2), sharey=True, layout="constrained"
    )
    for tier, colour in COLOURS.items():
        mine = [(place, each) for place, each in zip(places, models, strict=True) if each.weights == tier]
        if mine:
            left.errorbar(
                [each.accuracy for _, each in mine],
                [place for place, _ in mine],
                xerr=[[each.accuracy - each.low for _, each in mine], [each.high - each.accuracy for _, each in mine]],
                fmt="o",
                color=colour,
                capsize=3,
                label=tier,
            )
    left.set_yticks(list(places), [f"{each.model}\n{each.params / 1e6:.2f} M parameters" for each in models])
    left.tick_params(axis="y", labelsize=8)
    left.set_ylim(-0.6, len(models) - 0.4)
    left.set_xlabel("accuracy of a linear classifier on frozen vectors\n(share of examples, 90% interval)", fontsize=9)
    left.grid(axis="x", alpha=0.3)
    right.barh(list(places), [100 * each.best for each in models], color=BAR, height=0.6)
    for place, each in zip(places, models, strict=True):
        right.annotate(
            f"{each.best:.0%}", (100 * each.best, place), xytext=(3, 0), textcoords="offset points", va="center", size=8
        )
    right.set_xlim(0, 128)
    right.set_xticks([0, 25, 50, 75, 100])
    right.set_xlabel("probability of being\nthe best (%)", fontsize=9)
    right.tick_params(axis="y", length=0)
    figure.suptitle(f"{title}\n{forecasts.read}", fontsize=9, wrap=True)
    figure.legend(loc="outside lower left", ncols=3, title="weights", fontsize=8, title_fontsize=8)
    save(figure, path)
