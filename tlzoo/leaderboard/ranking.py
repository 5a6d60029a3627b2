"""A board: a pure view of results, ranked as far as the evidence goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite

import numpy as np
import pyarrow as pa

from tlzoo.leaderboard import identity
from tlzoo.leaderboard.identity import Key, grouped, of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.ranks import places
from tlzoo.leaderboard.row import BoardRow, ResultRow, ScoredRow
from tlzoo.leaderboard.runs import Scores, joined, scores, short
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.speed_up import History, Saving, label_savings, time_to_target
from tlzoo.leaderboard.statistics import NOT_FINITE, UNTRAINED, Estimate, Gain, SeedVariance, estimate, gain, pooled
from tlzoo.vocabulary import BASELINE, TASKS, TIERS, TRAINED

_MODEL = ("card", "variant", "weights", "weights_sha256", "card_hash", "runtime", *identity.BOARD)
"""Columns of a model, with whatever it is trained by."""
_ARCHITECTURE = ("card", "variant", "card_hash", *identity.BOARD)
"""Columns that a row shares with the same architecture, trained from scratch."""
_SCRATCHES = tuple(name for name in _ARCHITECTURE if name != "fraction")
"""Columns that one architecture shares, trained from scratch on whatever share of the labels."""
_KEY = (*_MODEL, "strategy", "recipe", "folds", "tlzoo_version")
"""Columns that runs share which differ only in their seed and fold: they become one row."""
_CURVE = tuple(name for name in _KEY if name != "fraction")
_CELL = (
    *("card", "variant", "weights", "task", *identity.DATA),
    *("strategy", "runtime", "fraction", "origin", "hardware"),
)
"""Columns of runs that a budget was too short for: any of them that was run stands for all."""
RUN = (*_CELL, "seed", "fold")
"""Columns of a run that may be repeated after a failure, with another recipe or a corrected card."""


def board(results: pa.Table, *, tasks: Iterable[str] | None = None, metrics: Iterable[str] | None = None) -> pa.Table:
    """Rank results.

    Seeds of one configuration become one row. Rows are compared only within a task, data set, machine, fraction and
    metric; a place says how many are better for certain. A number that is not finite is a failure; a failure is left
    out once the same was run with success.

    Args:
        results: Rows of ``schema.RESULT``.
        tasks: Only these; all by default.
        metrics: Only these; by default each task's headline metric, of each kind of input that it takes.

    Returns:
        Rows of ``schema.BOARD``, best first, the local ones before the reference's; rows without a value last, with
        status and reason.
    """
    rows = short(results)
    succeeded, failed = divided(rows, tasks, metrics)
    ranked: list[BoardRow] = []
    for view in grouped([rows[i] | {"place": i} for i in succeeded], identity.VIEW):
        ranked += ranked_view(results.take([row["place"] for row in view]))
    ranked += standing([rows[i] for i in failed], [rows[i] for i in succeeded])
    return table(ranked)


def divided(
    rows: Sequence[ResultRow], tasks: Iterable[str] | None = None, metrics: Iterable[str] | None = None
) -> tuple[list[int], list[int]]:
    """Places of the rows that have a result of a wanted metric, and of those that have none.

    Args:
        rows: Results without their long columns.
        tasks: Only these; all by default.
        metrics: Only these; by default each task's headlines.
    """
    only, wanted = (None if names is None else set(names) for names in (tasks, metrics))
    succeeded, failed = [], []
    for place, row in enumerate(rows):
        if only is not None and row["task"] not in only:
            continue
        if row["status"] != "ok":
            failed.append(place)
        elif row["metric"] in (TASKS[row["task"]].headlines if wanted is None else wanted):
            succeeded.append(place)
    return succeeded, failed


def table(rows: Iterable[BoardRow]) -> pa.Table:
    """Rows of ``schema.BOARD`` in the order of a board."""
    return pa.Table.from_pylist([row.to_json() for row in sorted(rows, key=order)], schema=BOARD)


def ranked_view(results: pa.Table) -> list[BoardRow]:
    """Rank the results of one :data:`tlzoo.leaderboard.identity.VIEW`; all have status ``ok``.

    Raises:
        ValueError: Long columns do not fit together.
    """
    runs, failed = [], []
    for row, given in zip(short(results), scores(results), strict=True):
        whole = row["value"] is not None and isfinite(row["value"]) and given.is_finite
        if whole:
            runs.append(_Run(row, given))
        else:
            failed.append(_not_finite(row))
    entries = []
    for alike in _by_key(runs):
        for entry in _entries(alike):
            if entry.estimate.is_finite:
                entries.append(entry)
            else:
                failed += [_not_finite(run.row) for run in entry.runs]
    rows: list[BoardRow] = list(_Board(entries).rows())
    return rows + standing(failed, [run.row for entry in entries for run in entry.runs])


class _Run:
    """One result."""

    def __init__(self, row: ResultRow, given: Scores) -> None:
        self.row, self.scores = row, given


def _by_key(runs: Iterable[_Run]) -> list[list[_Run]]:
    """Runs that become one row."""
    groups: dict[Key, list[_Run]] = defaultdict(list)
    for run in runs:
        same = () if run.row["folds"] else (run.scores.ids, run.scores.groups)
        groups[*of(run.row, _KEY), *same].append(run)
    return list(groups.values())


def _entries(runs: Sequence[_Run]) -> list[_Entry]:
    """The row of a board that some runs become; several where folds are missing, or hold other examples."""
    latest = {(r.row["seed"], r.row["fold"]): r for r in sorted(runs, key=lambda r: r.row["created"])}
    folds = runs[0].row["folds"]
    if not folds:
        return [_Entry({seed: ([run], run.scores) for (seed, _), run in sorted(latest.items())})]
    seeds: dict[int, list[_Run]] = defaultdict(list)
    for (seed, _), run in sorted(latest.items()):
        seeds[seed].append(run)
    whole = {seed: (mine, joined([r.scores for r in mine])) for seed, mine in seeds.items() if len(mine) == folds}
    alike: dict[tuple[str, ...], dict[int, tuple[list[_Run], Scores]]] = defaultdict(dict)
    for seed, (mine, given) in whole.items():
        alike[given.ids][seed] = mine, given
    return [_Entry(each) for each in alike.values()]


class _Entry:
    """One row of a board in the making."""

    def __init__(self, by_seed: Mapping[int, tuple[list[_Run], Scores]]) -> None:
        self.runs = [run for seed in sorted(by_seed) for run in by_seed[seed][0]]
        self.first = self.runs[0].row
        self.metric = METRICS[self.first["metric"]]
        given = next(iter(by_seed.values()))[1]
        self.ids, self.seeds = given.ids, sorted(by_seed)
        self.n_test = len(given.ids)
        folds = {seed: each.folds for seed, (_, each) in by_seed.items() if each.folds is not None}
        self.estimate = estimate(
            self.metric,
            {seed: each.statistics for seed, (_, each) in by_seed.items()},
            given.groups,
            folds or None,
        )
        self.compared: dict[str, object] = {}

    @property
    def strategy(self) -> str:
        """The strategy."""
        return self.first["strategy"] or ""

    @property
    def is_scratch(self) -> bool:
        """Whether others are compared with it: it was trained from scratch."""
        return self.strategy == "scratch" and self.first["weights"] == "none"

    @property
    def kind(self) -> str:
        """What the variance between training runs is pooled over: heads on frozen features vary less than networks."""
        if self.strategy not in TRAINED:
            return ""
        return "probe" if self.strategy == "probe" else "network"

    def created(self) -> datetime:
        """When the last of its runs ended."""
        return max(run.row["created"] for run in self.runs)

    def histories(self, threads: int | None = None) -> dict[int, History]:
        """Training of each seed; only with so many threads, where they are given."""
        return {
            run.row["seed"]: History(run.row["history"] or (), run.row["trivial_score"])
            for run in self.runs
            if not run.row["fold"] and threads in (None, run.row["threads"])
        }

    @property
    def validation(self) -> float | None:
        """Mean over runs of the validation score, the best one of training; absent where one is not known."""
        known = [
            max(point["score"] for point in run.row["history"]) if run.row["history"] else run.row["validation_score"]
            for run in self.runs
        ]
        return None if None in known else _mean(known)

    @property
    def cost(self) -> float | None:
        """Seconds of training and of the search of learning rates, mean over runs."""
        return _mean(
            None if run.row["train_seconds"] is None else run.row["train_seconds"] + (run.row["search_seconds"] or 0.0)
            for run in self.runs
        )


class _Board:
    """The entries of one view, compared with each other."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self.entries = entries
        kinds: dict[tuple[object, str], list[Estimate]] = defaultdict(list)
        for entry in entries:
            kinds[entry.first["fraction"], entry.kind].append(entry.estimate)
        self.between = {kind: pooled(estimates) for kind, estimates in kinds.items()}
        self.scratches = {of(e.first, _ARCHITECTURE): e for e in sorted(entries, key=_Entry.created) if e.is_scratch}
        self.baselines = {
            (*of(e.first, identity.BOARD), e.strategy): e for e in entries if e.first["weights"] == BASELINE
        }
        self.gains: dict[int, Gain] = {}

    def rows(self) -> list[ScoredRow]:
        """The rows of the board."""
        curves = _by(self.entries, _CURVE)
        for entry in self.entries:
            self._compare(entry, curves[of(entry.first, _CURVE)])
        for model in _by(self.entries, _MODEL).values():
            _choose(model)
        rows = []
        for peers in _by(self.entries, identity.BOARD).values():
            ranks = self._places(peers)
            tiers = {
                id(entry): place
                for tier in _by(peers, ("weights",)).values()
                for entry, place in zip(tier, self._places(tier), strict=True)
            }
            rows += [self._row(e, place, tiers[id(e)][0]) for e, place in zip(peers, ranks, strict=True)]
        return rows

    def _seeds(self, entry: _Entry) -> SeedVariance | None:
        """Variance between training runs of an entry; None where it is not known."""
        return self.between[entry.first["fraction"], entry.kind] if entry.kind else UNTRAINED

    def _places(self, entries: Sequence[_Entry]) -> list[tuple[int, int]]:
        return places([e.estimate for e in entries], [self._seeds(e) for e in entries])

    def _gain(self, entry: _Entry, other: _Entry | None) -> Gain | None:
        """Paired improvement over another entry on the same examples, if there is one."""
        if other is None or other is entry or other.ids != entry.ids:
            return None
        return gain(entry.estimate, other.estimate, self._seeds(entry), self._seeds(other))

    def _has_learnt(self, scratch: _Entry) -> bool:
        """Whether scratch is better than the trivial baseline for certain, or nothing says that it is not."""
        trivial = self.baselines.get((*of(scratch.first, identity.BOARD), "trivial"))
        improvement = self._gain(scratch, trivial)
        return improvement is None or improvement.interval is None or improvement.interval[0] > 0

    def _can_learn(self, scratch: _Entry) -> bool:
        """Whether the architecture has learnt the task from scratch, with these labels or with more."""
        mine, architecture = scratch.first["fraction"] or 0.0, of(scratch.first, _SCRATCHES)
        return any(
            self._has_learnt(entry)
            for entry in self.scratches.values()
            if of(entry.first, _SCRATCHES) == architecture and (entry.first["fraction"] or 0.0) >= mine
        )

    def _compare(self, entry: _Entry, curve: Sequence[_Entry]) -> None:
        """Fill in the columns that are relative to other rows.

        Args:
            entry: The row.
            curve: This configuration with every share of the labels.
        """
        board = of(entry.first, identity.BOARD)
        if over_classical := self._gain(entry, self.baselines.get((*board, "classical"))):
            low, _ = over_classical.interval or (0.0, 0.0)
            entry.compared["beats_classical"] = low > 0
        if entry.strategy == "scratch" or entry.first["weights"] == BASELINE:
            return
        scratch = self.scratches.get(of(entry.first, _ARCHITECTURE))
        improvement = self._gain(entry, scratch)
        if scratch is None or improvement is None:
            return
        ends = improvement.interval or (None, None)
        entry.compared |= {
            "scratch_value": scratch.estimate.value,
            "gain": improvement.value,
            "gain_low": ends[0],
            "gain_high": ends[1],
            "verdict": _verdict(entry, improvement, self._can_learn(scratch)),
        }
        if entry.cost and scratch.cost:
            entry.compared["cost_ratio"] = scratch.cost / entry.cost
        if not self._has_learnt(scratch):
            return
        threads = entry.first["threads"]
        if sooner := time_to_target(scratch.histories(threads), entry.histories(threads), "seconds"):
            entry.compared |= _columns("time_to_target", sooner) | {"target_reached": sooner.reached}
        if steps := time_to_target(scratch.histories(), entry.histories(), "step"):
            entry.compared |= {"steps_to_target": steps.ratio, "target_reached": steps.reached}
        if entry.first["fraction"] == 1.0:
            points = {e.first["fraction"] or 0.0: e.estimate for e in curve if e.ids == entry.ids}
            saved = label_savings(scratch.estimate, points, self._seeds(scratch), self._seeds(entry))
            if saved:
                entry.compared |= _columns("label_savings", saved) | {"labels_reached": saved.reached}

    def _row(self, entry: _Entry, place: tuple[int, int], tier_rank: int) -> ScoredRow:
        """The row of a board that an entry becomes."""
        seeds, rows = self._seeds(entry), [run.row for run in entry.runs]
        low, high = entry.estimate.interval(seeds) or (None, None)
        trained_on = _mean(row["n_train"] for row in rows)
        timed = [row["train_seconds"] for row in rows if row["threads"] == entry.first["threads"]]
        columns = _shared(entry.first) | {
            "rank": place[0],
            "rank_worst": place[1],
            "tier_rank": tier_rank,
            "seeds": entry.seeds,
            "run_ids": [row["run_id"] for row in rows],
            "n_train": None if trained_on is None else round(trained_on),
            "n_test": entry.n_test,
            "value": entry.estimate.value,
            "validation": entry.validation,
            "ci_low": low,
            "ci_high": high,
            "groups": entry.estimate.sample.units,
            "seed_sd": None if seeds is None else seeds.sd,
            "train_seconds": _mean(timed),
            "requests": _total(row["requests"] for row in rows),
            "cached": _total(row["cached"] for row in rows),
            "prompt_tokens": _total(row["prompt_tokens"] for row in rows),
            "completion_tokens": _total(row["completion_tokens"] for row in rows),
            "cost_usd": _total(row["cost_usd"] for row in rows),
        }
        return ScoredRow(**columns | entry.compared)  # type: ignore[arg-type]


def _verdict(entry: _Entry, improvement: Gain, scratch_can_learn: bool) -> str | None:
    """What is said of transfer; see ``schema.VERDICTS``."""
    plain = improvement.verdict
    if plain is None:
        return None
    if not scratch_can_learn:
        return "scratch did not learn"
    return "frozen features below scratch" if plain == "negative" and entry.strategy == "probe" else plain


def _choose(entries: Sequence[_Entry]) -> None:
    """Mark the strategy that validation chose for a model, and what became of negative transfer."""
    trained = [e for e in entries if e.kind and not e.is_scratch and e.strategy != "further"]
    scored = {id(entry): entry.validation for entry in trained}
    known = [entry for entry in trained if scored[id(entry)] is not None]
    if not known:
        return
    best = max(known, key=lambda entry: (scored[id(entry)], entry.created()))
    for entry in trained:
        entry.compared["chosen"] = entry is best
    if best.compared.get("verdict") != "negative":
        return
    further = [entry for entry in entries if entry.strategy == "further"]
    recovered = any(e.compared.get("verdict") in ("positive", "neutral") for e in further)
    best.compared["remedy"] = "recovered" if recovered else "not recovered" if further else "not run"


def _columns(name: str, saving: Saving) -> dict[str, object]:
    return {name: saving.ratio, f"{name}_low": saving.low, f"{name}_high": saving.high}


def _not_finite(row: ResultRow) -> ResultRow:
    return row | {"status": "diverged", "reason": f"{METRICS[row['metric']].label}: {NOT_FINITE}"}


def _failure(row: ResultRow) -> BoardRow:
    columns = _shared(row) | {"value": None, "seeds": [row["seed"]], "run_ids": [row["run_id"]]}
    return BoardRow(**columns)  # type: ignore[arg-type]


def _shared(row: Mapping[str, object]) -> dict[str, object]:
    """Columns that a board has from a result."""
    return {name: row[name] for name in BOARD.names if name in row}


def standing(failed: Iterable[ResultRow], succeeded: Iterable[ResultRow]) -> list[BoardRow]:
    """Failures that no later success has repaired: the last one of each run."""
    last = {(_what(row), of(row, _what(row))): row for row in sorted(failed, key=lambda row: row["created"])}
    same = ("card", "task", "dataset", "origin")
    successes = {of(rows[0], same): rows for rows in grouped(succeeded, same)}
    left = [row for row in last.values() if not any(_repairs(s, row) for s in successes.get(of(row, same), ()))]
    return [_failure(row) for row in left]


def _what(failure: ResultRow) -> tuple[str, ...]:
    """Columns of what failed: a run, or all seeds and folds of it that did not fit the budget."""
    return _CELL if failure["status"] == "skipped" else RUN


def _repairs(row: ResultRow, failure: ResultRow) -> bool:
    """Whether a row is the success that a failure lacked; for a model that could not be planned, any on the same data.

    The row of such a model has neither seed, fraction nor hardware.
    """
    if failure["strategy"] is None:
        return failure["dataset_fingerprint"] in (None, row["dataset_fingerprint"])
    what = _what(failure)
    same = all(lost in (None, given) for lost, given in zip(of(failure, what), of(row, what), strict=True))
    return same and (failure["status"] == "skipped" or row["created"] >= failure["created"])


_Texts = tuple[str, ...]


def order(row: BoardRow) -> tuple[bool, _Texts, bool, _Texts, str, float, float, int, _Texts]:
    """Sort key: rows with a value first; the local ones before the reference's; then by score."""
    tier = TIERS.index(row.weights) if row.weights in TIERS else len(TIERS)
    fingerprint, hardware, device = row.dataset_fingerprint or "", row.hardware or "", row.device or ""
    return (
        not row.is_scored,
        (row.task, row.dataset or "", fingerprint if row.is_scored else ""),
        row.origin != "local",
        (row.origin or "", *((hardware, device) if row.is_scored else ())),
        row.metric or "",
        -(row.fraction or 0),
        -row.score if isinstance(row, ScoredRow) else 0.0,
        tier,
        (row.card, row.strategy or "", row.runtime or ""),
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
