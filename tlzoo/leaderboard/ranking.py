"""A board: a pure view of results, ranked with ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite

import numpy as np
import pyarrow as pa

from tlzoo.leaderboard import identity
from tlzoo.leaderboard.identity import Key, grouped, of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import BoardRow, Point, ResultRow, ScoredRow
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.statistics import NOT_FINITE, Estimate, estimate, gain, is_finite, tied, verdict
from tlzoo.vocabulary import TASKS, TIERS

_ARCHITECTURE = ("card", "variant", "card_hash", *identity.BOARD)
"""Columns that a row shares with its baseline: the same architecture, trained from scratch."""
_KEY = ("card", "variant", "weights", "weights_sha256", "card_hash", "strategy", "recipe", *identity.BOARD)
"""Columns that runs share which differ only in their seed: they become one row."""
_CURVE = tuple(name for name in _KEY if name != "fraction")
_CELL = ("card", "variant", "weights", "task", *identity.DATA, "strategy", "fraction", "seed", "origin", "hardware")
"""Columns of a run that may be repeated after a failure, with another recipe or a corrected card."""


def board(results: pa.Table, *, tasks: Iterable[str] | None = None, metrics: Iterable[str] | None = None) -> pa.Table:
    """Rank results.

    Seeds of one configuration become one row. Rows are compared only within a task, data set, machine, fraction, metric
    and tier of weights; there, models whose paired bootstrap difference includes zero share a rank. A number that is
    not finite is a failure; a failure is left out once the same was run with success.

    Args:
        results: Rows of ``schema.RESULT``.
        tasks: Only these; all by default.
        metrics: Only these; by default each task's headline metric, of each kind of input that it takes.

    Returns:
        Rows of ``schema.BOARD``, best first, the local ones before the reference's; rows without a value last, with
        status and reason.
    """
    wanted = set(metrics) if metrics is not None else None
    rows: list[ResultRow] = results.to_pylist()
    succeeded: list[ResultRow] = []
    failed: list[ResultRow] = []
    for row in rows:
        if tasks is not None and row["task"] not in tasks:
            continue
        if row["status"] != "ok":
            failed.append(row)
        elif row["metric"] in wanted if wanted is not None else row["metric"] in TASKS[row["task"]].headlines:
            if row["value"] is not None and isfinite(row["value"]) and is_finite(row["statistics"]):
                succeeded.append(row)
            else:
                failed.append(_not_finite(row))
    groups: dict[Key, list[ResultRow]] = defaultdict(list)
    for row in succeeded:
        groups[*of(row, _KEY), tuple(row["example_ids"]), tuple(row["groups"])].append(row)
    entries: list[_Entry] = []
    for runs in groups.values():
        entry = _Entry(runs)
        if entry.estimate.is_finite:
            entries.append(entry)
        else:
            failed += map(_not_finite, entry.runs)
    baselines = {of(e.first, _ARCHITECTURE): e for e in sorted(entries, key=_Entry.created) if e.is_baseline}
    curves = _by(entries, _CURVE)
    for entry in entries:
        entry.compare(baselines, curves[of(entry.first, _CURVE)])
    ranked: list[BoardRow] = []
    for peers in _by(entries, (*identity.BOARD, "weights")).values():
        ranked += _rank(peers)
    ranked += map(_failure, _standing(failed, [run for entry in entries for run in entry.runs]))
    ranked.sort(key=_order)
    return pa.Table.from_pylist([row.to_json() for row in ranked], schema=BOARD)


class _Entry:
    """One row of a board in the making."""

    def __init__(self, runs: Sequence[ResultRow]) -> None:
        latest = {r["seed"]: r for r in sorted(runs, key=lambda r: r["created"])}
        self.runs = [latest[seed] for seed in sorted(latest)]
        self.first = self.runs[0]
        self.metric = METRICS[self.first["metric"]]
        self.ids = self.first["example_ids"]
        self.estimate = self._estimate()
        self.compared: dict[str, float | str | None] = {}

    @property
    def is_baseline(self) -> bool:
        """Whether others are compared with it: it was trained from scratch."""
        return self.first["strategy"] == "scratch" and self.first["weights"] == "none"

    def created(self) -> datetime:
        """When the last of its runs ended."""
        return max(run["created"] for run in self.runs)

    def _estimate(self, paired: Collection[int] = ()) -> Estimate:
        by_seed = {run["seed"]: run["statistics"] for run in self.runs}
        return estimate(self.metric, by_seed, self.first["groups"], paired)

    def compare(self, baselines: Mapping[Key, _Entry], curve: Sequence[_Entry]) -> None:
        """Fill in the columns that are relative to training the same architecture from scratch.

        Args:
            baselines: Entries trained from scratch, by their architecture.
            curve: This configuration with every share of the labels.
        """
        if self.first["strategy"] == "scratch":
            return
        scratch = baselines.get(of(self.first, _ARCHITECTURE))
        if scratch is None or scratch.ids != self.ids:
            return
        improvement = self._gain(scratch)
        low, high = improvement.interval
        self.compared = {
            "scratch_value": scratch.estimate.value,
            "gain": improvement.value,
            "gain_low": low,
            "gain_high": high,
            "verdict": verdict(improvement),
            "time_to_target": _time_ratio(scratch.runs, self.runs),
            "label_savings": self._label_savings(scratch, curve),
        }

    def _gain(self, scratch: _Entry) -> Estimate:
        seeds = [{run["seed"] for run in entry.runs} for entry in (self, scratch)]
        if seeds[0] == seeds[1]:
            return gain(self.metric, self.estimate, scratch.estimate)
        both = seeds[0] & seeds[1]
        return gain(self.metric, self._estimate(both), scratch._estimate(both))

    def _label_savings(self, scratch: _Entry, curve: Sequence[_Entry]) -> float | None:
        """All labels over the fewest with which this strategy reaches what scratch reaches with all of them."""
        if self.first["fraction"] != 1.0 or len(curve) < 2:
            return None
        shares = [
            entry.first["fraction"] or 0.0
            for entry in curve
            if self.metric.sign * (entry.estimate.value - scratch.estimate.value) >= 0
        ]
        return 1 / min(shares) if shares else None

    def row(self, rank: int) -> ScoredRow:
        """The row of a board that its runs become."""
        low, high = self.estimate.interval
        timed = [r["train_seconds"] for r in self.runs if r["threads"] == self.first["threads"]]
        columns = _shared(self.first) | {
            "rank": rank,
            "seeds": [r["seed"] for r in self.runs],
            "run_ids": [r["run_id"] for r in self.runs],
            "value": self.estimate.value,
            "ci_low": low,
            "ci_high": high,
            "train_seconds": _mean(timed),
            "requests": _total(r["requests"] for r in self.runs),
            "cached": _total(r["cached"] for r in self.runs),
            "prompt_tokens": _total(r["prompt_tokens"] for r in self.runs),
            "completion_tokens": _total(r["completion_tokens"] for r in self.runs),
            "cost_usd": _total(r["cost_usd"] for r in self.runs),
        }
        return ScoredRow(**columns | self.compared)  # type: ignore[arg-type]


def _rank(peers: list[_Entry]) -> list[ScoredRow]:
    """Standard competition ranks; a row shares its rank with the best of its tie group."""
    metric = peers[0].metric
    peers = sorted(peers, key=lambda e: -metric.sign * e.estimate.value)
    rows: list[ScoredRow] = []
    leader: Estimate | None = None
    rank = 1
    for position, entry in enumerate(peers, start=1):
        comparable = leader is not None and entry.ids == peers[rank - 1].ids
        if not (comparable and leader is not None and tied(metric, leader, entry.estimate)):
            leader, rank = entry.estimate, position
        rows.append(entry.row(rank))
    return rows


def _not_finite(row: ResultRow) -> ResultRow:
    return row | {"status": "diverged", "reason": f"{METRICS[row['metric']].label}: {NOT_FINITE}"}


def _failure(row: ResultRow) -> BoardRow:
    columns = _shared(row) | {"value": None, "seeds": [row["seed"]], "run_ids": [row["run_id"]]}
    return BoardRow(**columns)  # type: ignore[arg-type]


def _shared(row: Mapping[str, object]) -> dict[str, object]:
    """Columns that a board has from a result."""
    return {name: row[name] for name in BOARD.names if name in row}


def _standing(failed: Iterable[ResultRow], succeeded: Iterable[ResultRow]) -> list[ResultRow]:
    """Failures that no later success has repaired: the last one of each run."""
    last = {of(row, _CELL): row for row in sorted(failed, key=lambda row: row["created"])}
    same = ("card", "task", "dataset", "origin")
    successes = {of(rows[0], same): rows for rows in grouped(succeeded, same)}
    return [row for row in last.values() if not any(_repairs(s, row) for s in successes.get(of(row, same), ()))]


def _repairs(row: ResultRow, failure: ResultRow) -> bool:
    """Whether a row is the success that a failure lacked; for a model that could not be planned, any on the same data.

    The row of such a model has neither seed, fraction nor hardware.
    """
    if failure["strategy"] is None:
        return failure["dataset_fingerprint"] in (None, row["dataset_fingerprint"])
    same = all(lost in (None, given) for lost, given in zip(of(failure, _CELL), of(row, _CELL), strict=True))
    return same and row["created"] >= failure["created"]


_Texts = tuple[str, ...]


def _order(row: BoardRow) -> tuple[bool, _Texts, bool, _Texts, float, str, int, int, float, _Texts]:
    """Sort key: rows with a value first; the local ones before the reference's; within a tier by rank and score."""
    tier = TIERS.index(row.weights) if row.weights in TIERS else len(TIERS)
    fingerprint, hardware, device = row.dataset_fingerprint or "", row.hardware or "", row.device or ""
    return (
        not row.is_scored,
        (row.task, row.dataset or "", fingerprint if row.is_scored else ""),
        row.origin != "local",
        (row.origin or "", *((hardware, device) if row.is_scored else ())),
        -(row.fraction or 0),
        row.metric or "",
        tier,
        row.rank or 0,
        -row.score if isinstance(row, ScoredRow) else 0.0,
        (row.card, row.strategy or ""),
    )


def _by(entries: Iterable[_Entry], names: Sequence[str]) -> dict[Key, list[_Entry]]:
    groups: dict[Key, list[_Entry]] = defaultdict(list)
    for entry in entries:
        groups[of(entry.first, names)].append(entry)
    return groups


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _total(values: Iterable[float | None]) -> float | None:
    """The sum over all seeds; unknown where one is unknown."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known) if len(known) == len(listed) else None


def _time_ratio(scratch: list[ResultRow], model: list[ResultRow]) -> float | None:
    """How many times sooner training reaches scratch's best validation score; above 1 is faster."""
    ratios = []
    partner = {r["seed"]: r for r in model}
    for run in scratch:
        other = partner.get(run["seed"])
        if other is None or not run["history"] or not other["history"] or run["threads"] != other["threads"]:
            continue
        target = max(p["score"] for p in run["history"])
        slow, fast = _first(run["history"], target), _first(other["history"], target)
        if slow is None or fast is None or fast <= 0:
            return None
        ratios.append(slow / fast)
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else None


def _first(history: list[Point], target: float) -> float | None:
    return next((p["seconds"] for p in history if p["score"] >= target), None)
