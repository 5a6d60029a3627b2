"""The metrics of the boards as ``evaluate`` has them; :func:`tlzoo.metric` makes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

import evaluate
import numpy as np
from datasets import Features, Value

from tlzoo.blobs import cache_dir
from tlzoo.core.batch import Row
from tlzoo.core.task import ReferenceTask
from tlzoo.data.files.boxes import FACE
from tlzoo.errors import InputError, unknown
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import prediction_type, task_type
from tlzoo.transfer.inference import statistics, values
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from tlzoo.core.predictions import Prediction
    from tlzoo.core.task import Task

Plain = dict[str, Any]
"""A prediction or a row in values of JSON."""
_INPUTS = """
Args:
    predictions: For each example the prediction as `tlzoo predict` prints it, or what it consists of: a class id, a
        class name or the scores of all classes; a text; a number.
    references: For each example the row of the data, or its column that holds what is right.
    train_predictions: The predictions of the training examples, where the task compares with them.
    train_references: Their references.
"""


class TaskMetric(evaluate.Metric):  # type: ignore[misc]
    """A task's metrics, or one of them, with the numbers of the board.

    Predictions and references are stored as JSON, in which a float keeps every digit: one class serves all tasks.
    """

    def __init__(self, task: str, name: str | None = None, labels: Sequence[str] = ()) -> None:
        """As :func:`tlzoo.metric`."""
        facts = task_facts(task)
        known = facts.metrics
        self._type = prediction_type(task)
        if self._type.written:
            raise InputError(f"tlzoo.metric: the JSON form of {task} is a summary, from which no score can be computed")
        if name is not None and name not in known:
            raise unknown("metric", name, known, task)
        self._task_name = task
        self._field, self._column = self._type.essential, facts.target
        self._names = known if name is None else (name,)
        self._labels = tuple(labels) or ((FACE,) if facts.annotation == "faces" else ())
        super().__init__(config_name=name or task, keep_in_memory=True, cache_dir=str(cache_dir() / "metrics"))

    def _info(self) -> evaluate.MetricInfo:
        metrics = [METRICS[name] for name in self._names]
        return evaluate.MetricInfo(
            description="\n".join(f"{metric.label}: {metric.description}" for metric in metrics),
            citation="\n".join(dict.fromkeys(metric.citation for metric in metrics)),
            inputs_description=_INPUTS,
            features=Features({"predictions": Value("string"), "references": Value("string")}),
        )

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:
        """Add predictions and references."""
        texts = {"predictions": [*map(_to_json, predictions)], "references": [*map(_to_json, references)]}
        evaluate.Metric.add_batch(self, **texts, **kwargs)

    def add(self, *, prediction: Any = None, reference: Any = None, **kwargs: Any) -> None:
        """Add one prediction and its reference."""
        evaluate.Metric.add(self, prediction=_to_json(prediction), reference=_to_json(reference), **kwargs)

    def _compute(
        self,
        predictions: Sequence[str],
        references: Sequence[str],
        train_predictions: Sequence[object] = (),
        train_references: Sequence[object] = (),
    ) -> dict[str, float]:
        made, rows = self._predictions(predictions), self._rows(references)
        task = self._bound([*made, *rows])
        if isinstance(task, ReferenceTask):
            if not len(train_predictions):
                raise InputError(f"{self._task_name}: compute() needs train_predictions and train_references")
            train_rows = self._rows(map(_to_json, train_references))
            train_made = self._typed(self._predictions(map(_to_json, train_predictions)), task)
            task.fit_reference(train_made, [_numbered(row, task) for row in train_rows])
        per_example = statistics(task, self._typed(made, task), [_numbered(row, task) for row in rows])
        numbers = values(task, per_example)
        return {name: numbers[name] for name in self._names if name in numbers}

    def _typed(self, made: Iterable[Plain], task: Task) -> list[Prediction]:
        return [self._type.from_json(_named(prediction, task)) for prediction in made]

    def _predictions(self, texts: Iterator[str] | Sequence[str]) -> list[Plain]:
        """Predictions with the field that may stand alone; of scores of classes the best one."""
        made = []
        for given in map(json.loads, texts):
            prediction = given if isinstance(given, dict) else {self._field: given}
            needed = [self._field] if self._field else [f.name for f in fields(self._type) if f.default is MISSING]
            if absent := [name for name in needed if name not in prediction]:
                raise InputError(f"{self._task_name}: a prediction lacks {', '.join(absent)}")
            if isinstance(prediction.get("label"), list):
                prediction["label"] = int(np.argmax(prediction["label"]))
            made.append(prediction)
        return made

    def _rows(self, texts: Iterator[str] | Sequence[str]) -> list[Plain]:
        """Rows with the column that may stand alone."""
        rows = []
        for given in map(json.loads, texts):
            row = given if isinstance(given, dict) and self._column in given else {self._column: given}
            if self._column == "answers" and not isinstance(row["answers"], dict):
                right = row["answers"]
                row["answers"] = {"text": [right] if isinstance(right, str) else right}
            rows.append(row)
        return rows

    def _bound(self, given: Sequence[Row]) -> Task:
        """The task with its classes, which are called by their numbers where they have no names."""
        if self._labels:
            return task_type(self._task_name).of(self._labels)
        classes = [c for one in given for c in _classes(one)]
        ids = [c for c in classes if isinstance(c, int)]
        if len(ids) < len(classes):
            raise InputError(f"{self._task_name}: labels= has to give the names of the classes, in their order")
        return task_type(self._task_name).of([str(i) for i in range(max([1, *ids]) + 1)])


def _classes(given: Row) -> Iterator[str | int]:
    """Classes of a prediction or a row, as names or numbers."""
    if "label" in given:
        yield given["label"]
    for name in ("labels", "names"):
        yield from given.get(name, ())
    yield from given.get("objects", {}).get("category", ())


def _named(prediction: Plain, task: Task) -> Plain:
    """A prediction whose classes are names."""

    def name(label: str | int) -> str:
        return task.labels[label] if isinstance(label, int) else label

    if "label" in prediction:
        prediction["label"] = name(prediction["label"])
    if "labels" in prediction:
        prediction["labels"] = [name(label) for label in prediction["labels"]]
    return prediction


def _numbered(row: Plain, task: Task) -> Plain:
    """A row whose class is a number."""
    if isinstance(row.get("label"), str):
        if row["label"] not in task.labels:
            raise unknown("class", row["label"], task.labels, "references")
        row["label"] = task.labels.index(row["label"])
    return row


def _to_json(value: object) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """Arrays and tensors as lists, predictions as their JSON."""
    return value.to_json() if hasattr(value, "to_json") else value.tolist()
