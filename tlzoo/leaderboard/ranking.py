"""A board: a pure view of results, ranked with ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa

from tlzoo.leaderboard import identity
from tlzoo.leaderboard.identity import of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.schema import BOARD, USAGE
from tlzoo.leaderboard.statistics import NOT_FINITE, Estimate, estimate, gain, is_finite, tied, verdict
from tlzoo.vocabulary import TASKS, TIERS

Row = dict[str, Any]
_ARCHITECTURE = ("card", "variant", "card_hash", *identity.BOARD)
"""What a row shares with its baseline: the same architecture, trained from scratch."""
_KEY = ("card", "variant", "weights", "weights_sha256", "card_hash", "strategy", "recipe", *identity.BOARD)
"""What runs share that differ in nothing but their seed: they become one row."""
_CURVE = tuple(name for name in _KEY if name != "fraction")
_CELL = ("card", "variant", "weights", "task", *identity.DATA, "strategy", "fraction", "seed", "origin", "hardware")
"""What is tried again after a failure, with another recipe or a card that was put right."""


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
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    failed: list[Row] = []
    for row in results.to_pylist():
        if tasks is not None and row["task"] not in tasks:
            continue
        if row["status"] != "ok":
            failed.append(row)
        elif row["metric"] in wanted if wanted is not None else row["metric"] in TASKS[row["task"]].headlines:
            if row["value"] is not None and isfinite(row["value"]) and is_finite(row["statistics"]):
                groups[*of(row, _KEY), *map(tuple, of(row, ("example_ids", "groups")))].append(row)
            else:
                failed.append(_not_finite(row))
    entries: list[_Entry] = []
    for rows in groups.values():
        entry = _Entry(rows)
        if entry.estimate.is_finite:
            entries.append(entry)
        else:
            failed += map(_not_finite, entry.runs)
    baselines = {of(e.key, _ARCHITECTURE): e for e in sorted(entries, key=_Entry.created) if e.is_baseline}
    curves = _by(entries, _CURVE)
    for entry in entries:
        entry.compare(baselines, curves[of(entry.key, _CURVE)])
    ranked: list[Row] = []
    for peers in _by(entries, (*identity.BOARD, "weights")).values():
        ranked += _rank(peers)
    ranked += map(_failure, _standing(failed, [run for entry in entries for run in entry.runs]))
    ranked.sort(key=_order)
    return pa.Table.from_pylist(ranked, schema=BOARD)


class _Entry:
    """One row of a board in the making."""

    def __init__(self, runs: Sequence[Row]) -> None:
        latest = {r["seed"]: r for r in sorted(runs, key=lambda r: r["created"])}
        self.runs = [latest[seed] for seed in sorted(latest)]
        self.key = {name: self.runs[0][name] for name in _KEY}
        self.metric = METRICS[self.key["metric"]]
        self.ids = self.runs[0]["example_ids"]
        self.estimate = self._estimate()
        self.compared: Row = {}

    @property
    def is_baseline(self) -> bool:
        """Whether others are compared with it: it was trained from scratch."""
        return bool(self.key["strategy"] == "scratch" and self.key["weights"] == "none")

    def created(self) -> Any:
        """When the last of its runs ended."""
        return max(run["created"] for run in self.runs)

    def _estimate(self, paired: Collection[int] = ()) -> Estimate:
        by_seed = {run["seed"]: run["statistics"] for run in self.runs}
        return estimate(self.metric, by_seed, self.runs[0]["groups"], paired)

    def compare(self, baselines: Mapping[tuple[Any, ...], _Entry], curve: Sequence[_Entry]) -> None:
        """Fill in what is relative to training the same architecture from scratch.

        Args:
            baselines: What was trained from scratch, by its architecture.
            curve: This configuration with every share of the labels.
        """
        if self.key["strategy"] == "scratch":
            return
        scratch = baselines.get(of(self.key, _ARCHITECTURE))
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
        if self.key["fraction"] != 1.0 or len(curve) < 2:
            return None
        shares = [
            entry.key["fraction"]
            for entry in curve
            if self.metric.sign * (entry.estimate.value - scratch.estimate.value) >= 0
        ]
        return 1 / float(min(shares)) if shares else None

    def row(self, rank: int) -> Row:
        first, low_high = self.runs[0], self.estimate.interval
        timed = [r["train_seconds"] for r in self.runs if r["threads"] == first["threads"]]
        return (
            {k: first[k] for k in BOARD.names if k in first}
            | {"rank": rank, "seeds": [r["seed"] for r in self.runs], "run_ids": [r["run_id"] for r in self.runs]}
            | {"value": self.estimate.value, "ci_low": low_high[0], "ci_high": low_high[1]}
            | {"train_seconds": _mean(timed)}
            | {name: _total(r[name] for r in self.runs) for name in USAGE}
            | self.compared
        )


def _rank(peers: list[_Entry]) -> list[Row]:
    """Standard competition ranks; a row shares its rank with the best of its tie group."""
    metric = peers[0].metric
    peers = sorted(peers, key=lambda e: -metric.sign * e.estimate.value)
    rows: list[Row] = []
    leader: Estimate | None = None
    rank = 1
    for position, entry in enumerate(peers, start=1):
        comparable = leader is not None and entry.ids == peers[rank - 1].ids
        if not (comparable and leader is not None and tied(metric, leader, entry.estimate)):
            leader, rank = entry.estimate, position
        rows.append(entry.row(rank))
    return rows


def _not_finite(row: Row) -> Row:
    return row | {"status": "diverged", "reason": f"{METRICS[row['metric']].label}: {NOT_FINITE}"}


def _failure(row: Row) -> Row:
    same = {name: row[name] for name in BOARD.names if name in row}
    return same | {"value": None, "seeds": [row["seed"]], "run_ids": [row["run_id"]]}


def _standing(failed: Iterable[Row], succeeded: Iterable[Row]) -> list[Row]:
    """Failures that nothing has repaired since: of what failed again, the last."""
    last = {of(row, _CELL): row for row in sorted(failed, key=lambda row: row["created"])}
    same = ("card", "task", "dataset", "origin")
    well = defaultdict(list)
    for row in succeeded:
        well[of(row, same)].append(row)
    return [row for row in last.values() if not any(_repairs(other, row) for other in well[of(row, same)])]


def _repairs(row: Row, failure: Row) -> bool:
    """Whether a row is the success that a failure lacked; a model that had none at all lacks any of its task and data.

    An absence names no seed, share of the labels or hardware.
    """
    if failure["strategy"] is None:
        return failure["dataset_fingerprint"] in (None, row["dataset_fingerprint"])
    same = all(failure[name] in (None, row[name]) for name in _CELL)
    return bool(same and row["created"] >= failure["created"])


def _order(row: Row) -> tuple[Any, ...]:
    tier = TIERS.index(row["weights"]) if row["weights"] in TIERS else len(TIERS)
    metric = METRICS.get(row["metric"] or "")
    value = row["value"]
    quality = 0.0 if value is None else -(metric.sign if metric else 1) * value
    place: tuple[Any, ...] = (row["origin"] != "local", row["origin"] or "")
    if value is not None:
        place = (row["dataset_fingerprint"] or "", *place, row["hardware"] or "", row["device"] or "")
    names = (row["task"], row["dataset"] or "", *place, -(row["fraction"] or 0), row["metric"] or "")
    return (value is None, *names, tier, row.get("rank") or 0, quality, row["card"], row["strategy"] or "")


def _by(entries: Iterable[_Entry], names: Sequence[str]) -> dict[tuple[Any, ...], list[_Entry]]:
    grouped: dict[tuple[Any, ...], list[_Entry]] = defaultdict(list)
    for entry in entries:
        grouped[of(entry.key, names)].append(entry)
    return grouped


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _total(values: Iterable[Any]) -> Any:
    """The sum over all seeds; not known where one is not."""
    found = list(values)
    return None if None in found else sum(found)


def _time_ratio(scratch: list[Row], model: list[Row]) -> float | None:
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


def _first(history: list[Row], target: float) -> float | None:
    return next((p["seconds"] for p in history if p["score"] >= target), None)
