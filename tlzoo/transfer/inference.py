"""Predictions and scores of a model over examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from tlzoo.baselines import fit
from tlzoo.baselines.fitted import Fitted
from tlzoo.core.batch import Example, Row, to_device
from tlzoo.core.model import Model
from tlzoo.core.predictions import Prediction
from tlzoo.core.task import ReferenceTask, Task
from tlzoo.errors import DivergedError, InputError
from tlzoo.leaderboard.metrics import METRICS

BATCH = 32


def batched(items: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Consecutive lists of at most ``size`` items, read lazily."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@torch.inference_mode()
def predict(model: Model, examples: Iterable[Example], device: str = "cpu", progress: str = "") -> Iterator[Prediction]:
    """Predictions of examples, one at a time, batch by batch.

    Args:
        model: The model; it is left in evaluation mode.
        examples: Preprocessed examples; at most a batch of them is in memory.
        device: Where to compute.
        progress: Text of the progress bar; empty for none.

    Raises:
        DivergedError: A layer gives NaN, which a class, a mask or a transcript that is decoded from it does not show.
    """
    model.eval()
    with tqdm(desc=progress, unit="example", leave=False, disable=not progress) as bar:
        for batch in batched(examples):
            with _refusing_nan(model):
                predictions = model.predict(to_device(model.collate(batch), device))
            yield from predictions
            bar.update(len(batch))


@contextmanager
def _refusing_nan(model: nn.Module) -> Iterator[None]:
    """Raise ``DivergedError`` inside where a layer gives NaN; infinity is how attention hides a token."""
    layers = [(name, layer) for name, layer in model.named_modules() if not next(layer.children(), None)]
    hooks = [layer.register_forward_hook(_refusing(name)) for name, layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _refusing(name: str) -> Callable[[nn.Module, Any, Any], None]:
    def refuse(layer: nn.Module, _: Any, output: Any) -> None:
        for part in output if isinstance(output, list | tuple) else (output,):
            is_number = isinstance(part, Tensor) and part.is_floating_point()
            if is_number and not part.sum().isfinite() and part.isnan().any():  # the sum is cheap, and rarely infinite
                raise DivergedError(f"layer {name or type(layer).__name__} gives NaN")

    return refuse


def is_sound(model: nn.Module) -> bool:
    """Whether all weights of a model are finite, which most decoded predictions do not show."""
    with torch.inference_mode():
        return all(bool(p.isfinite().all()) for p in model.parameters() if p.is_floating_point())


def fit_reference(
    task: Task, model: Model, examples: Iterable[Example], rows: Sequence[Row], device: str = "cpu"
) -> None:
    """Give a task the model's predictions on the training examples, if its metrics need them.

    Args:
        task: The task; of others than a ``ReferenceTask`` nothing is predicted.
        model: The model.
        examples: The training examples, preprocessed.
        rows: The training examples, as rows.
        device: Where to compute.

    Raises:
        DivergedError: A prediction is not finite.
    """
    if isinstance(task, ReferenceTask):
        predictions = list(predict(model, examples, device))
        if not all(prediction.is_finite() for prediction in predictions):
            raise DivergedError("predictions of training rows hold NaN or infinite numbers")
        task.fit_reference(predictions, rows)


def statistics(task: Task, predictions: Iterable[Prediction], rows: Iterable[Row]) -> dict[str, list[list[float]]]:
    """Per-example statistics of the task's metrics that the model's predictions support.

    For example, a model without a likelihood has no perplexity.

    Raises:
        DivergedError: A prediction is not finite.
    """
    examples = []
    for number, (prediction, row) in enumerate(zip(predictions, rows, strict=True), start=1):
        if not prediction.is_finite():
            raise DivergedError(f"prediction {number} holds NaN or infinite numbers")
        examples.append(task.statistics(prediction, row))
    sources = {name: METRICS[name].statistic or name for name in task.metrics}
    return {name: [list(s[of]) for s in examples] for name, of in sources.items() if all(of in s for s in examples)}


def value(metric: str, statistic: Sequence[Sequence[float]]) -> float:
    """A metric of all examples."""
    return float(METRICS[metric].reduce(statistic, np.ones((1, len(statistic))))[0])


def values(task: Task, by_metric: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, float]:
    """Each metric that is defined on the examples, from their statistics (see :func:`statistics`).

    Raises:
        InputError: The task's first metric is not, such as a rank correlation with equal values.
    """
    numbers = {metric: value(metric, each) for metric, each in by_metric.items()}
    if math.isnan(numbers.get(task.metrics[0], 0.0)):
        raise InputError(f"{METRICS[task.metrics[0]].label} is not defined on these rows; give test rows that differ")
    return {metric: number for metric, number in numbers.items() if not math.isnan(number)}


def baseline_statistics(
    task: Task, fitted: Fitted, train: Sequence[Row], rows: Sequence[Row]
) -> Mapping[str, Sequence[Sequence[float]]]:
    """Per-example statistics of a baseline's predictions of some rows.

    Args:
        task: The task.
        fitted: The baseline.
        train: The rows that it was fitted to, with which predictions are compared where the task's metrics ask for it.
        rows: The rows to predict.
    """
    if isinstance(task, ReferenceTask):
        task.fit_reference(fitted.predict(train), train)
    return statistics(task, fitted.predict(rows), rows)


def trivial_score(task: Task, train: Sequence[Row], validation: Sequence[Row], kind: str, metric: str) -> float:
    """Validation score of the trivial predictor, with the sign that makes more better.

    Args:
        task: The task.
        train: The training rows, with targets.
        validation: The validation rows, with targets.
        kind: Kind of the input.
        metric: The metric.
    """
    scores = baseline_statistics(task, fit("trivial", task, train, (), kind), train, validation)
    return METRICS[metric].sign * value(metric, scores[metric])
