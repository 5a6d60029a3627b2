"""Baselines of embedding: the same vector for everything; features that were made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlzoo.baselines.classes import FEATURES
from tlzoo.baselines.fitted import Fitted, score
from tlzoo.core.predictions import Embedding
from tlzoo.core.task import ReferenceTask

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """One vector for all."""
    return Fitted("one vector for all", lambda rows: [Embedding([1.0])] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The features of classification whose neighbours are best on the validation rows."""
    features = FEATURES[kind]
    inputs, others = ([features.read(row) for row in rows] for rows in (train, validation))
    reached = {}
    for variant, extract in features.variants.items():
        if isinstance(task, ReferenceTask):
            task.fit_reference([Embedding(vector) for vector in extract(inputs).tolist()], train)
        reached[variant] = score(task, [Embedding(vector) for vector in extract(others).tolist()], validation)
    best = max(reached, key=lambda variant: reached[variant])

    def predict(rows: Rows) -> list[Embedding]:
        return [Embedding(vector) for vector in features.variants[best]([features.read(r) for r in rows]).tolist()]

    return Fitted(best, predict)
