"""Learning curves as a picture inside a page, in light and dark; and what pictures of them have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tlzoo.leaderboard.curves import MIN_POINTS, Curves, trained_on
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import ScoredRow
from tlzoo.vocabulary import task_facts

MOST = 8
"""Models of one picture."""
PALETTE = (
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff9a5c"),
    ("#007a5a", "#3fcf9f"),
    ("#aa4499", "#e78fc7"),
    ("#8a6d00", "#f0c84a"),
    ("#332288", "#a89bf5"),
    ("#882255", "#f2799f"),
    ("#117788", "#7fd4dd"),
)
"""Colours of models on white and on black, after Okabe & Ito and Tol: safe for colour-blind readers."""
GREY = ("#6e7781", "#8b949e")
"""Colours of baselines."""
KEY = "solid: the strategy that validation chose; dashed: the same network from scratch; bars: 95% intervals"
STYLE = "".join(
    f".tlzoo .k{i} {{color: light-dark({light}, {dark})}} " for i, (light, dark) in enumerate((*PALETTE, GREY))
) + (
    ".tlzoo figure {margin: 0 0 1.5rem; max-width: 52rem} .tlzoo figcaption {color: var(--quiet)} "
    ".tlzoo svg {width: 100%; height: auto; font-size: 12px} .tlzoo svg text {fill: currentColor} "
    ".tlzoo svg path {fill: none; stroke: currentColor; stroke-width: 2} .tlzoo svg path.bar {stroke-width: 1.2; "
    "opacity: 0.7} .tlzoo svg path.thin {stroke-width: 1; opacity: 0.5} "
    ".tlzoo svg path.scratch {stroke-dasharray: 5 4} "
    ".tlzoo svg circle {fill: currentColor} .tlzoo svg path.grid {stroke: var(--line); stroke-width: 1}"
)
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 800, 400, 64, 190, 28, 48
_LINE = 15.0
"""Pixels from one name to the next."""


@dataclass(frozen=True)
class Line:
    """A line of the picture.

    Attributes:
        rows: Its points.
        colour: Place of its colour in :data:`PALETTE`; one more is :data:`GREY`.
        name: What stands at its end; nothing at that of scratch.
    """

    rows: tuple[ScoredRow, ...]
    colour: int
    name: str = ""


def lines_of(curves: Curves) -> list[Line]:
    """The lines to draw: baselines, then of the best models scratch and the chosen strategy."""
    lines = [Line(rows, len(PALETTE), rows[0].strategy) for rows in curves.baselines]
    drawn = [curve for curve in curves.models if len(curve.rows) >= MIN_POINTS]
    for place, curve in enumerate(drawn[:MOST]):
        lines += [Line(curve.scratch, place)] * bool(curve.scratch) + [Line(curve.rows, place, curve.name)]
    return lines


def left_out(curves: Curves) -> str:
    """How many models are not drawn; empty for none."""
    more = sum(len(curve.rows) >= MIN_POINTS for curve in curves.models) - MOST
    return f"; {more} more model{'s' * (more > 1)} not drawn" if more > 0 else ""


def x_title(row: ScoredRow) -> str:
    """What the numbers of labels are of."""
    return f"training {task_facts(row.task).noun(row.metric)} (log scale)"


def y_title(row: ScoredRow) -> str:
    """The metric with its unit and direction."""
    return METRICS[row.metric].title


def counts(lines: Iterable[Line], apart: float = 1.25) -> list[int]:
    """Numbers of training examples for the axis; of two that are less than a factor apart the larger."""
    ticks: list[int] = []
    for count in sorted({trained_on(row) for line in lines for row in line.rows}, reverse=True):
        if not ticks or ticks[-1] >= apart * count:
            ticks.append(count)
    return ticks[::-1]


def aside(line: Line, lines: Sequence[Line]) -> float:
    """How many places a line is drawn to the right, so that its intervals do not hide those of other models."""
    colours = {each.colour for each in lines} - {len(PALETTE)}
    return 0.0 if line.colour == len(PALETTE) else line.colour - (len(colours) - 1) / 2


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart, as little as it takes, so that names at them do not overlap; their order stays.

    Args:
        places: Where names would best stand.
        gap: Least distance.
        low: None is moved below, where there is room.
        high: None is moved above.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [min(max(places[i], low), high) for i in order]
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + gap)
    top = high
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], top)
        top = moved[i] - gap
    return [moved[order.index(i)] for i in range(len(places))]


def figure(curves: Curves, title: str) -> str:
    """A picture as a part of a page, styled by :data:`STYLE`.

    Args:
        curves: Of one data set and machine.
        title: What they are of.
    """
    lines = lines_of(curves)
    first = curves.first
    picture = _Picture(lines)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        *picture.grid(),
        f'<text x="{_LEFT}" y="16">{escape(y_title(first))}</text>',
        f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_title(first))}</text>',
        *(picture.line(line) for line in lines),
        *picture.names(),
    ]
    label = f"Learning curves: {title}"
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img aria-label="{escape(label)}">{"".join(parts)}</svg>'
        f"<figcaption>{escape(label)}. {escape(KEY + left_out(curves))}.</figcaption></figure>"
    )


class _Picture:
    """The axes of a picture."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        rows = [row for line in lines for row in line.rows]
        self.counts = counts(lines)
        self.least, self.most = (math.log(end(map(trained_on, rows))) for end in (min, max))
        ends = [value for row in rows for value in (row.value, row.ci_low, row.ci_high) if value is not None]
        self.ticks = _round_numbers(min(ends), max(ends))
        self.low, self.high = self.ticks[0], self.ticks[-1]

    def x(self, count: float) -> float:
        """Pixels from the left."""
        share = (math.log(count) - self.least) / ((self.most - self.least) or 1.0)
        return _LEFT + 16 + share * (_WIDTH - _RIGHT - _LEFT - 32)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return _HEIGHT - _BOTTOM - (value - self.low) / ((self.high - self.low) or 1.0) * (_HEIGHT - _BOTTOM - _TOP)

    def grid(self) -> list[str]:
        """Ticks with their numbers."""
        digits = max(0, -math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9))
        parts = []
        for tick in self.ticks:
            y = self.y(tick)
            parts.append(f'<path class=grid d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.{digits}f}</text>')
        for count in self.counts:
            x = self.x(count)
            parts.append(f'<path class=grid d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{count:,}</text>')
        return parts

    def line(self, line: Line) -> str:
        """A line with its points and intervals, which stand beside those of other models."""
        beside = 3.0 * aside(line, self.lines)
        points = [(self.x(trained_on(row)) + beside, self.y(row.value), row) for row in line.rows]
        kind = "" if line.name else " class=scratch"
        parts = [f'<path{kind} d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)}"/>']
        for x, y, row in points:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 if line.name else 2}"/>')
            if row.ci_low is not None and row.ci_high is not None and line.colour < len(PALETTE):
                ends = f"{self.y(row.ci_low):.1f}V{self.y(row.ci_high):.1f}"
                parts.append(f'<path class=bar d="M{x:.1f} {ends}"/>')
        return f"<g class=k{line.colour}>{''.join(parts)}</g>"

    def names(self) -> list[str]:
        """The name of each line at its end, with a thin line to it."""
        named = [line for line in self.lines if line.name]
        best = [self.y(line.rows[-1].value) for line in named]
        places = spread(best, _LINE, _TOP, _HEIGHT - _BOTTOM)
        start = _WIDTH - _RIGHT
        return [
            f'<g class=k{line.colour}><path class=thin d="M{self.x(trained_on(line.rows[-1])) + 12:.1f} {at:.1f}'
            f'L{start + 14} {place:.1f}"/><text x="{start + 18}" y="{place + 4:.1f}">{escape(line.name)}</text></g>'
            for line, at, place in zip(named, best, places, strict=True)
        ]


def _round_numbers(low: float, high: float) -> list[float]:
    """From four to nine round numbers that reach from below one number to above another."""
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, max(last, first + 1) + 1)]
