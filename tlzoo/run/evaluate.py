"""Evaluate models on a task: plan, execute in worker processes, record each run as it ends."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.adapters.chat_api.endpoint import RequestEstimate
from tlzoo.adapters.weights import Wanted
from tlzoo.core.model import Limits
from tlzoo.data.catalogue import Source
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.files import writable_folder
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import FINAL, PLANNED, Status
from tlzoo.leaderboard.store import Store
from tlzoo.locks import locked
from tlzoo.run import record
from tlzoo.run.api_model import ROWS, estimate_requests, measure_endpoint
from tlzoo.run.budget import HANG_FACTOR, Budget
from tlzoo.run.estimate import Estimate
from tlzoo.run.execute import DataFacts, execute_apart, prepare
from tlzoo.run.measurement import Measured, MeasurementCache, measure_run
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Plan, Run, plan, sources
from tlzoo.run.precision import checked
from tlzoo.run.remedy import further_runs
from tlzoo.run.request import DEFAULT_OUT, PATIENCE_SECONDS, EvaluationRequest
from tlzoo.run.spending import Spending
from tlzoo.run.worker import INSIDE, Worker, WorkFailedError

if TYPE_CHECKING:
    from tlzoo.run.outcome import Usage

Notify = Callable[[str], None]
MEASURING_SECONDS = 20.0
"""What measuring a model takes at the worst; with less left, a model that is not measured yet is skipped."""
MAX_FILES = 256
"""Result files that are left apart; more are merged after an evaluation."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave.

    Attributes:
        board: Ranked rows (``leaderboard.schema.BOARD``) of all requested runs.
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
    patience: float = PATIENCE_SECONDS,
    max_cost: float | None = None,
    device: str = "cpu",
    precision: str = "no",
    out: str | os.PathLike[str] = DEFAULT_OUT,
    fresh: bool = False,
    say: Notify | None = None,
) -> Evaluation:
    """Fine-tune models on a small data set and measure accuracy, speed, size and what transfer gained.

    Work that hangs is ended, with a row of status ``timeout``, and the rest of the plan goes on. A run, or measuring a
    model, is taken to hang after ``patience`` and 10 times what it is expected to take; preparing the data, and what
    cannot be estimated, after ``patience`` and 1.25 times what is left of the budget, which nothing else passes either.

    Args:
        task: A task, such as ``"audio-classification"``.
        models: Card ids; by default every model that can do the task.
        strategies: What is trained; by default probe, scratch, full and partial, and of models that bring their own
            head zero-shot and few-shot.
        weights: ``auto`` (the best tier that is available), ``official``, ``stand-in`` or ``none``.
        variant: Only this variant.
        data: ``auto``, a data set's name, ``hub:ID[:CONFIG][@REVISION]`` or a folder.
        seeds: Seeds.
        fractions: Shares of the training examples, in (0, 1].
        budget: Minutes for all runs asked for, downloads and those finished earlier included; a run that is not
            expected to fit becomes a row with status ``skipped``. Waiting for another evaluation in the same folder
            costs nothing.
        patience: Seconds that work may take beyond what is planned before it is taken to hang.
        max_cost: Maximum spend in US dollars on models behind an API; a run that would exceed it becomes a row with
            status ``skipped``, and its answers are kept. Nothing is sent whose price is not known.
        device: ``cpu`` or ``cuda``.
        precision: ``no`` or ``bf16``, which is tried in a child process first.
        out: Folder of the results.
        fresh: Run again what is finished.
        say: Takes one-line notices; standard error by default.

    Returns:
        Ranked rows, and counts.

    Raises:
        InputError: A name, a folder or a value is wrong, or this is called in the worker of an evaluation.
        UnavailableError: The data are not available.
    """
    return run_evaluation(
        EvaluationRequest(
            task=task,
            models=tuple(models),
            strategies=tuple(strategies),
            weights=weights,
            variant=variant,
            data=os.fspath(data),
            seeds=tuple(seeds),
            fractions=tuple(fractions),
            device=device,
            precision=precision,
            budget=budget,
            patience=patience,
            max_cost=max_cost,
            out=Path(out),
            fresh=fresh,
        ),
        say or (lambda line: print(line, file=sys.stderr)),
    )


def run_evaluation(request: EvaluationRequest, notify: Notify) -> Evaluation:
    """Plan an evaluation, execute what is not finished, and rank all of it; see :func:`evaluate`.

    Args:
        request: The options.
        notify: Takes one-line notices.
    """
    if INSIDE in os.environ:
        raise InputError("evaluate() is called in the worker of an evaluation, which waits for it; call it outside")
    budget = Budget(request.budget, request.patience)
    data = sources(request)
    folder = writable_folder(request.out, "--out")
    checked(request.precision, request.device)
    planned = plan(request, data)
    for notice in (*(source.notice for source in data), *planned.notices):
        if notice:
            notify(notice)
    with contextlib.ExitStack() as stack:
        with budget.paused():
            stack.enter_context(locked(folder / ".lock", f"results in {folder}"))
        return _Driver(request, planned, folder, budget, notify).run()


class _Driver:
    """Executes a plan, one run after the other, and records each as it ends."""

    def __init__(self, request: EvaluationRequest, planned: Plan, folder: Path, budget: Budget, notify: Notify) -> None:
        self.planned, self.folder, self.budget, self.notify = planned, folder, budget, notify
        self.spending = Spending(request.max_cost)
        self.store = Store(folder / "results")
        self.measurements = MeasurementCache(folder / "measurements")
        self.earlier = {} if request.fresh else self.store.statuses()
        self.facts: dict[Source, DataFacts] = {}
        self.failures: list[record.Row] = []
        self.executed = self.resumed = 0

    def run(self) -> Evaluation:
        """Execute everything that is not finished."""
        runs = self.planned.runs
        for absent in self.planned.absent:
            self._record_failure(record.absence(absent))
        with Worker() as worker:
            self._run_all(worker, runs)
            further = further_runs(runs, self.store.read())
            if further:
                cards = ", ".join(dict.fromkeys(run.checkpoint.card for run in further))
                self.notify(f"negative transfer: training again, longer and deeper, for {cards}")
            self._run_all(worker, further)
        if self.store.count() > MAX_FILES:
            self.store.compact()
        results = self.store.read()
        ids = pa.array([run.id for run in (*runs, *further)], pa.string())
        finished = results.filter(pc.is_in(results["run_id"], ids))
        failures = pa.Table.from_pylist(self.failures, schema=results.schema)
        finished = finished.filter(pc.invert(pc.is_in(finished["run_id"], failures["run_id"].combine_chunks())))
        problems = tuple(problem for facts in self.facts.values() for problem in facts.problems)
        return Evaluation(board(pa.concat_tables([finished, failures])), self.executed, self.resumed, problems)

    def _run_all(self, worker: Worker, runs: Sequence[Run]) -> None:
        self.budget.charge(sum(self._earlier_seconds(run) for run in runs))
        for run in runs:
            if self.earlier.get(run.id, ("", 0.0))[0] in FINAL:
                self.resumed += 1
            else:
                self._run_one(worker, run)

    def _earlier_seconds(self, run: Run) -> float:
        """Seconds spent on a run by an earlier evaluation, including deciding that it would not fit."""
        return self.earlier.get(run.id, ("", 0.0))[1]

    def _run_one(self, worker: Worker, run: Run) -> None:
        """Execute a run if it fits the budget; what ends it becomes its row."""
        try:
            if self.budget.left > 0:
                self._prepare(worker, run.source)
            requests = self._estimate_requests(worker, run) if run.is_api_model else None
            measured = self._measure(run, requests)
            expected = Estimate.of(run, measured or Measured(), requests).seconds
            if measured is None or not self.budget.fits(expected):
                self._skip(run, self.budget.shortage(expected))
                return
            arguments = (run, sys.stderr.isatty(), self._sheet(run), self._limits(requests))
            deadline = self.budget.deadline(expected or math.inf)
            outcome: Outcome = worker.call(execute_apart, *arguments, seconds=deadline, doing="the run")
        except InputError as error:
            if run.source not in self.facts:
                raise  # the data are wrong
            self._fail(run, "error", str(error))
        except DivergedError as error:
            self._fail(run, "diverged", str(error))
        except StoppedError as error:
            self._skip(run, str(error), cast("Usage | None", error.usage))
        except UnavailableError as error:
            self._fail(run, "unavailable", str(error), cast("Usage | None", error.usage))
        except WorkFailedError as error:
            if run.is_api_model:
                self.spending.lose_count()
            self._fail(run, error.status, error.reason)
        else:
            self.spending.add(outcome.usage)
            self.store.write(record.rows(run, outcome, measured.measurement, self.budget.lap()))
            self.executed += 1
            metric = record.headline(run.source)
            self.notify(f"{self._name(run)}: {metric} {outcome.values[metric]:.3f}")

    def _prepare(self, worker: Worker, source: Source) -> None:
        """Load the data once, and describe them."""
        if source not in self.facts:
            deadline = self.budget.deadline()
            facts: DataFacts = worker.call(prepare, source, seconds=deadline, doing="preparing the data")
            self.facts[source] = facts
            for line in facts.lines:
                self.notify(line)

    def _estimate_requests(self, worker: Worker, run: Run) -> RequestEstimate:
        """Say what a run is going to send to an API, before anything is sent.

        Raises:
            StoppedError: It may cost money, which is limited, and how much is not known.
        """
        self._prepare(worker, run.source)
        deadline = self.budget.deadline()
        estimate: RequestEstimate = worker.call(
            estimate_requests, run, seconds=deadline, doing="estimating the requests"
        )
        self.spending.check(estimate)
        self.notify(estimate.notice)
        return estimate

    def _limits(self, requests: RequestEstimate | None) -> Limits | None:
        """Limits of a run of a model behind an API."""
        if requests is None:
            return None
        return Limits(max(0.0, self.budget.left), self.spending.left, requests.requests)

    def _measure(self, run: Run, requests: RequestEstimate | None) -> Measured | None:
        """Speed and size of a run's model; absent where no time is left to measure them.

        Whoever serves a model decides its speed: an endpoint is measured only where it is free, and asked anyway.
        """
        if requests is not None and not (requests.requests and requests.endpoint.is_free):
            return Measured()
        if self.budget.left < MEASURING_SECONDS and run not in self.measurements:
            return None
        # where a stand-in is to be pretrained, its data are prepared first, for minutes
        expected = HANG_FACTOR * MEASURING_SECONDS if run.is_to_be_pretrained else MEASURING_SECONDS
        deadline = self.budget.deadline(expected)

        def measure() -> Measured:
            if requests is not None:
                self.notify(f"{requests.endpoint.label}: up to {2 * ROWS + 1} more requests to measure its speed")
            function = measure_run if requests is None else measure_endpoint
            with Worker() as worker:
                measured: Measured = worker.call(function, run, seconds=deadline, doing="measuring the model")
                return measured

        return self.measurements.get(run, measure)

    def _skip(self, run: Run, reason: str, usage: Usage | None = None) -> None:
        self._fail(run, "skipped", reason, usage, self._earlier_seconds(run) + self.budget.lap())

    def _fail(
        self, run: Run, status: Status, reason: str, usage: Usage | None = None, wall_seconds: float | None = None
    ) -> None:
        self.spending.add(usage)
        self._record_failure(record.failure(run, status, reason, usage, wall_seconds))
        self.notify(f"{self._name(run)}: {status}: {reason}")

    def _record_failure(self, row: record.Row) -> None:
        self.store.write([row])
        self.failures.append(row)

    def _name(self, run: Run) -> str:
        """Name of a run among the others of this evaluation."""
        share = "" if run.fraction == 1 else f", {100 * run.fraction:.3g}% of the labels"
        seed = f", seed {run.seed}" if len({other.seed for other in self.planned.runs}) > 1 else ""
        return f"{run.checkpoint.card}/{run.checkpoint.variant} {run.strategy}{share}{seed}"

    def _sheet(self, run: Run) -> Path:
        """Where some right and some wrong predictions of a run are drawn."""
        parts = (run.checkpoint.card, run.checkpoint.variant, run.strategy, str(run.seed), run.id[:8])
        return self.folder / "sheets" / f"{'-'.join(parts)}.png"
