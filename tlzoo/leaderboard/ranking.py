"""A board: a pure view of results, ranked with ties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tlzoo.cards.vocabulary import TASKS, TIERS
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.schema import BOARD, MEASURED, USAGE
from tlzoo.leaderboard.statistics import Estimate, estimate, gain, tied, verdict

Row = dict[str, Any]
_KEY = (
    "card",
    "variant",
    "weights",
    "task",
    "dataset",
    "dataset_fingerprint",
    "card_hash",
    "strategy",
    "fraction",
    "metric",
)


def board(results: pa.Table, *, tasks: Iterable[str] | None = None, metrics: Iterable[str] | None = None) -> pa.Table:
    """Rank results.

    Seeds of one configuration become one row. Rows are compared only within a task, data set, fraction, metric and
    tier of weights; there, models whose paired bootstrap difference includes zero share a rank.

    Args:
        results: Rows of ``schema.RESULT``.
        tasks: Only these; all by default.
        metrics: Only these; by default each task's headline metric, of each kind of input that it takes.

    Returns:
        Rows of ``schema.BOARD``, best first; rows without a value last, with status and reason.
    """
    wanted = set(metrics) if metrics is not None else None
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    failed: dict[tuple[Any, ...], Row] = {}
    for row in results.to_pylist():
        if tasks is not None and row["task"] not in tasks:
            continue
        if row["status"] != "ok":
            failed[tuple(row[k] for k in (*_KEY, "seed"))] = row
        elif row["metric"] in wanted if wanted is not None else row["metric"] in TASKS[row["task"]].headlines:
            groups[tuple(row[k] for k in _KEY)].append(row)
    entries = [_Entry(dict(zip(_KEY, key, strict=True)), rows) for key, rows in groups.items()]
    by_key = {tuple(e.key[k] for k in _KEY): e for e in entries}
    for entry in entries:
        entry.compare(by_key)
    ranked: list[Row] = []
    for peers in _by(entries, ("task", "dataset", "dataset_fingerprint", "fraction", "metric", "weights")).values():
        ranked += _rank(peers)
    done = {(e.key["card"], e.key["task"], e.key["dataset"]) for e in entries}
    for row in failed.values():
        if row["strategy"] is not None or (row["card"], row["task"], row["dataset"]) not in done:
            ranked.append(_failure(row))
    ranked.sort(key=_order)
    return pa.Table.from_pylist(ranked, schema=BOARD)


class _Entry:
    """One row of a board in the making."""

    def __init__(self, key: Row, runs: list[Row]) -> None:
        latest = {r["seed"]: r for r in sorted(runs, key=lambda r: r["created"])}
        self.key, self.runs = key, [latest[seed] for seed in sorted(latest)]
        self.metric = METRICS[key["metric"]]
        statistics = {r["seed"]: r["statistics"] for r in self.runs}
        self.ids = self.runs[0]["example_ids"]
        self.estimate = estimate(self.metric, statistics, self.runs[0]["groups"])
        self.compared: Row = {}

    def compare(self, entries: Mapping[tuple[Any, ...], _Entry]) -> None:
        """Fill in what is relative to training the same architecture from scratch."""
        if self.key["strategy"] == "scratch":
            return
        scratch = self._peer(entries, strategy="scratch", weights="none")
        if scratch is None or scratch.ids != self.ids:
            return
        improvement = gain(self.metric, self.estimate, scratch.estimate)
        low, high = improvement.interval
        self.compared = {
            "scratch_value": scratch.estimate.value,
            "gain": improvement.value,
            "gain_low": low,
            "gain_high": high,
            "verdict": verdict(improvement),
            "time_to_target": _time_ratio(scratch.runs, self.runs),
            "label_savings": self._label_savings(entries),
        }

    def _peer(self, entries: Mapping[tuple[Any, ...], _Entry], **changed: Any) -> _Entry | None:
        key = self.key | changed
        return entries.get(tuple(key[k] for k in _KEY))

    def _label_savings(self, entries: Mapping[tuple[Any, ...], _Entry]) -> float | None:
        """All labels over the fewest with which this strategy reaches what scratch reaches with all of them."""
        full = self._peer(entries, strategy="scratch", weights="none", fraction=1.0)
        if full is None or self.key["fraction"] != 1.0:
            return None
        fractions = sorted({k[_KEY.index("fraction")] for k in entries})
        curve = [e for f in fractions if (e := self._peer(entries, fraction=f))]
        if len(curve) < 2:
            return None
        reached = [e for e in curve if self.metric.sign * (e.estimate.value - full.estimate.value) >= 0]
        return 1 / float(reached[0].key["fraction"]) if reached else None

    def row(self, rank: int) -> Row:
        first, low_high = self.runs[0], self.estimate.interval
        return (
            {k: first[k] for k in ("card", "variant", "weights", "task", "dataset", "strategy", "fraction", "metric")}
            | {k: first[k] for k in (*MEASURED, "status", "reason", "n_test", "weights_sha256", "origin")}
            | {"rank": rank, "seeds": [r["seed"] for r in self.runs], "run_ids": [r["run_id"] for r in self.runs]}
            | {"value": self.estimate.value, "ci_low": low_high[0], "ci_high": low_high[1]}
            | {"train_seconds": _mean(r["train_seconds"] for r in self.runs)}
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


def _failure(row: Row) -> Row:
    same = {name: row.get(name) for name in BOARD.names if name in row}
    return same | {"value": None, "seeds": [row["seed"]], "run_ids": [row["run_id"]]}


def _order(row: Row) -> tuple[Any, ...]:
    tier = TIERS.index(row["weights"]) if row["weights"] in TIERS else len(TIERS)
    metric = METRICS.get(row["metric"] or "")
    value = row["value"]
    quality = 0.0 if value is None else -(metric.sign if metric else 1) * value
    names = (row["task"], row["dataset"] or "", -(row["fraction"] or 0), row["metric"] or "")
    return (value is None, *names, tier, row.get("rank") or 0, quality, row["card"], row["strategy"] or "")


def _by(entries: Iterable[_Entry], names: Sequence[str]) -> dict[tuple[Any, ...], list[_Entry]]:
    grouped: dict[tuple[Any, ...], list[_Entry]] = defaultdict(list)
    for entry in entries:
        grouped[tuple(entry.key[n] for n in names)].append(entry)
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
        if other is None or not run["history"] or not other["history"]:
            continue
        target = max(p["score"] for p in run["history"])
        slow, fast = _first(run["history"], target), _first(other["history"], target)
        if slow is None or fast is None or fast <= 0:
            return None
        ratios.append(slow / fast)
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else None


def _first(history: list[Row], target: float) -> float | None:
    return next((p["seconds"] for p in history if p["score"] >= target), None)
