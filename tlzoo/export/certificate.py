"""Comparison of an exported graph with PyTorch on held-out examples: what a certificate says, and where it is from."""

from __future__ import annotations

import statistics as numbers
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tlzoo.core.model import HeadedModel
from tlzoo.core.predictions import ClassScores, Embedding, Prediction, Similarity
from tlzoo.core.task import ReferenceTask, Task
from tlzoo.data.media.inputs import read_input
from tlzoo.export.description import Certificate
from tlzoo.export.heldout import HeldOut
from tlzoo.export.session import Session
from tlzoo.transfer.inference import predict, statistics, value

if TYPE_CHECKING:
    from tlzoo.core.batch import Row

Predict = Callable[[Iterable["Row"]], Iterator[Prediction]]
"""Predictions of rows, one after another."""
SAME_DIRECTION = 0.9999
"""Cosine from which on two vectors count as equal."""
WARM_UP, CALLS = 3, 30
"""Calls that are not timed, and the maximum of those that are."""
LIBRARIES = ("torch", "onnx", "onnxruntime", "onnxscript", "numpy")


@dataclass(frozen=True)
class Scored:
    """Predictions of examples, and their metric.

    Attributes:
        predictions: In the order of the examples.
        metric: Name of the headline metric.
        value: Its value.
        statistic: What it is reduced from, one an example.
    """

    predictions: Sequence[Prediction]
    metric: str
    value: float
    statistic: Sequence[Sequence[float]]


def scored(predictor: Predict, task: Task, rows: Iterable[Row], train: Sequence[Row]) -> Scored:
    """Predict examples, and judge them.

    Args:
        predictor: The model.
        task: The task, bound to the data.
        rows: The examples.
        train: The training examples, which are predicted where the metric is by comparison with them.

    Raises:
        DivergedError: A prediction is not finite.
    """
    predictions = predicted(predictor, task, rows, train)
    metric = task.metrics[0]
    statistic = statistics(task, predictions, rows)[metric]
    return Scored(predictions, metric, value(metric, statistic), statistic)


def predicted(predictor: Predict, task: Task, rows: Iterable[Row], train: Sequence[Row]) -> list[Prediction]:
    """Predictions of examples, after those of training where a task compares with them; as in :func:`scored`."""
    if isinstance(task, ReferenceTask):
        task.fit_reference(list(predictor(train)), train)
    return list(predictor(rows))


def agreement(reference: Sequence[Prediction], ours: Sequence[Prediction]) -> tuple[float, float]:
    """Share of equal predictions, and the largest difference of a number."""
    pairs = list(zip(reference, ours, strict=True))
    return sum(is_equal(*pair) for pair in pairs) / len(pairs), max(difference(*pair) for pair in pairs)


def in_torch(model: HeadedModel) -> Predict:
    """The model as PyTorch computes it, and ``tlzoo predict`` shows it."""
    return lambda rows: predict(model, (model.encode(row) for row in rows))


def certify(model: HeadedModel, session: Session, tests: HeldOut, threads: int) -> Certificate:
    """Compare a graph with PyTorch on held-out examples.

    Args:
        model: The model in PyTorch.
        session: The graph.
        tests: The examples.
        threads: That both compute with.

    Raises:
        DivergedError: A prediction is not finite.
    """
    train = tests.data.splits["train"]
    reference = scored(in_torch(model), tests.task, tests.rows, train)
    ours = scored(session.predict, tests.task, tests.rows, train)
    equal, largest = agreement(reference.predictions, ours.predictions)
    latency, torch_latency = _latencies(model, session, tests.rows)
    return Certificate(
        data=tests.name,
        is_own_test=tests.is_own_test,
        is_seen=tests.is_seen,
        test_sha256=tests.sha256,
        examples=len(ours.predictions),
        equal=equal,
        largest_difference=largest,
        metric=ours.metric,
        torch=reference.value,
        onnx=ours.value,
        labels=places(ours.predictions, session.labels),
        latency_ms=latency,
        torch_latency_ms=torch_latency,
        threads=threads,
        versions={name: version(name) for name in LIBRARIES},
    )


def places(predictions: Sequence[Prediction], labels: Sequence[str]) -> tuple[int, ...]:
    """The place of each predicted class, -1 for ``unknown``; empty for vectors."""
    place = {name: i for i, name in enumerate(labels)}
    return tuple(place.get(each.label, -1) for each in predictions if isinstance(each, ClassScores))


def is_equal(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions are the same: the same label, or vectors in the same direction."""
    if isinstance(one, ClassScores) and isinstance(other, ClassScores):
        return one.label == other.label
    if isinstance(one, Embedding) and isinstance(other, Embedding):
        a, b = np.array(one.embedding), np.array(other.embedding)
        return bool(a @ b >= SAME_DIRECTION * np.linalg.norm(a) * np.linalg.norm(b))
    return difference(one, other) <= 1 - SAME_DIRECTION


def difference(one: Prediction, other: Prediction) -> float:
    """The largest difference of the numbers of two predictions."""
    return float(np.abs(_values(one) - _values(other)).max())


def _values(prediction: Prediction) -> np.ndarray:
    if isinstance(prediction, ClassScores):
        return np.array(list(prediction.scores.values()))
    if isinstance(prediction, Similarity):
        return np.array([prediction.score])
    assert isinstance(prediction, Embedding), "what can be exported gives scores or a vector"
    return np.array(prediction.embedding)


def _latencies(model: HeadedModel, session: Session, rows: Sequence[Row]) -> tuple[float, float]:
    """Median time from a decoded input to its prediction with ONNX Runtime, and with PyTorch, in milliseconds."""
    times: tuple[list[float], list[float]] = [], []
    for number in range(WARM_UP + CALLS):
        row = rows[number % len(rows)]
        decoded = _decoded(model, row)
        begin = time.perf_counter()
        session.prediction([session.run(session.feed(source)) for source in decoded.values()])
        middle = time.perf_counter()
        _predicted(model, decoded)
        end = time.perf_counter()
        if number >= WARM_UP:
            times[0].append(1000 * (middle - begin))
            times[1].append(1000 * (end - middle))
    return numbers.median(times[0]), numbers.median(times[1])


def _decoded(model: HeadedModel, row: Row) -> dict[str, Any]:
    if model.task.inputs:
        return {name: row[name] for name in model.task.inputs}
    spec = model.spec
    return {spec.input: read_input(row, spec.input, spec.sample_rate)}


@torch.inference_mode()
def _predicted(model: HeadedModel, decoded: dict[str, Any]) -> None:
    """Preprocess and predict one decoded input."""
    if model.task.inputs:
        example = model.encode(decoded)
    else:
        (source,) = decoded.values()
        example = model.backbone.encode(source)
    model.predict(model.collate([example]))
