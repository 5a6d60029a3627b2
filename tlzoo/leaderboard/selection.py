"""Which row of a board to take, within limits of size, speed, score and licence, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tlzoo.leaderboard.identity import CLOCK, DATA, Titles, grouped
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.pareto import front
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.views.table import megabytes
from tlzoo.vocabulary import BASELINE

LicenseOf = Callable[[str, str, str | None], str]
"""Gives the licence of a card's weights of a tier, or that of the row if it has one."""


@dataclass(frozen=True)
class Limits:
    """What a person can afford; None where it does not matter.

    Attributes:
        max_size_mb: Maximum size of the parameters in MB (10^6 bytes).
        max_latency_ms: Maximum latency of one example in ms, median.
        min_score: The worse end of the headline metric's 95% interval must be at least as good as this, whatever the
            metric's direction.
        licenses: Accepted SPDX identifiers, in small letters.
    """

    max_size_mb: float | None = None
    max_latency_ms: float | None = None
    min_score: float | None = None
    licenses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Selection:
    """What to take for the data of one board.

    Attributes:
        task: The task.
        dataset: The data.
        title: Unambiguous title of the data.
        row: The row of the board; absent where no row is within the limits.
        license: Its licence.
        reasons: Why, one phrase each.
    """

    task: str
    dataset: str
    title: str
    row: ScoredRow | None
    license: str | None
    reasons: tuple[str, ...]


def select(board: pa.Table, limits: Limits, license_of: LicenseOf) -> list[Selection]:
    """Choose on each task's data, among all that was run with all labels on one machine.

    The local results decide where there are any, else the reference's, and never both. The best score within the limits
    wins, as validation has it, so that the test score that is reported was not chosen for being high; of those that no
    more rows are better than for certain, the fastest, and then the smallest. Where another row within the limits is as
    good in score, latency and size and better in one, that row is taken: no recommendation is dominated by what can be
    afforded. Baselines are no models, and are not taken.

    Args:
        board: Rows of ``schema.BOARD``.
        limits: What can be afforded.
        license_of: Gives the licence of a row.

    Returns:
        One selection for each task and data set that has results.
    """
    everything = rows_of(board)
    titles = Titles(everything)
    rows = [row for row in scored(everything) if row.on_all_labels and row.weights != BASELINE]
    return [_on(alike, titles, limits, license_of) for alike in grouped(rows, ("task", *DATA, "metric"))]


def _on(rows: Sequence[ScoredRow], titles: Titles, limits: Limits, license_of: LicenseOf) -> Selection:
    """Choose on some data; of several machines of one origin, the one with the most rows decides."""
    machines = sorted(grouped(rows, CLOCK), key=lambda alike: (alike[0].origin != "local", -len(alike)))
    chosen, reasons = _choose(machines[0], limits, license_of)
    used, *others = (titles.clock(alike[0]) for alike in machines)
    if others:
        reasons.append(f"by the {used}; not compared with the {', nor with the '.join(others)}")
    elif rows[0].origin != "local":
        reasons.append(f"by the {used}; there are no local ones")
    first = rows[0]
    license_ = None if chosen is None else license_of(chosen.card, chosen.weights, chosen.license)
    return Selection(first.task, first.dataset, titles.data(first), chosen, license_, tuple(reasons))


def _choose(rows: Sequence[ScoredRow], limits: Limits, license_of: LicenseOf) -> tuple[ScoredRow | None, list[str]]:
    """Which row of one machine to take, if any, and why."""
    beyond = [_beyond(row, limits, license_of) for row in rows]
    within = [row for row, exceeded in zip(rows, beyond, strict=True) if not exceeded]
    if not within:
        near = min(zip(beyond, rows, strict=True), key=lambda pair: (len(pair[0]), -pair[1].score))
        return None, [f"none of {len(rows)} rows is within the limits; nearest: {near[1].name}: {', '.join(near[0])}"]
    chosen, reasons = _best(within)
    better = _dominator(rows, chosen)
    if better is None:
        reasons.append("on the Pareto front of score, latency and size")
    else:
        reasons.append(f"dominated by {rows[better].name}: {', '.join(beyond[better])}")
    if chosen.weights == "stand-in":
        reasons.append("its weights are a stand-in: the published model may be better, and larger")
    return chosen, reasons


def _best(rows: Sequence[ScoredRow]) -> tuple[ScoredRow, list[str]]:
    """Which of the rows within the limits to take, on their Pareto front, and why."""
    by_validation = all(row.validation is not None for row in rows)
    best = min(rows, key=lambda row: (-(row.validation or 0.0) if by_validation else -row.score, *row.costs[1:]))
    tied = [row for row in rows if row.rank <= best.rank]
    fastest = min(tied, key=lambda row: row.costs[1:] + row.costs[:1])
    if fastest is best:
        by = "on validation" if by_validation else "on the test, since not all of them have a validation score"
        reasons = [f"best {METRICS[best.metric].label} {by} of {len(rows)} rows within the limits"]
        if len(tied) > 1:
            reasons.append(f"{len(tied) - 1} more cannot be told apart from it, and are no faster")
        return best, reasons
    why = f"cannot be told apart from the best within the limits, {best.name}, and is faster or smaller"
    better = _dominator(rows, fastest)
    if better is None:
        return fastest, [why]
    return rows[better], [f"dominates {fastest.name} ({fastest.weights} weights), which {why}"]


def described(selection: Selection) -> list[str]:
    """A selection in words: what it is and what it does, then a line for each reason."""
    row = selection.row
    if row is None:
        first, *others = selection.reasons
        return [f"{selection.title}: {first}", *others]
    ends = "" if row.ci_low is None else f" [{row.ci_low:.3f}, {row.ci_high:.3f}]"
    facts = f"{row.metric} {row.value:.3f}{ends}"
    if row.latency_ms_p50 is not None:
        facts += f", {row.latency_ms_p50:.3g} ms"
    if row.size_bytes is not None:
        facts += f", {megabytes(row.size_bytes)} MB"
    head = f"{selection.title}: {row.name} ({row.weights} weights, {selection.license}): {facts}"
    return [head, *selection.reasons]


def _dominator(rows: Sequence[ScoredRow], one: ScoredRow) -> int | None:
    """Index of a row that is as good as another in all costs and better in one; None where there is none."""
    costs, own = [row.costs for row in rows], one.costs
    beats = (i for i in front(costs) if costs[i] != own and all(a <= b for a, b in zip(costs[i], own, strict=True)))
    return next(beats, None)


def _beyond(row: ScoredRow, limits: Limits, license_of: LicenseOf) -> list[str]:
    """What of a row exceeds the limits."""
    metric, (_, latency, size) = METRICS[row.metric], row.costs
    exceeded = []
    if limits.max_size_mb is not None and size > limits.max_size_mb * 1e6:
        exceeded.append(f"{size / 1e6:.3g} MB")
    if limits.max_latency_ms is not None and latency > limits.max_latency_ms:
        exceeded.append(f"{latency:.3g} ms")
    if limits.min_score is not None and not _reaches(row, limits.min_score):
        end = row.ci_low if metric.higher else row.ci_high
        exceeded.append(f"{metric.label} {row.value:.3f}" + ("" if end is None else f", perhaps {end:.3f}"))
    if limits.licenses and license_of(row.card, row.weights, row.license).lower() not in limits.licenses:
        exceeded.append(f"licence {license_of(row.card, row.weights, row.license)}")
    return exceeded


def _reaches(row: ScoredRow, score: float) -> bool:
    """Whether a row is at least as good as a score for certain; without an interval nothing is certain."""
    if row.ci_low is None or row.ci_high is None:
        return False
    return row.ci_low >= score if METRICS[row.metric].higher else row.ci_high <= score
