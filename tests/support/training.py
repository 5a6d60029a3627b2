"""Trainings as short as a test can have them."""

from collections.abc import Sequence

import torch
from datasets import Dataset

from tlzoo.core.batch import Row
from tlzoo.core.model import Model
from tlzoo.core.task import Task
from tlzoo.transfer.inference import statistics, value


def learn(
    model: Model, rows: Sequence[Row] | Dataset, steps: int = 40, rate: float = 5e-3, augment: bool = False
) -> list[float]:
    """Train what is not frozen on all rows at once.

    Returns:
        The loss of each step.
    """
    torch.manual_seed(0)
    batch = model.collate([model.encode(row) for row in rows])
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    model.train()
    losses = []
    for _ in range(steps):
        loss = model.loss(model.augment(batch) if augment else batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    model.eval()
    return losses


@torch.inference_mode()
def scores(task: Task, model: Model, rows: Sequence[Row] | Dataset) -> dict[str, float]:
    """The task's metrics of a model on rows."""
    predictions = model.eval().predict(model.collate([model.encode(row) for row in rows]))
    return {name: value(name, each) for name, each in statistics(task, predictions, rows).items()}
