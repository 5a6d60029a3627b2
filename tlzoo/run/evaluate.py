"""Evaluate models on a task: plan, execute in worker processes, record each run as it ends."""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from tlzoo.adapters.chat_api.endpoint import RequestEstimate
from tlzoo.adapters.weights import Wanted
from tlzoo.core.model import Limits, Usage
from tlzoo.data.catalogue import Source
from tlzoo.data.changes import since
from tlzoo.data.problems import write_problems
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.files import writable_folder
from tlzoo.leaderboard.store import Store
from tlzoo.locks import locked
from tlzoo.measure.measure import Measurement
from tlzoo.run.api_model import ROWS, estimate_requests, measure_endpoint
from tlzoo.run.baseline import baseline_runs, execute_baseline
from tlzoo.run.budget import HANG_FACTOR, Budget
from tlzoo.run.estimate import Estimate, Pace
from tlzoo.run.execute import DataFacts, execute_apart, prepare
from tlzoo.run.measurement import Measured, MeasurementCache, measure_run, measured_tier
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Plan, Run, plan, sources
from tlzoo.run.precision import checked
from tlzoo.run.recorder import Evaluation, Notify, Recorder
from tlzoo.run.remedy import Remedies
from tlzoo.run.request import DEFAULT_FRACTIONS, DEFAULT_OUT, DEFAULT_SEEDS, PATIENCE_SECONDS, EvaluationRequest
from tlzoo.run.spending import Spending
from tlzoo.run.worker import INSIDE, Worker, WorkFailedError

BASELINE_SECONDS = 60.0
"""What a baseline is expected to take at the worst."""
MEASURING_SECONDS = 20.0
"""What measuring a model takes at the worst; with less left, a model that is not measured yet is skipped."""


def evaluate(
    task: str,
    *,
    models: Sequence[str] = (),
    strategies: Sequence[str] = (),
    weights: Wanted = "auto",
    pretrain: bool = False,
    variant: str | None = None,
    data: str | os.PathLike[str] = "auto",
    group: str | None = None,
    text: str | None = None,
    label: str | None = None,
    no_splits: bool = False,
    folds: int | None = None,
    seeds: Sequence[int] = DEFAULT_SEEDS,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    budget: float = 10.0,
    patience: float = PATIENCE_SECONDS,
    max_cost: float | None = None,
    device: str = "cpu",
    precision: str = "no",
    out: str | os.PathLike[str] = DEFAULT_OUT,
    fresh: bool = False,
    baselines: bool = True,
    say: Notify | None = None,
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
        task: A task, such as ``audio-classification``.
        models: Card ids, ``timm:NAME``, ``hub:OWNER/NAME[@REVISION]`` or folders; by default every card that can do the
            task.
        strategies: What is trained; by default probe, scratch, full and partial, and of models that bring their own
            head zero-shot and few-shot.
        weights: ``auto`` (the best available tier), ``official``, ``stand-in`` or ``none``.
        pretrain: Pretrain stand-ins here, instead of reading the files that ship; with ``weights="stand-in"``.
        variant: Only this variant.
        data: ``auto``, a data set's name, ``hub:ID[:CONFIG][@REVISION]`` or a folder.
        group: Of own data, a column (such as ``speaker``), or a regular expression whose first group in parentheses is
            taken of each file's relative path: examples with the same value stay in one split.
        text: Of own tables, the column of texts.
        label: Of own tables, the column of classes, or of transcripts.
        no_splits: Whether own folders named after splits, such as ``train``, are classes.
        folds: Number of folds of cross-validation, of which each example is tested in one; 1 splits the data once. By
            default 5 for fewer than 1,000 own examples of which no test is given, else 1. Seeds are repetitions.
        seeds: Seeds of what is trained; a few-shot prompt takes the first of the default ones alone.
        fractions: Shares of the training and of the validation examples, in (0, 1].
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
        baselines: Run the task's baselines, too, before any model: ``trivial`` and ``classical``, in seconds.
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
            pretrain=pretrain,
            variant=variant,
            data=os.fspath(data),
            group=group,
            text=text,
            label=label,
            no_splits=no_splits,
            folds=folds,
            seeds=tuple(seeds),
            fractions=tuple(fractions),
            device=device,
            precision=precision,
            budget=budget,
            patience=patience,
            max_cost=max_cost,
            out=Path(out),
            fresh=fresh,
            baselines=baselines,
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
    planned.runs[:0] = baseline_runs(request, data)
    notices = tuple(source.notice for source in data if source.notice)
    for notice in (*notices, *filter(None, planned.notices)):
        notify(notice)
    with contextlib.ExitStack() as stack:
        with budget.paused():
            stack.enter_context(locked(folder / ".lock", f"results in {folder}"))
        done = _Driver(request, planned, folder, budget, notify).run()
    return replace(done, notices=notices)


class _Driver:
    """Executes a plan, one run after the other."""

    def __init__(self, request: EvaluationRequest, planned: Plan, folder: Path, budget: Budget, notify: Notify) -> None:
        self.planned, self.folder, self.budget, self.notify = planned, folder, budget, notify
        self.spending = Spending(request.max_cost)
        self.measurements = MeasurementCache(folder / "measurements")
        self.recorder = Recorder(Store(folder / "results"), planned, budget, notify, request.fresh)
        self.facts: dict[Source, DataFacts] = {}
        self.pace = Pace()
        self.ahead: list[Run] = []
        self.total = 0

    def run(self) -> Evaluation:
        """Execute everything that is not finished."""
        runs = self.planned.runs
        for absent in self.planned.absent:
            self.recorder.absence(absent)
        with Worker() as worker:
            further = self._run_all(worker, runs)
        self.recorder.summarise()
        problems = tuple(problem for facts in self.facts.values() for problem in facts.problems)
        used = sum(sum(facts.counts.rows.values()) for facts in self.facts.values())
        return self.recorder.evaluation([*runs, *further], problems, used)

    def _run_all(self, worker: Worker, runs: Sequence[Run]) -> list[Run]:
        """Execute what is not finished, and train further what turns out to need it, as soon as that is known.

        Returns:
            The runs that were added.
        """
        self.budget.charge(sum(self.recorder.earlier_seconds(run) for run in runs))
        remedies = Remedies(runs)
        added: list[Run] = []
        self.ahead, self.total = [run for run in runs if not self.recorder.is_finished(run)], len(runs)
        for run in runs:
            self._run_or_resume(worker, run)
            further = remedies.after(run, self.recorder.store.read)
            if further:
                name = run.checkpoint.name
                self.notify(f"{name}: negative transfer: training again, longer and deeper")
                self.budget.charge(sum(self.recorder.earlier_seconds(each) for each in further))
                self.ahead[:0] = [each for each in further if not self.recorder.is_finished(each)]
                self.total += len(further)
            for each in further:
                self._run_or_resume(worker, each)
            added += further
        return added

    def _run_or_resume(self, worker: Worker, run: Run) -> None:
        if self.recorder.is_finished(run):
            self.recorder.resumed += 1
        else:
            self._run_one(worker, run)
            self.ahead.remove(run)

    def _run_one(self, worker: Worker, run: Run) -> None:
        """Execute a run if it fits the budget; whatever ends it becomes its row."""
        fail = partial(self.recorder.failure, run)
        try:
            if self.budget.left > 0:
                self._prepare(worker, run)
            requests = self._estimate_requests(worker, run) if run.is_api_model else None
            measured = self._measure(run, requests)
            expected = max(Estimate.of(run, measured or Measured(), requests).seconds, self.pace.alike(run))
            is_measured_later = measured_tier(run) != run.tier  # when its stand-in is there
            if is_measured_later:
                expected += MEASURING_SECONDS
            if measured is None or not self.budget.fits(expected):
                fail("skipped", self.budget.shortage(expected))
                return
            self._announce(run)
            began = self.budget.left
            outcome = self._execute(worker, run, expected, requests)
            self.pace.add(run, began - self.budget.left)
        except InputError as error:
            if run.source not in self.facts:
                raise  # the data are wrong
            fail("error", str(error))
        except DivergedError as error:
            fail("diverged", str(error))
        except (StoppedError, UnavailableError) as error:
            usage = cast("Usage | None", error.usage)
            self.spending.add(usage)
            fail("skipped" if isinstance(error, StoppedError) else "unavailable", str(error), usage)
        except WorkFailedError as error:
            if run.is_api_model:
                self.spending.lose_count()
            fail(error.status, error.reason)
        else:
            self.spending.add(outcome.usage)
            measurement = self._measure_pretrained(run) if is_measured_later else measured.measurement
            self.recorder.result(run, outcome, measurement)

    def _announce(self, run: Run) -> None:
        """Say in one line which run begins, of how many, and how much time is left."""
        budget, needed = max(0.0, self.budget.left), self.pace.seconds(self.ahead)
        seconds = budget if needed is None else min(needed, budget)
        left = f"{'at most' if needed is None else 'about'} {max(1, round(seconds / 60))} min left"
        place = self.total - len(self.ahead) + 1
        self.notify(f"run {place} of {self.total}: {self.recorder.name(run)}; {left}")

    def _prepare(self, worker: Worker, run: Run) -> None:
        """Load the data once, and describe them."""
        source = run.source
        if source not in self.facts:
            deadline = self.budget.deadline()
            self.facts[source] = worker.call(prepare, source, run.folds, seconds=deadline, doing="preparing the data")
            write_problems(self.folder, {each.name: facts.problems for each, facts in self.facts.items()})
            facts = self.facts[source]
            change = since(self.folder / "data", source.name, source.fingerprint, facts.rows) if source.is_own else ""
            for line in (*facts.lines, *filter(None, [change])):
                self.notify(line)

    def _estimate_requests(self, worker: Worker, run: Run) -> RequestEstimate:
        """Report what a run is going to send to an API, before anything is sent.

        Raises:
            StoppedError: It may cost money, which is limited, and how much is not known.
        """
        self._prepare(worker, run)
        deadline = self.budget.deadline()
        estimate = worker.call(estimate_requests, run, seconds=deadline, doing="estimating the requests")
        self.spending.check(estimate)
        self.notify(estimate.notice)
        return estimate

    def _measure(self, run: Run, requests: RequestEstimate | None) -> Measured | None:
        """Speed and size of a run's model; absent if no time is left to measure them.

        Whoever serves a model decides its speed: an endpoint is measured only where it is free and gets requests.
        """
        if run.is_baseline:
            return Measured()
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
                return worker.call(function, run, seconds=deadline, doing="measuring the model")

        return self.measurements.get(run, measure)

    def _measure_pretrained(self, run: Run) -> Measurement:
        """Speed and size with the stand-in that a run has pretrained; empty where they cannot be measured in time."""
        try:
            measured = self._measure(run, None)
        except (UnavailableError, WorkFailedError) as error:
            self.notify(f"{run.checkpoint.name}: its speed is not known: {error}")
            measured = None
        return Measurement() if measured is None else measured.measurement

    def _execute(self, worker: Worker, run: Run, expected: float, requests: RequestEstimate | None) -> Outcome:
        if run.is_baseline:
            deadline = self.budget.deadline(BASELINE_SECONDS)
            return worker.call(execute_baseline, run, seconds=deadline, doing="the baseline")
        names = (run.checkpoint.card, run.checkpoint.variant, run.strategy, str(run.seed), run.id[:8])
        sheet = self.folder / "sheets" / f"{re.sub(r'[:/]', '-', '-'.join(names))}.png"
        left = max(0.0, self.budget.left)
        limits = None if requests is None else Limits(left, self.spending.left, requests.requests)
        arguments = (run, sys.stderr.isatty(), sheet, limits)
        deadline = self.budget.deadline(expected or math.inf)
        return worker.call(execute_apart, *arguments, seconds=deadline, doing="the run")
