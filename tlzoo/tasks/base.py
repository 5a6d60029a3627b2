"""What a task is: head, loss, decoding and per-example statistics; one module a task kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from datasets import Features
from torch import Tensor, nn

from tlzoo.adapters.base import Batch, Row
from tlzoo.cards.vocabulary import TASKS, TaskFacts


class Task(ABC):
    """A task, bound to the features of one data set.

    Attributes:
        name: Its name in the vocabulary.
    """

    name: ClassVar[str]

    def __init__(self, features: Features) -> None:
        """Bind the task.

        Args:
            features: Features of the data set's rows.

        Raises:
            InputError: The features lack what the task needs.
        """
        self.features = features

    @property
    def facts(self) -> TaskFacts:
        """Domain, needs and metrics."""
        return TASKS[self.name]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics with a statistic, headline first."""
        return self.facts.metrics

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, where there are classes."""
        return ()

    @abstractmethod
    def statistics(self, prediction: Any, row: Row) -> Mapping[str, list[float]]:
        """What each metric's reducer wants of one example (see ``tlzoo.leaderboard.metrics``)."""


class HeadTask(Task):
    """A task that can put a head on a backbone's output.

    Attributes:
        output: The backbone's output that the head reads.
    """

    output: ClassVar[str] = "pooled"

    @abstractmethod
    def head(self, dim: int) -> nn.Module:
        """A new head on an output of ``dim`` values."""

    @abstractmethod
    def target(self, row: Row) -> Tensor:
        """What the loss compares with, for one row."""

    @abstractmethod
    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Scalar loss of a batch that carries ``target``."""

    @abstractmethod
    def decode(self, logits: Tensor) -> list[Any]:
        """Predictions, one an example."""
