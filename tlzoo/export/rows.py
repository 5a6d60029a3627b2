"""Rows of exported models: what a finished run predicts in ONNX Runtime, with its own accuracy, speed and size."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.errors import TlzooError, unknown
from tlzoo.files import LOCK
from tlzoo.keys import key
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import Status
from tlzoo.leaderboard.store import Store
from tlzoo.locks import locked
from tlzoo.measure.device import choose_device
from tlzoo.measure.measurement import Measurement
from tlzoo.run import record
from tlzoo.run.budget import HANG_FACTOR
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Run, plan, sources
from tlzoo.run.precision import checked
from tlzoo.run.recorder import Evaluation
from tlzoo.run.request import EvaluationRequest
from tlzoo.run.worker import Worker, WorkFailedError
from tlzoo.vocabulary import TRAINED

if TYPE_CHECKING:
    from onnx import ModelProto

    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task
    from tlzoo.export.session import Session

RUNTIMES = ("onnx", "int8")
MADE: tuple[Status, ...] = ("ok", "skipped")
"""Statuses that the same command would not change: what cannot be exported, or loses too much, is skipped."""
CALLS, MIN_CALLS_P90, SECONDS = 300, 100, 5.0
"""Maximum of timed calls, the minimum that a 90th percentile is read from, and seconds after which no more are made."""
WARM_UP = 3


def check_runtimes(names: Sequence[str]) -> None:
    """Check that runtimes are known and installed.

    Raises:
        InputError: One is not known.
        UnavailableError: The libraries of the extra ``onnx`` are not installed.
    """
    from tlzoo.export.session import need

    for name in names:
        if name not in RUNTIMES:
            raise unknown("runtime", name, RUNTIMES, "--runtime")
    need("onnx", "onnxruntime", "onnxscript")


def add_exported(
    done: Evaluation, request: EvaluationRequest, runtimes: Sequence[str], notify: Callable[[str], None]
) -> Evaluation:
    """Export the models of an evaluation, and add their rows.

    Each finished run that transferred something is executed again, since its model was not kept, with the same result.
    That is not counted in the budget.

    Args:
        done: The evaluation.
        request: What it was asked.
        runtimes: What is to predict.
        notify: Takes a line for each row.

    Returns:
        The evaluation with the new rows on its board; what cannot be exported, or loses too much in 8 bits, is a row
        with status ``skipped`` that says why.
    """
    device = choose_device(request.device)
    request = replace(request, device=device, precision=checked(request.precision, device))
    store = Store(request.out / "results")
    ids = [name for names in done.board["run_ids"].to_pylist() for name in names or ()]
    with locked(request.out / LOCK, f"results in {request.out}"), Worker() as worker:
        statuses = store.statuses()
        for run in plan(request, sources(request)).runs:
            if run.strategy not in TRAINED or run.tier == "none" or statuses.get(run.id, ("",))[0] != "ok":
                continue
            wanted = {runtime: key(run.id, "runtime", runtime)[:32] for runtime in dict.fromkeys(runtimes)}
            ids += wanted.values()
            missing = {
                name: place
                for name, place in wanted.items()
                if request.fresh or statuses.get(place, ("",))[0] not in MADE
            }
            if missing:
                deadline = request.patience + HANG_FACTOR * statuses[run.id][1]
                _add(store, worker, run, missing, deadline, notify)
    results = store.read()
    return replace(done, board=board(results.filter(pc.is_in(results["run_id"], pa.array(ids, pa.string())))))


def _add(
    store: Store,
    worker: Worker,
    run: Run,
    wanted: Mapping[str, str],
    deadline: float,
    notify: Callable[[str], None],
) -> None:
    """Write the rows of a run, a runtime each."""
    began, status = time.monotonic(), MADE[-1]
    try:
        given = worker.call(execute_exported, run, list(wanted), seconds=deadline, doing="the exported model")
    except TlzooError as error:
        given = [str(error)] * len(wanted)
    except WorkFailedError as error:
        given, status = [error.reason] * len(wanted), error.status
    seconds = (time.monotonic() - began) / len(wanted)
    for (runtime, name), each in zip(wanted.items(), given, strict=True):
        own = {"run_id": name, "runtime": runtime}
        title = f"{run.checkpoint.name} {run.strategy}, {run.fraction:.0%} of the labels, seed {run.seed}, {runtime}"
        if isinstance(each, str):
            store.write([record.failure(run, status, each, None, seconds) | own])
            notify(f"{title}: {status}: {each}")
            continue
        outcome, measurement = each
        store.write([row | own for row in record.rows(run, outcome, measurement, seconds)])
        metric, value = next(iter(outcome.values.items()))
        notify(f"{title}: {metric} {value:.3f}, {measurement.latency_ms_p50:.2f} ms")


def execute_exported(run: Run, runtimes: Sequence[str]) -> list[tuple[Outcome, Measurement] | str]:
    """Execute a run, export its model, and predict the test examples with that.

    Args:
        run: The run.
        runtimes: What is to predict.

    Returns:
        For each of them what it gave, or why it is not used.

    Raises:
        InputError: The model cannot be exported.
    """
    from tlzoo.core.model import HeadedModel
    from tlzoo.export.certificate import agreement
    from tlzoo.export.graph import exported, vectors_of
    from tlzoo.export.session import Runtime, Session
    from tlzoo.export.write import about_as_good, disagreement, in_8_bits, input_of, tokenizer_of
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.measure.measure import parameter_count
    from tlzoo.run.execute import data_for, execute, training_subset, validation_subset
    from tlzoo.tasks import task_type
    from tlzoo.transfer.repeatable import THREADS

    data = data_for(run)
    task, test = task_type(run.task, run.source.kind)(data.features), data.splits["test"]
    train, validation = training_subset(run, data), validation_subset(run, data)
    trained = execute(run, progress=False)
    assert trained.model is not None
    model = trained.model.cpu().eval()
    vectors_of(model)  # complains where there is no graph
    assert isinstance(model, HeadedModel)
    graph, inputs, tokenizer = exported(model), input_of(model), tokenizer_of(model)
    labels = model.task.labels if graph.output == "scores" else ()

    def session(proto: ModelProto) -> Session:
        return Session(Runtime(proto.SerializeToString(), THREADS), inputs, labels, tokenizer=tokenizer)

    given: list[tuple[Outcome, Measurement] | str] = []
    for runtime in runtimes:
        try:
            proto = in_8_bits(graph, session, task, validation, train) if runtime == "int8" else graph.proto
            opened = session(proto)
            outcome = _outcome(opened, task, test, train, trained)
            if runtime == "int8":
                name = task.metrics[0]
                now, before = outcome.values[name], trained.values[name]
                about_as_good(METRICS[name], now, before, f"{len(test)} test examples")
            elif apart := disagreement(*agreement(trained.predictions, outcome.predictions)):
                raise TlzooError(apart)
        except TlzooError as error:
            given.append(str(error))
            continue
        size, params = len(proto.SerializeToString()), parameter_count(model)
        given.append((replace(outcome, predictions=()), _measured(opened, test, size, params)))
    return given


def _outcome(session: Session, task: Task, test: Sequence[Row], train: Sequence[Row], trained: Outcome) -> Outcome:
    """What an exported model gives instead of the trained one."""
    from tlzoo.export.certificate import predicted
    from tlzoo.transfer.inference import statistics, values

    predictions = predicted(session.predict, task, test, train)
    scores = statistics(task, predictions, test)
    return replace(
        trained,
        values=values(task, scores),
        statistics=scores,
        predictions=predictions,
        model=None,
        device="cpu",  # where the graph was run
    )


def _measured(session: Session, rows: Sequence[Row], size: int, params: int) -> Measurement:
    """Speed from one decoded input to its prediction, preprocessing included, and size."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    for number in range(WARM_UP + CALLS):
        feeds = session.feeds(rows[number % len(rows)])
        began = time.perf_counter()
        session.prediction([session.run(feed) for feed in feeds])
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - began))
            if time.perf_counter() > end:
                break
    return Measurement(
        latency_ms_p50=float(np.median(times)),
        latency_ms_p90=float(np.quantile(times, 0.9)) if len(times) >= MIN_CALLS_P90 else None,
        throughput=1000 / float(np.median(times)),
        params=params,
        size_bytes=size,
    )
