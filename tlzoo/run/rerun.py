"""``tlzoo rerun``: run a row again from itself alone, and say whether it reproduced."""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.adapters.weights import Checkpoint, resolve, variant_of
from tlzoo.cards.schema import Card, Variant
from tlzoo.data.catalogue import Source, find
from tlzoo.data.named import DATASETS
from tlzoo.drafting import adhoc
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.schema import MEASURED
from tlzoo.leaderboard.statistics import estimate
from tlzoo.run import record
from tlzoo.run.baseline import HASH as BASELINE_HASH
from tlzoo.run.plan import Run, with_key
from tlzoo.transfer.recipe import Recipe
from tlzoo.vocabulary import BASELINE, task_facts

if TYPE_CHECKING:
    from tlzoo.run.outcome import Outcome

Row = Mapping[str, Any]
Result = Literal["equal", "inside", "outside"]
SHORT = 8
"""Digits of a hash that a person is shown."""
WORDS: Mapping[Result, str] = {
    "equal": "equal to the last digit",
    "inside": "inside the interval",
    "outside": "outside the interval",
}


@dataclass(frozen=True)
class Comparison:
    """A metric of a row, and what running it again gave.

    Attributes:
        metric: Its name.
        before: The row's value.
        after: The new value; NaN where the metric is not defined any more.
        interval: The row's 95% interval; none where its test has one independent group.
    """

    metric: str
    before: float
    after: float
    interval: tuple[float, float] | None

    @property
    def result(self) -> Result:
        """Whether it reproduced."""
        if self.after == self.before:
            return "equal"
        low, high = self.interval or (self.before, self.before)
        return "inside" if low <= self.after <= high else "outside"

    def __str__(self) -> str:
        """One line."""
        interval = "(no interval)" if self.interval is None else "[{:.4g}, {:.4g}]".format(*self.interval)
        return f"{self.metric}: {self.before:.6g} {interval} then, {self.after:.6g} now: {WORDS[self.result]}"


@dataclass(frozen=True)
class Rerun:
    """What running a row again gave.

    Attributes:
        run: The run, as its row has it.
        comparisons: Of each metric, the headline first.
        notes: What a person should know: other parameters, another machine.
        rows: The new rows, in the columns of results.
    """

    run: Run
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    rows: tuple[record.Row, ...]

    @property
    def is_reproduced(self) -> bool:
        """Whether every metric is equal, or inside its interval."""
        return all(comparison.result != "outside" for comparison in self.comparisons)

    @property
    def lines(self) -> list[str]:
        """The answer, a line a metric, and the notes."""
        results = {comparison.result for comparison in self.comparisons}
        if results == {"equal"}:
            answer = "reproduced: every metric is equal to the last digit"
        elif self.is_reproduced:
            answer = "reproduced: every metric is equal, or inside its interval"
        else:
            missed = ", ".join(each.metric for each in self.comparisons if each.result == "outside")
            answer = f"not reproduced: outside the interval: {missed}"
        return [answer, *map(str, self.comparisons), *self.notes]


def rerun(rows: Sequence[Row], data: str | None = None, device: str = "cpu", progress: bool = True) -> Rerun:
    """Run a row again: its model, data, strategy, seed, share of the labels, and its recipe as it is written there.

    Args:
        rows: The rows of one run, one a metric, in the columns of results (see :func:`rows_of`).
        data: Where a person's own data are; by default a path in the current folder that has their name.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``.
        progress: Whether to show progress bars.

    Raises:
        InputError: The card, the weights or the data are not what the row was made with, or it cannot be run again.
        UnavailableError: Weights or data are not available.
        DivergedError: It ends in values that are not finite now.
    """
    from tlzoo.measure.measurement import Measurement
    from tlzoo.run.baseline import execute_baseline
    from tlzoo.run.execute import execute

    first = rows[0]
    run = run_of(first, data, device)
    began = time.perf_counter()
    outcome = execute_baseline(run) if run.is_baseline else execute(run, progress)
    comparisons = tuple(_compared(row, outcome) for row in rows)
    measurement = Measurement()
    if all(first[name] == value for name, value in _machine(outcome).items()):
        measurement = Measurement(**{name: first[name] for name in MEASURED})
    made = tuple(record.rows(run, outcome, measurement, time.perf_counter() - began))
    return Rerun(run, comparisons, tuple(_notes(first, run, outcome)), made)


def rows_of(run_id: str, results: pa.Table) -> list[dict[str, Any]]:
    """The rows of the run whose id begins so, the headline metric first; the local run where both have it.

    Args:
        run_id: An id, or enough of its first digits.
        results: Rows of ``tlzoo.leaderboard.schema.RESULT``, the local ones first.

    Raises:
        InputError: There is no such run, there are several, or it has no result.
    """
    known = list(dict.fromkeys(results["run_id"].to_pylist()))
    ids = [each for each in known if each.startswith(run_id)] if run_id else []
    if not ids:
        raise InputError(f"RUN_ID {run_id!r}: no such run{_closest(run_id, known)}")
    if len(ids) > 1:
        some = ", ".join(each[: len(run_id) + 4] for each in ids[:3])
        raise InputError(f"RUN_ID {run_id!r}: {len(ids)} runs begin so ({some}...); give more digits")
    rows = results.filter(pc.equal(results["run_id"], ids[0])).to_pylist()
    rows = [row for row in rows if row["origin"] == rows[0]["origin"]]
    if rows[0]["runtime"] is not None:
        raise InputError(
            f"run {ids[0]} is of a model that was exported to {rows[0]['runtime']}, and is made again with: "
            f"tlzoo eval --task {rows[0]['task']} --model {rows[0]['card']} --runtime {rows[0]['runtime']}"
        )
    if rows[0]["status"] != "ok":
        raise InputError(
            f"run {ids[0]} has no result to compare with ({rows[0]['status']}: {rows[0]['reason']}); "
            f"run it with: tlzoo eval --task {rows[0]['task']} --model {rows[0]['card']}"
        )
    return rows


def _closest(run_id: str, known: Sequence[str]) -> str:
    if not known:
        return "; there are no results yet; make some with: tlzoo eval --task TASK"
    close = difflib.get_close_matches(run_id, [each[: len(run_id)] for each in known], n=1, cutoff=0)
    full = next((each for each in known if close and each.startswith(close[0])), known[0])
    return f"; the closest is {full}; ids stand in column run_ids of: tlzoo leaderboard --format json"


def run_of(row: Row, data: str | None = None, device: str = "cpu") -> Run:
    """The run that a row is of, with what is here now.

    Args:
        row: A row of results.
        data: Where a person's own data are.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``.

    Raises:
        InputError: The card, the weights or the data are others than the row's, or the model is behind an API.
        UnavailableError: Weights or data are not available.
    """
    name = f"run {row['run_id'][:SHORT]}"
    if row["weights"] == BASELINE:
        checkpoint = Checkpoint(BASELINE, row["variant"], BASELINE)
        if row["card_hash"] != BASELINE_HASH:
            raise InputError(f"{name}: its {row['strategy']} baseline is another one now; use {_version(row)}")
    else:
        checkpoint = _checkpoint(row, *_model(row, name), name)
    source = _source(row, data, name)
    recipe = _recipe(row, name)
    cell = row["strategy"], row["seed"], row["fraction"]
    return Run(checkpoint, row["task"], source, *cell, recipe, row["card_hash"], device, row["fold"], row["folds"])


def _model(row: Row, name: str) -> tuple[Card, Variant]:
    card = adhoc.find_again(row["card"], row["variant"])
    if row["served"] is not None or row["requests"] is not None:
        raise InputError(f"{name}: {card.id} is behind an API, which may answer otherwise; ask again with: tlzoo eval")
    variant = variant_of(card, row["variant"])
    now = card.variant_hash(variant)
    if now != row["card_hash"]:
        raise InputError(
            f"{name}: {card.id} {variant.id} is another network now (card hash {str(row['card_hash'])[:SHORT]} then, "
            f"{now[:SHORT]} now); use the version that made it: {_version(row)}"
        )
    return card, variant


def _checkpoint(row: Row, card: Card, variant: Variant, name: str) -> Checkpoint:
    """The weights of a row; a scratch run has none."""
    given = row["weights_sha256"]
    checkpoint = resolve(card, row["weights"], variant.id, row["strategy"])
    if row["weights"] == "stand-in" and given != checkpoint.sha256:  # of one that was pretrained where the row is from
        checkpoint = resolve(card, row["weights"], variant.id, row["strategy"], pretrain=True)
    checkpoint = with_key(card, checkpoint)
    if row["weights"] == "official" and given != (checkpoint.sha256 or None):
        raise InputError(
            f"{name}: the official weights of {card.id} {variant.id} are another file now (sha256 {str(given)[:SHORT]} "
            f"then, {checkpoint.sha256[:SHORT]} now)"
        )
    return checkpoint


def _source(row: Row, data: str | None, name: str) -> Source:
    """The data of a row, found by their name, or of a person's own where they are said to be."""
    is_own, dataset = row["dataset_source"] == "folder", str(row["dataset"])
    kind = DATASETS[dataset].kind if dataset in DATASETS else None
    if kind is None:
        kinds = task_facts(row["task"]).inputs
        kind = next((each for each in kinds if dataset.endswith(f"-{each}")), None)
        dataset = dataset.removesuffix(f"-{kind}")
    if is_own and data is None and not Path(dataset).exists():
        raise InputError(
            f"{name}: is on a person's own data, {dataset!r}, which a row knows by name and content alone, and there "
            f"are none of that name here; say where they are with --data PATH"
        )
    wanted = data or (f".{os.sep}{dataset}" if is_own else dataset)
    source = find(row["task"], wanted, kind=kind)
    if source.fingerprint != row["dataset_fingerprint"]:
        remedy = "give those with --data PATH" if is_own else f"use {_version(row)}"
        raise InputError(
            f"{name}: {wanted} holds other data now (fingerprint {str(row['dataset_fingerprint'])[:SHORT]} then, "
            f"{source.fingerprint[:SHORT]} now); {remedy}"
        )
    return source


def _recipe(row: Row, name: str) -> Recipe:
    """The recipe that a row holds; a setting that it lacks has its default, which changes nothing."""
    settings = json.loads(row["recipe"])
    unknown = sorted(set(settings) - {field.name for field in fields(Recipe)})
    if unknown:
        raise InputError(f"{name}: its recipe has {', '.join(unknown)}, which this version lacks; use {_version(row)}")
    return Recipe(**settings | {"learning_rates": tuple(settings["learning_rates"])})


def _version(row: Row) -> str:
    commit = f", commit {row['git_commit'][:SHORT]}" if row["git_commit"] else ""
    return f"tlzoo {row['tlzoo_version']}{commit}"


def _compared(row: Row, outcome: Outcome) -> Comparison:
    metric = row["metric"]
    interval = estimate(METRICS[metric], {row["seed"]: row["statistics"]}, row["groups"]).interval()
    return Comparison(metric, row["value"], outcome.values.get(metric, float("nan")), interval)


def _machine(outcome: Outcome) -> dict[str, object]:
    """Columns that say what a row was computed on, with their values here."""
    hardware = record.environment()["hardware"]
    return {"hardware": hardware, "device": outcome.device, "threads": outcome.threads}


def _notes(row: Row, run: Run, outcome: Outcome) -> list[str]:
    """What is the same, and what is not, besides the metrics."""
    weights = row["weights_sha256"]
    if run.tier == "stand-in" and not run.checkpoint.files and weights == run.checkpoint.sha256:
        weights = None  # rows of earlier versions have the key of the recipe there
    notes = [
        *_same("starting weights", weights, outcome.weights_sha256),
        *_same("trained parameters", row["trained_sha256"], outcome.trained_sha256),
    ]
    machine, environment = _machine(outcome), record.environment()
    notes += [f"{name}: {row[name]} then, {now} now" for name, now in machine.items() if row[name] != now]
    for name in ("tlzoo_version", "git_commit"):
        if row[name] != environment[name]:
            notes.append(f"{name}: {row[name]} then, {environment[name]} now")
    if row["libraries"] != environment["libraries"]:
        notes.append(_libraries(row["libraries"], str(environment["libraries"])))
    return notes


def _same(what: str, then: str | None, now: str | None) -> list[str]:
    """Whether two hashes are the same, in a line; nothing where there is none now."""
    if now is None:
        return []
    if then is None:
        return [f"{what}: the row does not say which (sha256 {now[:SHORT]} now)"]
    if then == now:
        return [f"{what}: the same (sha256 {now[:SHORT]})"]
    return [f"{what}: others (sha256 {then[:SHORT]} then, {now[:SHORT]} now)"]


def _libraries(then: str | None, now: str | None) -> str:
    before, after = json.loads(then or "{}"), json.loads(now or "{}")
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return "libraries: " + ", ".join(f"{name} {before.get(name)} then, {after.get(name)} now" for name in changed)
