"""Evaluate models on a task: plan, execute in worker processes, record each run as it ends."""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tlzoo.adapters.chat_api.endpoint import RequestEstimate
from tlzoo.adapters.weights import Wanted
from tlzoo.data.catalogue import Source
from tlzoo.data.changes import since
from tlzoo.data.problems import write_problems
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.files import LOCK, writable_folder, write_whole
from tlzoo.leaderboard.schema import Status
from tlzoo.leaderboard.store import Store
from tlzoo.locks import locked
from tlzoo.measure.device import choose_device
from tlzoo.measure.measurement import Measurement
from tlzoo.run.api_model import ROWS, estimate_requests, measure_endpoint
from tlzoo.run.baseline import baseline_runs, execute_baseline
from tlzoo.run.budget import HANG_FACTOR, Budget
from tlzoo.run.cluster import Cluster, Executed, execute_there, measure_there, needs_of
from tlzoo.run.estimate import Estimate, Pace
from tlzoo.run.execute import DataFacts, execute_apart, prepare
from tlzoo.run.measurement import Measured, MeasurementCache, measure_run, measured_tier
from tlzoo.run.plan import Plan, Run, plan, sources
from tlzoo.run.precision import checked
from tlzoo.run.record import Environment, environment
from tlzoo.run.recorder import Evaluation, Notify, Recorder
from tlzoo.run.remedy import Remedies
from tlzoo.run.request import DEFAULT_FRACTIONS, DEFAULT_OUT, DEFAULT_SEEDS, PATIENCE_SECONDS, EvaluationRequest
from tlzoo.run.spending import Spending
from tlzoo.run.worker import ANYTHING, INSIDE, Needs, Worker, WorkFailedError

if TYPE_CHECKING:
    from tlzoo.core.model import Usage

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
    report: str | None = None,
    executor: str = "local",
    address: str | None = None,
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
        device: ``cpu``, ``cuda``, ``mps``, ``xpu`` or ``auto``: the accelerator that torch can use, else the CPU.
        precision: ``no`` (float32), ``bf16`` or ``fp16`` (mixed; a trial in a child process has to agree with float32),
            or ``auto``: the first of these that does on an accelerator, else ``no``.
        out: Folder of the results.
        fresh: Run again what is finished.
        baselines: Run the task's baselines, too, before any model: ``trivial`` and ``classical``, in seconds.
        report: Also write each run to this tracker of experiments: ``trackio``, ``tensorboard``, ``mlflow`` or
            ``wandb``.
        executor: ``local``, one run after the other on this machine, or ``ray``, as many at a time as a Ray cluster has
            room for.
        address: Address of the Ray cluster; by default that of ``RAY_ADDRESS``, or a cluster of this machine alone.
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
            report=report,
            executor=executor,
            address=address,
        ),
        say or (lambda line: print(line, file=sys.stderr)),
    )


def run_evaluation(request: EvaluationRequest, notify: Notify) -> Evaluation:
    """Plan an evaluation, execute what is not finished, and rank all of it; see :func:`evaluate`.

    Args:
        request: The options.
        notify: Takes one-line notices.
    """
    return run_evaluations([request], notify)


def run_evaluations(requests: Sequence[EvaluationRequest], notify: Notify) -> Evaluation:
    """Plan the evaluations of several tasks, execute them one after the other, and rank all of it.

    A task whose data are not available is left out with a notice where there are others.

    Args:
        requests: The options; they differ in what is run, and not in how.
        notify: Takes one-line notices.
    """
    if INSIDE in os.environ:
        raise InputError("evaluate() is called in the worker of an evaluation, which waits for it; call it outside")
    request = requests[0]
    budget = Budget(request.budget, request.patience)
    data = _data(requests, notify)
    folder = writable_folder(request.out, "--out")
    is_elsewhere = request.executor == "ray" and request.device != "auto"
    device = request.device if is_elsewhere else choose_device(request.device)
    executor = Cluster(request.address, device) if request.executor == "ray" else Worker()
    precision = checked(request.precision, device, executor.apart)
    planned = Plan()
    for each, its_data in data:
        each = replace(each, device=device, precision=precision)
        part = plan(each, its_data)
        planned.runs += [*baseline_runs(each, its_data), *part.runs]
        planned.absent += part.absent
        planned.notices += part.notices
    notices = tuple(source.notice for _, its_data in data for source in its_data if source.notice)
    for notice in dict.fromkeys((*notices, *filter(None, planned.notices))):
        notify(notice)
    with contextlib.ExitStack() as stack:
        with budget.paused():
            stack.enter_context(locked(folder / LOCK, f"results in {folder}"))
        done = _Driver(request, planned, executor, folder, budget, notify).run()
    return replace(done, notices=notices)


def _data(requests: Sequence[EvaluationRequest], notify: Notify) -> list[tuple[EvaluationRequest, list[Source]]]:
    """The data of each evaluation, but of those whose data are not available, unless it is the only one."""
    data = []
    for request in requests:
        try:
            data.append((request, sources(request)))
        except UnavailableError as error:
            if len(requests) == 1:
                raise
            notify(f"{request.task}: left out: {error}")
    return data


class _Driver:
    """Executes a plan: one run after the other, or as many at a time as a cluster has room for.

    Then as many threads take runs in their order, one of a model that is not measured yet at a time. What they share is
    guarded by ``changed``.
    """

    def __init__(
        self,
        request: EvaluationRequest,
        planned: Plan,
        executor: Worker | Cluster,
        folder: Path,
        budget: Budget,
        notify: Notify,
    ) -> None:
        self.planned, self.folder, self.budget, self.notify = planned, folder, budget, notify
        self.executor = executor
        self.here = executor if isinstance(executor, Worker) else Worker()
        self.is_one_task = len({run.task for run in planned.runs}) <= 1
        self.spending = Spending(request.max_cost)
        self.measurements = MeasurementCache(folder / "measurements")
        self.recorder = Recorder(Store(folder / "results"), planned, budget, notify, request.fresh, request.report)
        self.facts: dict[Source, DataFacts] = {}
        self.pace = Pace()
        self.environments: list[Environment] = [environment()]
        self.remedies = Remedies(planned.runs)
        self.changed, self.one_here = threading.Condition(), threading.Lock()
        self.waiting, self.running, self.added = list(planned.runs), list[Run](), list[Run]()
        self.measuring: dict[str, Path] = {}
        self.total, self.slots, self.is_stopped = len(planned.runs), 1, False

    def run(self) -> Evaluation:
        """Execute everything that is not finished, and train further what turns out to need it, as soon as it is known.

        What is finished is read from the results.
        """
        for absent in self.planned.absent:
            self.recorder.absence(absent)
        with self.executor, self.here:
            if any(not self.recorder.is_finished(run) for run in self.waiting):
                self.slots = self.executor.slots
                if isinstance(self.executor, Cluster):
                    self.environments = [self.executor.call(environment)]
            self._charge(self.waiting)
            self._run_all()
        self.recorder.summarise()
        problems = tuple(problem for facts in self.facts.values() for problem in facts.problems)
        used = sum(sum(facts.counts.rows.values()) for facts in self.facts.values())
        return self.recorder.evaluation([*self.planned.runs, *self.added], problems, used)

    def _charge(self, runs: Sequence[Run]) -> None:
        """Count what earlier evaluations spent on some runs, as many of them at a time as now."""
        self.budget.charge(sum(self.recorder.earlier_seconds(run) for run in runs) / self.slots)

    def _run_all(self) -> None:
        if self.slots == 1:
            return self._work()
        with ThreadPoolExecutor(self.slots) as pool:
            try:
                for future in as_completed(pool.submit(self._work) for _ in range(min(self.slots, self.total))):
                    future.result()
            except BaseException:
                with self.changed:
                    self.is_stopped = True
                    self.changed.notify_all()
                self.executor.stop()
                self.here.stop()
                raise

    def _work(self) -> None:
        """Execute one run after the other until all have ended."""
        while taken := self._take():
            run, place = taken
            self._run_one(run, place)
            with self.changed:
                self.running.remove(run)
                self._release(run)
                self._ended(run)

    def _take(self) -> tuple[Run, int] | None:
        """The next run, and which of the plan it is; none when all have ended."""
        with self.changed:
            while not self.is_stopped and (self.waiting or self.running):
                for run in self.waiting:
                    if self.measuring and self.measurements.path(run) in self.measuring.values():
                        continue
                    self.waiting.remove(run)
                    if self.recorder.is_finished(run):
                        self.recorder.resumed += 1
                        self._ended(run)
                        break
                    self.running.append(run)
                    if self.measurements.find(run, self.environments) is None and not run.is_baseline:
                        self.measuring[run.id] = self.measurements.path(run)
                    return run, self.total - len(self._ahead())
                else:
                    self.changed.wait()
                    self.budget.lap()  # nothing was done meanwhile
        return None

    def _release(self, run: Run) -> None:
        """Let others of a run's model begin, since it was measured, or will not be."""
        with self.changed:
            self.measuring.pop(run.id, None)
            self.changed.notify_all()

    def _ended(self, run: Run) -> None:
        """Put runs that train a model further before all others, where the one that ended shows that it needs them."""
        further = self.remedies.after(run, self.recorder.store.read)
        if further:
            self.notify(f"{run.checkpoint.name}: negative transfer: training again, longer and deeper")
            self._charge(further)
            self.waiting[:0] = further
            self.total += len(further)
            self.added += further
            self.changed.notify_all()

    def _run_one(self, run: Run, place: int) -> None:
        """Execute a run if it fits the budget; whatever ends it becomes its row."""
        fail = partial(self._fail, run)
        try:
            if self.budget.left > 0:
                self._prepare(run)
            requests = self._estimate_requests(run) if run.is_api_model else None
            measured = self._measure(run, requests)
            expected = max(Estimate.of(run, measured or Measured(), requests).seconds, self.pace.alike(run))
            self._release(run)
            if measured_tier(run) != run.tier:  # it is measured when its stand-in is there
                expected += MEASURING_SECONDS
            if measured is None or not self.budget.fits(expected):
                fail("skipped", self.budget.shortage(expected))
                return
            self._announce(run, place)
            done = self._execute(run, expected, measured, requests)
            with self.changed:
                self.pace.add(run, done.seconds)
        except InputError as error:
            if run.source not in self.facts and self.is_one_task:
                raise  # the data are wrong
            fail("error", str(error))
        except DivergedError as error:
            fail("diverged", str(error))
        except (StoppedError, UnavailableError) as error:
            usage = cast("Usage | None", error.usage)
            fail("skipped" if isinstance(error, StoppedError) else "unavailable", str(error), usage)
        except WorkFailedError as error:
            if self.is_stopped:
                raise
            fail(error.status, error.reason)
        else:
            is_known = run.is_baseline or run.is_api_model
            measurement = measured.measurement if is_known else self._measure_where(run, done)
            for name, content in done.sheets.items():
                (self.folder / "sheets").mkdir(exist_ok=True)
                write_whole(self.folder / "sheets" / name, partial(Path.write_bytes, data=content))
            with self.changed:
                self.recorder.result(run, done.outcome, measurement, done.where)
            self.recorder.report(run, done.outcome)

    def _fail(self, run: Run, status: Status, reason: str, usage: Usage | None = None) -> None:
        with self.changed:
            self.recorder.failure(run, status, reason, usage)

    def _ahead(self) -> list[Run]:
        """What is not finished and waits."""
        return [run for run in self.waiting if not self.recorder.is_finished(run)]

    def _announce(self, run: Run, place: int) -> None:
        """Say in one line which run begins, of how many, and how much time is left."""
        with self.changed:
            budget, needed = max(0.0, self.budget.left), self.pace.seconds([*self.running, *self._ahead()])
            seconds = budget if needed is None else min(needed / self.slots, budget)
            left = f"{'at most' if needed is None else 'about'} {max(1, round(seconds / 60))} min left"
            self.notify(f"run {place} of {self.total}: {self.recorder.name(run)}; {left}")

    def _prepare(self, run: Run) -> None:
        """Load the data once, and describe them."""
        source = run.source
        if source in self.facts:
            return
        with self._alone() as here:
            if source in self.facts:
                return
            deadline = self.budget.deadline()
            facts = here.call(prepare, source, run.folds, seconds=deadline, doing="preparing the data")
            self.facts[source] = facts
            write_problems(self.folder, {each.name: facts.problems for each, facts in self.facts.items()})
            change = since(self.folder / "data", source.name, source.fingerprint, facts.rows) if source.is_own else ""
            for line in (*facts.lines, *filter(None, [change])):
                self.notify(line)

    def _estimate_requests(self, run: Run) -> RequestEstimate:
        """Report what a run is going to send to an API, before anything is sent.

        Raises:
            StoppedError: It may cost money, which is limited, and how much is not known.
        """
        self._prepare(run)
        deadline = self.budget.deadline()
        with self._alone() as here:
            estimate = here.call(estimate_requests, run, seconds=deadline, doing="estimating the requests")
        self.spending.check(estimate)
        self.notify(estimate.notice)
        return estimate

    def _measure(self, run: Run, requests: RequestEstimate | None, done: Executed | None = None) -> Measured | None:
        """Speed and size of a run's model; absent if no time is left to measure them.

        Whoever serves a model decides its speed: an endpoint is measured only where it is free and gets requests.

        Args:
            run: The run.
            requests: What it is going to send, if its model is behind an API.
            done: What it gave, for speed and size where it was executed; by default anywhere, as the plan needs them.
        """
        if run.is_baseline:
            return Measured()
        if requests is not None and not (requests.requests and requests.endpoint.is_free):
            return Measured()
        known = self.measurements.find(run, [done.where] if done else self.environments)
        if known is not None or self.budget.left < MEASURING_SECONDS:
            return known
        # where a stand-in is to be pretrained, its data are prepared first, for minutes
        expected = HANG_FACTOR * MEASURING_SECONDS if run.is_to_be_pretrained else MEASURING_SECONDS
        deadline, doing = self.budget.deadline(expected), "measuring the model"
        if requests is not None:
            self.notify(f"{requests.endpoint.label}: up to {2 * ROWS + 1} more requests to measure its speed")
            with self._alone() as here:
                answer = here.apart(measure_there, measure_endpoint, run, seconds=deadline, doing=doing)
        else:
            needs = Needs(gpus=int(run.device != "cpu"), node=done.node if done else "")
            answer = self.executor.apart(measure_there, measure_run, run, seconds=deadline, doing=doing, needs=needs)
        measured, where = answer
        with self.changed:
            self.environments += [] if where in self.environments else [where]
        return self.measurements.get(run, lambda: measured, where)

    def _measure_where(self, run: Run, done: Executed) -> Measurement:
        """Speed and size where a run was executed, with what it has pretrained; empty where there is no time for it."""
        try:
            measured = self._measure(run, None, done)
        except (UnavailableError, WorkFailedError) as error:
            self.notify(f"{run.checkpoint.name}: its speed is not known: {error}")
            measured = None
        return Measurement() if measured is None else measured.measurement

    def _execute(self, run: Run, expected: float, measured: Measured, requests: RequestEstimate | None) -> Executed:
        if run.is_baseline:
            deadline = self.budget.deadline(BASELINE_SECONDS)
            return self.executor.call(execute_there, execute_baseline, run, seconds=deadline, doing="the baseline")
        names = (run.checkpoint.card, run.checkpoint.variant, run.strategy, str(run.seed), run.id[:8])
        sheet = f"{re.sub(r'[:/]', '-', '-'.join(names))}.png"
        deadline, doing = self.budget.deadline(expected or math.inf), "the run"
        execute = partial(execute_apart, state=self.folder.resolve() / "state")
        what = (execute_there, execute, run, sheet, sys.stderr.isatty() and self.slots == 1)
        if requests is None:
            needs = self._needs(run, measured)
            return self.executor.call(*what, None, seconds=deadline, doing=doing, needs=needs)
        from tlzoo.core.model import Limits

        with self._alone() as here:
            limits = Limits(max(0.0, self.budget.left), self.spending.left, requests.requests)
            try:
                done = here.call(*what, limits, seconds=deadline, doing=doing)
            except (StoppedError, UnavailableError) as error:
                self.spending.add(cast("Usage | None", error.usage))
                raise
            except WorkFailedError:
                self.spending.lose_count()
                raise
            self.spending.add(done.outcome.usage)
            return done

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Worker]:
        """The process on this machine, for one thread at a time.

        Raises:
            CancelledError: The evaluation was stopped meanwhile.
        """
        with self.one_here:
            if self.is_stopped:
                raise CancelledError
            yield self.here

    def _needs(self, run: Run, measured: Measured) -> Needs:
        return needs_of(run, measured.measurement) if isinstance(self.executor, Cluster) else ANYTHING
