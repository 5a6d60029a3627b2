"""Which row of a board to take, within limits of size, speed, score and licence, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tlzoo.leaderboard.identity import CLOCK, DATA, Titles, grouped
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.pareto import front
from tlzoo.leaderboard.table import megabytes, rows_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """What a person can afford; None where it does not matter.

    Attributes:
        max_size_mb: Most megabytes (10^6 bytes) of parameters.
        max_latency_ms: Most milliseconds for one example, median.
        min_score: The headline metric must be at least as good as this, whatever its direction.
        licenses: SPDX identifiers that will do, in small letters.
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
        title: What the data are called, so that no other are called alike.
        row: The row of the board; absent where nothing is within the limits.
        license: Its licence.
        reasons: Sentences.
    """

    task: str
    dataset: str
    title: str
    row: Row | None
    license: str | None
    reasons: tuple[str, ...]


def select(board: pa.Table, limits: Limits, license_of: Callable[[Row], str]) -> list[Selection]:
    """Choose on each task's data, among all that was run with all labels on one machine.

    The local results decide where there are any, else the reference's, and never both. The best score within the limits
    wins; of those that share its rank, which cannot be told apart, the fastest, and then the smallest. Where a row of
    another rank or tier, within the limits too, is as good in score, latency and size and better in one, that row is
    taken: no recommendation is dominated by what can be afforded.

    Args:
        board: Rows of ``schema.BOARD``.
        limits: What can be afforded.
        license_of: Licence of a row's weights.

    Returns:
        One selection for each task and data set that has results.
    """
    everything = rows_of(board)
    titles = Titles(everything)
    rows = [row for row in everything if row["value"] is not None and row["fraction"] == 1.0]
    return [_on(alike, titles, limits, license_of) for alike in grouped(rows, ("task", *DATA, "metric"))]


def _on(rows: Sequence[Row], titles: Titles, limits: Limits, license_of: Callable[[Row], str]) -> Selection:
    """Choose on some data; of several machines of one origin, the one with the most rows decides."""
    machines = sorted(grouped(rows, CLOCK), key=lambda alike: (alike[0]["origin"] != "local", -len(alike)))
    chosen, reasons = _of(machines[0], limits, license_of)
    used, *others = (titles.clock(alike[0]) for alike in machines)
    if others:
        reasons.append(f"by the {used}; not compared with the {', nor with the '.join(others)}")
    elif rows[0]["origin"] != "local":
        reasons.append(f"by the {used}; there are no local ones")
    first = rows[0]
    license_ = None if chosen is None else license_of(chosen)
    return Selection(first["task"], first["dataset"], titles.data(first), chosen, license_, tuple(reasons))


def _of(rows: Sequence[Row], limits: Limits, license_of: Callable[[Row], str]) -> tuple[Row | None, list[str]]:
    """Which row of one machine to take, if any, and why."""
    beyond = [_beyond(row, limits, license_of) for row in rows]
    within = [row for row, said in zip(rows, beyond, strict=True) if not said]
    sign = METRICS[rows[0]["metric"]].sign
    if not within:
        near = min(zip(beyond, rows, strict=True), key=lambda pair: (len(pair[0]), -sign * pair[1]["value"]))
        return None, [
            f"nothing of {len(rows)} rows is within the limits; nearest: {name(near[1])}: {', '.join(near[0])}"
        ]
    chosen, reasons = _best(within)
    better = _dominator(rows, chosen)
    if better is None:
        reasons.append("on the Pareto front of score, latency and size")
    else:
        reasons.append(f"dominated by {name(rows[better])}: {', '.join(beyond[better])}")
    if chosen["weights"] == "stand-in":
        reasons.append("its weights are a stand-in: the published model may be better, and larger")
    return chosen, reasons


def _best(rows: Sequence[Row]) -> tuple[Row, list[str]]:
    """Which of the rows within the limits to take, on their Pareto front, and why."""
    best = min(rows, key=_costs)
    tied = [row for row in rows if (row["weights"], row["rank"]) == (best["weights"], best["rank"])]
    fastest = min(tied, key=lambda row: _costs(row)[1:] + _costs(row)[:1])
    if fastest is best:
        reasons = [f"best {METRICS[best['metric']].label} of {len(rows)} rows within the limits"]
        if len(tied) > 1:
            reasons.append(f"{len(tied) - 1} more cannot be told apart from it, and are no faster")
        return best, reasons
    why = f"cannot be told apart from the best within the limits, {name(best)}, and is faster or smaller"
    better = _dominator(rows, fastest)
    if better is None:
        return fastest, [why]
    return rows[better], [f"dominates {name(fastest)} ({fastest['weights']} weights), which {why}"]


def described(selection: Selection) -> list[str]:
    """A selection in words: what it is and what it does, then a line for each reason."""
    row = selection.row
    if row is None:
        first, *others = selection.reasons
        return [f"{selection.title}: {first}", *others]
    facts = f"{row['metric']} {row['value']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"
    if row["latency_ms_p50"] is not None:
        facts += f", {row['latency_ms_p50']:.3g} ms"
    if row["size_bytes"] is not None:
        facts += f", {megabytes(row['size_bytes'])} MB"
    head = f"{selection.title}: {name(row)} ({row['weights']} weights, {selection.license}): {facts}"
    return [head, *selection.reasons]


def name(row: Row) -> str:
    """What a person calls a row."""
    return f"{row['card']} {row['variant']} {row['strategy']}"


def _costs(row: Row) -> tuple[float, ...]:
    """Less is better: score, latency, size; what was not measured costs more than anything."""
    unknown = float("inf")
    score = -METRICS[row["metric"]].sign * row["value"]
    return score, *(unknown if row[column] is None else row[column] for column in ("latency_ms_p50", "size_bytes"))


def _dominator(rows: Sequence[Row], one: Row) -> int | None:
    """Which of the rows is as good as one in all costs, and better in one of them; nothing where none is."""
    costs, own = [_costs(row) for row in rows], _costs(one)
    beats = (i for i in front(costs) if costs[i] != own and all(a <= b for a, b in zip(costs[i], own, strict=True)))
    return next(beats, None)


def _beyond(row: Row, limits: Limits, license_of: Callable[[Row], str]) -> list[str]:
    """In what a row is beyond the limits."""
    metric, (_, latency, size) = METRICS[row["metric"]], _costs(row)
    said = []
    if limits.max_size_mb is not None and size > limits.max_size_mb * 1e6:
        said.append(f"{size / 1e6:.3g} MB")
    if limits.max_latency_ms is not None and latency > limits.max_latency_ms:
        said.append(f"{latency:.3g} ms")
    if limits.min_score is not None and metric.sign * row["value"] < metric.sign * limits.min_score:
        said.append(f"{metric.label} {row['value']:.3f}")
    if limits.licenses and license_of(row).lower() not in limits.licenses:
        said.append(f"licence {license_of(row)}")
    return said
