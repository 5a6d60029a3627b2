"""The final model: trained on all examples, tested on those that were given for that, and looked into."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tlzoo.data.dataset import Prepared
from tlzoo.run.execute import frozen_features, is_on_frozen_features, ready, threads
from tlzoo.run.plan import Run

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

    from tlzoo.core.model import Model, TrainableModel
    from tlzoo.core.task import Task
    from tlzoo.transfer.saved import SavedState


def refit(
    run: Run, data: Prepared, task: Task, rate: float, epochs: float, progress: bool, saved: SavedState
) -> TrainableModel:
    """The model of a run, trained on all training examples of some data, in evaluation mode.

    Args:
        run: The run, whose recipe is taken.
        data: The data; no other split of them is read.
        task: The task.
        rate: Peak learning rate.
        epochs: How often each example is seen; validation, which chose that, has nothing to choose now.
        progress: Whether to show progress bars on standard error.
        saved: Where the state of training is kept.

    Raises:
        DivergedError: The loss or the weights became infinite or NaN.
    """
    from accelerate.utils import set_seed

    from tlzoo.transfer.examples import examples_of
    from tlzoo.transfer.loop import fit
    from tlzoo.transfer.repeatable import repeatable

    with repeatable(threads()):
        set_seed(run.seed)
        rows = data.splits["train"]
        model, learner, _ = ready(run, task, rows, progress)
        examples = examples_of(learner, rows)
        steps = max(1, round(epochs * len(rows) / run.recipe.batch_size))
        whole = replace(run.recipe, learning_rates=(rate,), extensions=0, looks=1)
        whole = replace(whole, steps=max(steps, whole.for_examples(len(rows)).steps))
        label, device = f"{run.checkpoint.card} {run.strategy}, all examples", run.device
        fit(
            learner, examples, lambda _: 0.0, whole, run.seed, until=steps, device=device, label=label,
            progress=progress, saved=saved,
        )  # fmt: skip
        model.to(run.device)
    return model.eval()


def tested(run: Run, model: Model, task: Task, data: Prepared) -> dict[str, list[list[float]]]:
    """Per-example statistics of a trained model on the test examples.

    Raises:
        DivergedError: A prediction is not finite.
        InputError: The first metric is not a number on these examples.
    """
    from tlzoo.transfer.inference import fit_reference, predict, statistics, values
    from tlzoo.transfer.repeatable import repeatable

    with repeatable(threads()):
        train_rows, test = data.splits["train"], data.splits["test"]
        fit_reference(task, model, (model.encode(row) for row in train_rows), train_rows, run.device)
        scores = statistics(task, predict(model, (model.encode(row) for row in test), run.device), test)
    values(task, scores)
    return scores


def unit_vectors(run: Run, model: Model, rows: Dataset) -> Tensor | None:
    """What a model's head reads of rows, as unit vectors, ``(rows, dim)``; absent where that is no vector a row.

    Args:
        run: The run that trained the model; frozen features are not computed again.
        model: The model.
        rows: Rows of its data.
    """
    import torch
    from torch.nn import functional as F

    from tlzoo.core.batch import to_device
    from tlzoo.core.model import HeadedModel
    from tlzoo.transfer.inference import batched

    if not isinstance(model, HeadedModel):
        return None
    parts: list[Any] = []
    if is_on_frozen_features(run):
        features = frozen_features(run, model, progress=False)
        read = [features(row).get("features") for row in rows.select_columns("id")]
        parts = [part[None] if part is not None and part.ndim == 1 else part for part in read]
    else:
        with torch.inference_mode():
            for examples in batched(model.encode(row) for row in rows):
                batch = to_device(model.collate(examples), run.device)
                parts.append(model.backbone.output_for(batch, model.task))
    if not all(isinstance(part, torch.Tensor) and part.ndim == 2 for part in parts):
        return None
    return F.normalize(torch.cat(parts).float(), dim=1).cpu()
