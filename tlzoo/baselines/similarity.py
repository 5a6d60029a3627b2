"""Baselines of the similarity of two texts: always the same; the cosine of what they share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.words import vectorizers
from tlzoo.core.predictions import Similarity

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """All pairs are equally similar."""
    return Fitted("all pairs are equally similar", lambda rows: [Similarity(0.0)] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The cosine of tf-idf, of words or of characters, weighed by the texts of the training rows."""
    texts = list(dict.fromkeys(row[column] for row in train for column in task.inputs))
    counted = {name: vectorizer.fit(texts) for name, vectorizer in vectorizers().items()}
    variants = [
        Fitted(f"cosine of {name}", partial(_cosines, vectorizer, task.inputs)) for name, vectorizer in counted.items()
    ]
    return best(task, variants, validation)


def _cosines(vectorizer: Any, columns: Sequence[str], rows: Rows) -> list[Similarity]:
    if not len(rows):
        return []
    first, second = (vectorizer.transform([row[column] for row in rows]) for column in columns)
    cosines = np.asarray(first.multiply(second).sum(1)).ravel()  # vectors have unit length
    return [Similarity(min(1.0, cosine)) for cosine in cosines.tolist()]
