"""Predictions and scores of a model over examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from tlzoo.adapters.base import Example, Model, Row, to_device
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks.base import Task

BATCH = 32


def batched(items: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Consecutive lists of at most ``size`` items, taken as they are needed."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@torch.inference_mode()
def predict(model: Model, examples: Iterable[Example], device: str = "cpu", progress: str = "") -> Iterator[Any]:
    """Predictions of examples, one at a time, batch by batch.

    Args:
        model: The model; is left in evaluation mode.
        examples: Preprocessed examples; never more than a batch of them is held.
        device: Where to compute.
        progress: What the progress bar says; empty for none.
    """
    model.eval()
    with tqdm(desc=progress, unit="example", leave=False, disable=not progress) as bar:
        for batch in batched(examples):
            yield from model.predict(to_device(model.collate(batch), device))
            bar.update(len(batch))


def refer(task: Task, model: Model, examples: Iterable[Example], rows: Sequence[Row], device: str = "cpu") -> None:
    """Give a task the predictions of the training examples, where it compares with them."""
    if task.compares:
        task.refer(list(predict(model, examples, device)), rows)


def statistics(task: Task, predictions: Iterable[Any], rows: Iterable[Row]) -> dict[str, list[list[float]]]:
    """Per-example statistics of the task's metrics, but those that a model's predictions do not serve.

    A model without a likelihood, for example, has no perplexity.
    """
    each = [task.statistics(p, row) for p, row in zip(predictions, rows, strict=True)]
    return {name: [list(s[name]) for s in each] for name in task.metrics if all(name in s for s in each)}


def value(metric: str, statistic: Sequence[Sequence[float]]) -> float:
    """A metric of all examples."""
    return float(METRICS[metric].reduce(statistic, np.ones((1, len(statistic))))[0])
