"""What fitting a baseline gives, and the choice between variants of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.leaderboard.metrics import METRICS

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.predictions import Prediction
    from tlzoo.core.task import Task


@dataclass(frozen=True)
class Fitted:
    """A fitted baseline.

    Attributes:
        description: What it is, for a person, such as ``MFCC of 4 parts, logistic regression (C=1)``.
        predict: Gives the predictions of rows, whose targets it does not read.
    """

    description: str
    predict: Callable[[Sequence[Row]], Sequence[Prediction]]


def score(task: Task, predictions: Iterable[Prediction], rows: Iterable[Row]) -> float:
    """The task's first metric that the predictions support, negated for error metrics; more is better.

    A metric without a value on these rows is minus infinity.
    """
    statistics = [task.statistics(prediction, row) for prediction, row in zip(predictions, rows, strict=True)]
    sources = {name: METRICS[name].statistic or name for name in task.metrics}
    name = next(name for name, source in sources.items() if all(source in each for each in statistics))
    values = METRICS[name].reduce([each[sources[name]] for each in statistics], np.ones((1, len(statistics))))
    value = METRICS[name].sign * float(values[0])
    return -math.inf if math.isnan(value) else value


def best(task: Task, variants: Iterable[Fitted], validation: Sequence[Row]) -> Fitted:
    """The variant with the best :func:`score` on the validation rows; the first of several that are as good."""
    return max(variants, key=lambda variant: score(task, variant.predict(validation), validation))
