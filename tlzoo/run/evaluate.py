"""Evaluate models on a task: plan, execute in worker processes, record each run as it ends."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.adapters.chat_api.endpoint import Prospect
from tlzoo.adapters.weights import Wanted, variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import Limits
from tlzoo.data.catalogue import Source
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.files import damage, kept, writable_folder
from tlzoo.keys import key
from tlzoo.leaderboard.identity import grouped, of
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import FINAL, MEASURED, PLANNED
from tlzoo.leaderboard.store import Store
from tlzoo.locks import locked
from tlzoo.run import record
from tlzoo.run.asking import ROWS, measure_asked, prospect
from tlzoo.run.execute import DataFacts, execute, prepare
from tlzoo.run.measuring import measure_run
from tlzoo.run.plan import Plan, Run, plan, recipe_for, sources
from tlzoo.run.precision import checked
from tlzoo.run.worker import INSIDE, Worker, WorkFailedError
from tlzoo.transfer import standin
from tlzoo.vocabulary import UNTRAINED, task_facts

Say = Callable[[str], None]
DEFAULT_OUT = Path(".tlzoo")
MEASUREMENT = 6
"""Raised when what is measured changes, so that a kept measurement is made anew."""
SLACK = 1.25
"""What a run takes over its estimate at the worst: measured rates are the best of a few steps, on prepared inputs."""
MEASURING = 20.0
"""Seconds that measuring a model takes at the worst; with less left, a model that is not measured yet is skipped."""
HUNG = 10.0
"""How many times its estimate work may take, and :data:`PATIENCE` besides, before it is taken to hang."""
PATIENCE = 300.0
"""Seconds; covers what no estimate does: a process that starts, and data that it loads anew."""
RESERVED = 0.025
"""Share of the budget for what is no run: starting, tables, and an estimate that was a little low."""
MOST_FILES = 256
"""Result files that are left apart; more are merged after an evaluation."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave.

    Attributes:
        board: Ranked rows (``leaderboard.schema.BOARD``) of the runs that were asked for.
        executed: Runs that were executed now.
        resumed: Runs that an earlier evaluation had finished.
        problems: One line for each example that could not be read.
    """

    board: pa.Table
    executed: int
    resumed: int
    problems: tuple[str, ...]

    @property
    def failed(self) -> int:
        """Rows that failed: neither a result, nor skipped or unavailable as planned."""
        return sum(status not in PLANNED for status in self.board["status"].to_pylist())


def evaluate(
    task: str,
    *,
    models: Sequence[str] = (),
    strategies: Sequence[str] = (),
    weights: Wanted = "auto",
    variant: str | None = None,
    data: str | os.PathLike[str] = "auto",
    seeds: Sequence[int] = (0,),
    fractions: Sequence[float] = (1.0,),
    budget: float = 10.0,
    patience: float = PATIENCE,
    max_cost: float | None = None,
    device: str = "cpu",
    precision: str = "no",
    out: str | os.PathLike[str] = DEFAULT_OUT,
    fresh: bool = False,
    say: Say | None = None,
) -> Evaluation:
    """Fine-tune models on a small data set and measure accuracy, speed, size and what transfer gained.

    Example:
        Names are checked before anything is run.

        >>> import tlzoo
        >>> tlzoo.evaluate("audio-clasification")
        Traceback (most recent call last):
            ...
        tlzoo.errors.InputError: unknown task 'audio-clasification'; did you mean 'audio-classification'? known: ...

    Work that hangs is ended, with a row of status ``timeout``, and the rest of the plan goes on. A run, or measuring a
    model, is taken to hang after ``patience`` and 10 times what it is expected to take; preparing the data, and what
    cannot be estimated, after ``patience`` and 1.25 times what is left of the budget, which nothing else passes either.

    Args:
        task: A task, such as ``"audio-classification"``.
        models: Card ids; by default every model that can do the task.
        strategies: What is trained; by default probe, scratch, full and partial, and of models that bring their own
            head zero-shot and few-shot.
        weights: ``auto`` (the best tier that can be had), ``official``, ``stand-in`` or ``none``.
        variant: Only this variant.
        data: ``auto``, a data set's name, ``hub:ID[:CONFIG][@REVISION]`` or a folder.
        seeds: Seeds.
        fractions: Shares of the training examples, in (0, 1].
        budget: Minutes for all runs asked for, downloads and those finished earlier included; a run that is not
            expected to fit becomes a row with status ``skipped``. Waiting for another evaluation in the same folder
            costs nothing.
        patience: Seconds that work may take beyond what is planned before it is taken to hang.
        max_cost: US dollars that this evaluation may spend on models behind an API; a run that would spend more becomes
            a row with status ``skipped``, and its answers are kept. Nothing is asked whose price is not known.
        device: ``cpu`` or ``cuda``.
        precision: ``no`` or ``bf16``, which is tried in a child process first.
        out: Folder of the results.
        fresh: Run again what is finished.
        say: Takes one-line notices; standard error by default.

    Returns:
        Ranked rows, and counts.

    Raises:
        InputError: A name, a folder or a value is wrong, or this is called in the worker of an evaluation.
        UnavailableError: The data cannot be had.
    """
    if INSIDE in os.environ:
        raise InputError("evaluate() is called in the worker of an evaluation, which waits for it; call it outside")
    began = time.monotonic()
    data = os.fspath(data)
    tell = say or (lambda line: print(line, file=sys.stderr))
    task_facts(task)
    if max_cost is not None and not max_cost >= 0:
        raise InputError(f"--max-cost {max_cost}: expected US dollars, 0 or more")
    if not budget >= 0:
        raise InputError(f"--budget {budget:g}: expected minutes, 0 or more")
    found = sources(task, data, models)
    folder = writable_folder(Path(out), "--out")
    checked(precision, device)
    planned = plan(
        task,
        found,
        models=models,
        strategies=strategies,
        weights=weights,
        variant=variant,
        seeds=seeds,
        fractions=fractions,
        device=device,
        precision=precision,
    )
    for notice in (*(source.notice for source in found), *planned.notices):
        if notice:
            tell(notice)
    ready = time.monotonic()
    with locked(folder / ".lock", f"results in {folder}"):
        began += time.monotonic() - ready
        return _Driver(task, planned, folder, budget, patience, max_cost, began, fresh, tell).run()


class _Driver:
    """Executes a plan, one run at a time."""

    def __init__(
        self,
        task: str,
        planned: Plan,
        out: Path,
        budget: float,
        patience: float,
        max_cost: float | None,
        began: float,
        fresh: bool,
        tell: Say,
    ) -> None:
        self.task, self.planned, self.out, self.tell = task, planned, out, tell
        self.store = Store(out / "results")
        self.budget, self.began, self.last = budget, began, began
        self.patience = patience
        self.max_cost, self.paid = max_cost, 0.0
        self.spent = 0.0
        self.before = {} if fresh else self.store.statuses()
        self.failures: list[dict[str, Any]] = []
        self.executed = self.resumed = 0
        self.facts: dict[Source, DataFacts] = {}

    def run(self) -> Evaluation:
        """Execute everything that is not finished."""
        runs = self.planned.runs
        for absent in self.planned.absent:
            self._keep(record.absence(absent))
        with Worker() as worker:
            self._all(worker, runs)
            further = self._further(runs)
            self._all(worker, further)
        if self.store.count() > MOST_FILES:
            self.store.compact()
        results = self.store.read()
        ids = pa.array([run.id for run in (*runs, *further)], pa.string())
        mine = results.filter(pc.is_in(results["run_id"], ids))
        failures = pa.Table.from_pylist(self.failures, schema=results.schema)
        mine = mine.filter(pc.invert(pc.is_in(mine["run_id"], failures["run_id"].combine_chunks())))
        problems = tuple(problem for facts in self.facts.values() for problem in facts.problems)
        return Evaluation(board(pa.concat_tables([mine, failures])), self.executed, self.resumed, problems)

    def _all(self, worker: Worker, runs: Sequence[Run]) -> None:
        self.spent += sum(self._took(run) for run in runs)
        for run in runs:
            if run.id in self.before and self.before[run.id][0] in FINAL:
                self.resumed += 1
            else:
                self._one(worker, run)

    def _took(self, run: Run) -> float:
        """Seconds that an earlier evaluation spent on a run, be it that it only found that the run does not fit."""
        return self.before.get(run.id, ("", 0.0))[1]

    def _left(self) -> float:
        """Seconds of the budget that are left."""
        return 60 * self.budget * (1 - RESERVED) - self.spent - (time.monotonic() - self.began)

    def _deadline(self, expected: float = math.inf) -> float:
        """Seconds after which work is taken to hang."""
        return self.patience + min(HUNG * expected, SLACK * max(0.0, self._left()))

    def _lap(self) -> float:
        """Seconds since the last run was dealt with."""
        began, self.last = self.last, time.monotonic()
        return self.last - began

    def _one(self, worker: Worker, run: Run) -> None:
        try:
            if self._left() > 0:
                self._prepare(worker, run.source)
            asked = self._asked(worker, run) if run.is_asked else None
            measured = self._measured(run, asked)
            expected = self._estimate(run, measured or {}, asked)
            needed = SLACK * expected
            left = self._left()
            if measured is None or left <= 0 or needed > left:
                wanted = f"about {needed / 60:.1f} min needed, " if needed else ""
                remains = f"{max(0.0, left) / 60:.1f} min left of --budget {self.budget:g}"
                took = self._took(run) + self._lap()
                self._fail(run, "skipped", f"{wanted}{remains}", wall_seconds=took)
                return
            checkpoint = run.checkpoint
            sheet = f"{checkpoint.card}-{checkpoint.variant}-{run.strategy}-{run.seed}-{run.id[:8]}.png"
            arguments = (run, sys.stderr.isatty(), self.out / "sheets" / sheet, self._limits(asked))
            found = worker.call(execute, *arguments, seconds=self._deadline(expected or math.inf), doing="the run")
        except InputError as error:
            if run.source not in self.facts:
                raise  # the data are wrong
            self._fail(run, "error", str(error))
        except DivergedError as error:
            self._fail(run, "diverged", str(error))
        except StoppedError as error:
            self._fail(run, "skipped", str(error), wall_seconds=self._took(run) + self._lap(), **self._pay(error.facts))
        except UnavailableError as error:
            self._fail(run, "unavailable", str(error), **self._pay(error.facts))
        except WorkFailedError as error:
            if run.is_asked:
                self.paid = math.inf  # nobody knows what it spent
            self._fail(run, error.status, error.reason)
        else:
            shown = {name: measured[name] for name in MEASURED if name in measured}
            found["wall_seconds"] = self._lap()
            self.store.write(record.rows(run, self._pay(found), shown))
            self.executed += 1
            metric = record.headline(run.source)
            value = found["values"][metric]
            self.tell(f"{self._name(run)}: {metric} {value:.3f}")

    def _prepare(self, worker: Worker, source: Source) -> None:
        """Load the data once, and say what was noticed."""
        if source not in self.facts:
            facts = self.facts[source] = worker.call(
                prepare, source, seconds=self._deadline(), doing="preparing the data"
            )
            for line in facts.lines:
                self.tell(line)

    def _asked(self, worker: Worker, run: Run) -> Prospect:
        """Say what is about to be asked of a model behind an API, before anything is sent.

        Raises:
            StoppedError: It may cost money, which is limited, and how much is not known.
        """
        self._prepare(worker, run.source)
        found: Prospect = worker.call(prospect, run, seconds=self._deadline(), doing="reading what is to be asked")
        if self.max_cost is not None and found.requests and found.cost_usd is None and not found.endpoint.is_free:
            raise StoppedError(
                f"{found.endpoint.label}: --max-cost is set, but its price is not known; set TLZOO_OPENAI_PRICE"
            )
        self.tell(found.notice)
        return found

    def _limits(self, asked: Prospect | None) -> Limits | None:
        if asked is None:
            return None
        usd = math.inf if self.max_cost is None else max(0.0, self.max_cost - self.paid)
        return Limits(max(0.0, self._left()), usd, asked.requests)

    def _pay(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Book what a run spent; gives the facts that are columns."""
        self.paid += facts.get("paid_usd", 0.0)
        return {name: value for name, value in facts.items() if name != "paid_usd"}

    def _measured(self, run: Run, asked: Prospect | None) -> dict[str, Any] | None:
        """Speed and size, measured once for a variant, task and data set on this machine; not where no time is left.

        Whoever serves a model decides its speed: an endpoint is measured only where it is free, and asked anyway.
        """
        if asked is not None and not (asked.requests and asked.endpoint.is_free):
            return {}
        place = self.out / "measurements"
        parts = [
            run.checkpoint.card,
            run.checkpoint.variant,
            run.card_hash,
            run.task,
            run.source.fingerprint,
            run.device,
            run.strategy in UNTRAINED if asked is None else [run.strategy, run.checkpoint.sha256],
            record.environment(),
            MEASUREMENT,
        ]
        path = place / f"{key(*parts)[:32]}.json"
        if self._left() < MEASURING and not (path.is_file() and damage(path) is None):
            return None
        # where a stand-in is to be pretrained, its data are prepared first, for minutes
        seconds = self._deadline(HUNG * MEASURING if run.is_to_be_pretrained else MEASURING)

        def measure(target: Path) -> None:
            if asked is not None:
                self.tell(f"{asked.endpoint.label}: at most {2 * ROWS + 1} requests more, to time it")
            function = measure_run if asked is None else measure_asked
            with Worker() as fresh_process:
                measured = fresh_process.call(function, run, seconds=seconds, doing="measuring the model")
            target.write_text(json.dumps(measured), encoding="utf-8")

        place.mkdir(parents=True, exist_ok=True)
        name = f"{run.checkpoint.card}/{run.checkpoint.variant}"
        return dict(json.loads(kept(path, measure, f"the speed of {name}").read_text(encoding="utf-8")))

    def _estimate(self, run: Run, measured: dict[str, Any], asked: Prospect | None) -> float:
        """Seconds that a run is expected to take, from the measured rates of inference and of training."""
        if "throughput" not in measured:
            return 0.0  # of a model behind an API, which tells after its first few answers
        if asked is not None:
            return float(asked.requests / measured["throughput"])
        rate, sizes = measured["throughput"], measured["sizes"]
        train = max(1, round(run.fraction * sizes["train"]))
        card = catalogue.get(run.checkpoint.card)
        first, rates = 0.0, measured["training_rates"]
        if run.tier == "stand-in" and rates and run.is_to_be_pretrained:
            pretraining = standin.training(card, run.checkpoint.variant)
            pace = rates.get("pretraining") or rates["full"]  # the latter if the stand-in was there, and is gone
            first = pretraining.work() * pretraining.batch_size / pace
        if run.strategy in UNTRAINED:
            return float(first + sizes["test"] / rate)
        once = sum(sizes.values()) / rate  # a backbone's features, before its head is trained on them
        if run.strategy == "probe" and "probe" not in rates:
            return float(first + once + 5)
        how = run.recipe.for_examples(train)
        looks = how.work() / how.steps * how.looks * sizes["validation"]
        trained = how.work() * how.batch_size / rates.get(run.strategy, rates["full"])
        if run.strategy == "probe" and task_facts(self.task).is_cacheable and not card.is_native_on(self.task):
            return float(first + once + trained)
        return float(first + trained + (looks + sizes["test"]) / rate)

    def _fail(self, run: Run, status: Any, reason: str, **facts: Any) -> None:
        self._keep(record.failure(run, status, reason) | facts)
        self.tell(f"{self._name(run)}: {status}: {reason}")

    def _name(self, run: Run) -> str:
        """What tells a run from the others of this evaluation."""
        share = "" if run.fraction == 1 else f", {100 * run.fraction:.3g}% of the labels"
        seed = f", seed {run.seed}" if len({each.seed for each in self.planned.runs}) > 1 else ""
        return f"{run.checkpoint.card}/{run.checkpoint.variant} {run.strategy}{share}{seed}"

    def _keep(self, row: dict[str, Any]) -> None:
        self.store.write([row])
        self.failures.append(row)

    def _further(self, runs: list[Run]) -> list[Run]:
        """Where no strategy of a model escapes negative transfer, train all of it, and longer: does that recover?"""
        results = self.store.read()
        ranked = board(results.filter(pc.is_in(results["run_id"], pa.array([r.id for r in runs], pa.string()))))
        columns = ("card", "variant", "dataset_fingerprint", "fraction")
        verdicts = {
            cell: {row["verdict"] for row in rows if row["verdict"]}
            for rows in grouped(ranked.select([*columns, "verdict"]).to_pylist(), columns)
            for cell in [of(rows[0], columns)]
        }
        again: dict[str, Run] = {}
        for run in runs:
            cell = (run.checkpoint.card, run.checkpoint.label, run.source.fingerprint, run.fraction)
            if verdicts.get(cell) == {"negative"}:
                card = catalogue.get(run.checkpoint.card)
                variant = variant_of(card, run.checkpoint.variant)
                how = recipe_for(card, variant, self.task, "further", run.recipe.precision)
                longer = replace(run, strategy="further", recipe=how)
                again.setdefault(longer.id, longer)
        if again:
            self.tell(
                "negative transfer: training again, longer and deeper, for "
                + ", ".join({r.checkpoint.card for r in again.values()})
            )
        return list(again.values())
