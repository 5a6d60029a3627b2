"""Frozen embeddings of rows, and how well a logistic regression reads classes from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tlzoo.adapters.weights import Checkpoint
from tlzoo.core.batch import Row
from tlzoo.core.model import Backbone
from tlzoo.core.task import HeadTask
from tlzoo.tasks import task_type
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.features import Features

Labels = Sequence[int]


def embeddings(checkpoint: Checkpoint, task: str, rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.float32]:
    """Vectors that a model gives, of shape ``(rows, size)``.

    Args:
        checkpoint: The model's weights.
        task: The task whose input is read.
        rows: What is embedded, each with an ``id``.
        labels: Names of the task's classes.
    """
    bound = task_type(task).of(labels)
    backbone = assemble(checkpoint, bound)
    assert isinstance(bound, HeadTask) and isinstance(backbone, Backbone)
    features = Features.of(backbone, bound, rows)
    return np.stack([features(row)["features"].numpy() for row in rows])


def accuracy(
    train: NDArray[np.float32], labels: Labels, test: NDArray[np.float32], truth: Labels, steps: int, seed: int = 0
) -> float:
    """Accuracy of a logistic regression (scikit-learn's, with its default penalty) on vectors as they are.

    Args:
        train: Vectors to learn from, ``(examples, size)``.
        labels: Their classes.
        test: Vectors to be classified.
        truth: Their classes.
        steps: Maximum iterations.
        seed: Seed of the solver.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the protocol says how many steps there are
        model = LogisticRegression(max_iter=steps, random_state=seed).fit(train, labels)
    return float(model.score(test, truth))
