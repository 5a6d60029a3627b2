"""A board in one picture: score against latency, area for size, the Pareto front drawn; below, learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tlzoo.errors import InputError
from tlzoo.files import writable_folder
from tlzoo.leaderboard.curves import Curves, curves_of, trained_on
from tlzoo.leaderboard.identity import PANEL, VIEW, Titles, grouped, of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.pareto import front
from tlzoo.leaderboard.row import BoardRow, ScoredRow, rows_of, scored
from tlzoo.leaderboard.views import learning
from tlzoo.leaderboard.views.table import megabytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"official": "#0072b2", "stand-in": "#e69f00", "none": "#777777"}
"""Colours of tiers, by Okabe & Ito: safe for colour-blind readers."""
FRONT_COLOUR = "#009e73"


def plot(board: pa.Table, path: Path) -> None:
    """Draw a board, one panel for each task, data set and machine, all labels; below it the learning curves, if any.

    Args:
        board: Ranked rows.
        path: A picture; the suffix decides the format (png, svg, pdf).

    Raises:
        InputError: No row has both a score and a latency, the suffix is unknown, or the picture cannot be written.
    """
    import matplotlib

    path = writable_folder(path.parent, "--plot") / path.name
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    everything = rows_of(board)
    rows = [row for row in scored(everything) if row.latency_ms_p50 and row.on_all_labels]
    if not rows:
        raise InputError(f"--plot {path}: no row has a score and a latency yet; run tlzoo eval first")
    titles = Titles(everything)

    def title(panel: list[ScoredRow]) -> str:
        first = panel[0]
        clock = titles.clock(first)
        return f"{first.task} on {titles.data(first)}" + (f"\n{clock}" if clock else "")

    panels = sorted(grouped(rows, PANEL), key=title)
    below = {of(curves.first, VIEW): curves for curves in curves_of(scored(everything)) if curves.has_several_shares}
    shown = [below.pop(of(panel[0], VIEW), None) for panel in panels]  # scores do not depend on the number of threads
    height = 2 if any(shown) else 1
    size = (8 * len(panels), 5.5 * height)
    figure, axes = plt.subplots(height, len(panels), figsize=size, squeeze=False, layout="constrained")
    for place, (panel, curves) in enumerate(zip(panels, shown, strict=True)):
        _panel(axes[0][place], title(panel), panel)
        if curves is not None:
            _curves(axes[1][place], f"{panel[0].task} on {titles.data(panel[0])}", curves)
        elif height > 1:
            axes[1][place].remove()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure, and close it.

    Raises:
        InputError: The suffix is not known, or the file cannot be written.
    """
    import matplotlib.pyplot as plt

    try:
        figure.savefig(path, dpi=150)
    except (ValueError, OSError) as error:
        raise InputError(f"--plot {path}: {error}") from None
    finally:
        plt.close(figure)


def _panel(axis: Any, title: str, rows: list[ScoredRow]) -> None:
    metric = METRICS[rows[0].metric]
    largest = largest_of(rows)
    for tier, colour in COLOURS.items():
        mine = [r for r in rows if r.weights == tier]
        if not mine:
            continue
        x, y = [r.latency for r in mine], [r.value for r in mine]
        error = list(zip(*(r.margins for r in mine), strict=True))
        axis.errorbar(x, y, yerr=error, fmt="none", ecolor=colour, alpha=0.5, capsize=2)
        areas = [area(r, largest) for r in mine]
        label = {"none": "from scratch"}.get(tier, tier)
        axis.scatter(x, y, s=areas, color=colour, alpha=0.55, label=label, edgecolors="white")
    for place, group in _clusters(rows):
        names = "\n".join(f"{r.card} {r.strategy}" for r in group)
        beside = 3 + max(area(r, largest) for r in group) ** 0.5 / 2
        axis.annotate(names, place, textcoords="offset points", xytext=(beside, 0), fontsize=8, va="center")
    best = [rows[i] for i in front([(r.latency, -r.score) for r in rows])]
    axis.plot(
        [r.latency for r in best],
        [r.value for r in best],
        color=FRONT_COLOUR,
        lw=1.2,
        ls="--",
        label="Pareto front",
    )
    axis.set_xscale("log")
    for ticks in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        ticks(lambda value, _: f"{value:g}")
    axis.margins(x=0.35)
    axis.set_xlabel("latency of one example, median, ms ↓ (log scale)")
    axis.set_ylabel(f"{metric.title}, 95% interval")
    sizes = f"; area = size, largest {megabytes(largest)} MB" if largest else ""
    axis.set_title(f"{title}{sizes}")
    axis.grid(alpha=0.3)
    for handle in axis.legend(loc="best", fontsize=8).legend_handles:
        if hasattr(handle, "set_sizes"):
            handle.set_sizes([60])


def _curves(axis: Any, title: str, curves: Curves) -> None:
    """Learning curves of one data set and machine, each with its name at its end."""
    lines = learning.lines_of(curves)
    colours = [light for light, _ in (*learning.PALETTE, learning.GREY)]
    for line in lines:
        beside = 1.012 ** learning.aside(line, lines)
        x, y = [beside * trained_on(row) for row in line.rows], [row.value for row in line.rows]
        error = list(zip(*(row.margins for row in line.rows), strict=True))
        style = {"ls": "-" if line.name else "--", "marker": "o", "ms": 4, "lw": 1.5, "capsize": 2, "elinewidth": 0.8}
        axis.errorbar(x, y, yerr=error, color=colours[line.colour], **style)
    axis.set_xscale("log")
    axis.set_xticks(learning.counts(lines), minor=False)
    axis.set_xticks([], minor=True)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.set_xlabel(learning.x_title(curves.first))
    axis.set_ylabel(f"{learning.y_title(curves.first)}, 95% interval")
    axis.set_title(f"{title}: learning curves\ndashed: the same network from scratch{learning.left_out(curves)}")
    axis.grid(alpha=0.3)
    named = [line for line in lines if line.name]
    low, high = axis.get_ylim()
    places = learning.spread([line.rows[-1].value for line in named], (high - low) / 24, low, high)
    for line, place in zip(named, places, strict=True):
        end = (trained_on(line.rows[-1]), line.rows[-1].value)
        axis.annotate(
            line.name,
            end,
            xytext=(1.03, (place - low) / (high - low)),
            textcoords="axes fraction",
            color=colours[line.colour],
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colours[line.colour], "alpha": 0.4, "lw": 0.8},
        )


def largest_of(rows: list[ScoredRow]) -> float:
    """Bytes of the largest of rows; 0 where none has a size, as of models behind an API."""
    return max(float(row.size_bytes or 0) for row in rows)


def area(row: BoardRow, largest: float) -> float:
    """Area of a row's mark, in square points: the smallest where it has no size."""
    return 40 + 560 * float(row.size_bytes or 0) / (largest or 1)


def _clusters(rows: list[ScoredRow]) -> list[tuple[tuple[float, float], list[ScoredRow]]]:
    """Rows that would be labelled on top of each other, together: same latency, nearly the same score."""
    span = (max(r.value for r in rows) - min(r.value for r in rows)) or 1.0
    groups: list[list[ScoredRow]] = []
    for row in sorted(rows, key=lambda r: (r.latency, -r.value)):
        for group in groups:
            last = group[-1]
            near = abs(last.value - row.value) < 0.05 * span
            if near and abs(last.latency / row.latency - 1) < 0.3:
                group.append(row)
                break
        else:
            groups.append([row])
    return [((g[0].latency, sum(r.value for r in g) / len(g)), g) for g in groups]
