"""What a task is: head, loss, decoding and per-example statistics; one module a task kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from datasets import Features, Value
from torch import Tensor, nn

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Completion, Prediction, Reply
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.vocabulary import TASKS, TaskFacts


class Task(ABC):
    """A task, bound to the features of one data set.

    Attributes:
        name: Its name in the vocabulary.
        inputs: Columns of text that are read together as one input; by default the column named after the kind.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, features: Features) -> None:
        """Bind the task.

        Args:
            features: Features of the data set's rows.

        Raises:
            InputError: The features lack what the task needs.
        """
        self.features = features

    def need_strings(self, *columns: str) -> None:
        """Check that columns are of strings.

        Raises:
            InputError: One is absent, or of something else.
        """
        for column in columns:
            feature = self.features.get(column)
            if not isinstance(feature, Value) or feature.dtype not in ("string", "large_string"):
                raise InputError(
                    f"{self.name} needs a column {column!r} of strings; columns: {', '.join(self.features)}"
                )

    @classmethod
    @abstractmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Features of rows with these classes, which is enough to bind the task to a model on disk."""

    @classmethod
    def of(cls, labels: Sequence[str]) -> Self:
        """The task with these classes, without data."""
        return cls(cls.features_of(labels))

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
        """The statistic of one example for each metric's reducer (see ``tlzoo.leaderboard.metrics``)."""

    def is_right(self, prediction: Any, row: Row, statistic: Sequence[float]) -> bool:
        """Whether the headline metric of this example is at least 0.5 (at most 0.5, for error metrics)."""
        metric = METRICS[self.metrics[0]]
        return bool(metric.sign * (metric.reduce([statistic], np.ones((1, 1)))[0] - 0.5) >= 0)


class ReferenceTask(Task):
    """A task whose metrics need the model's predictions on the training examples; :meth:`fit_reference` comes first."""

    @abstractmethod
    def fit_reference(self, train_predictions: Sequence[Any], rows: Sequence[Row]) -> None:
        """Fit what later predictions are compared with.

        Args:
            train_predictions: Predictions of the training examples.
            rows: The training examples.
        """


class HeadTask(Task):
    """A task that can put a head on a backbone's output.

    Attributes:
        output: The backbone's output that the head reads.
        framing: How pictures are brought to the backbone's size (``tlzoo.data.media.geometry``).
        hop_seconds: Time from one token to the next that suits the task, for audio backbones that can choose.
        ragged: Parts of an example, besides the backbone's, that vary in their first dimension.
        siamese: Whether the backbone reads each of those columns by itself, and the head gets a list of vectors.
        windowed: Whether the last column is read in as many windows as it takes (``tlzoo.adapters.spans``).
    """

    output: ClassVar[Literal["pooled", "tokens", "pyramid"]] = "pooled"
    framing: ClassVar[Literal["crop", "letterbox"]] = "crop"
    hop_seconds: ClassVar[float | None] = None
    ragged: ClassVar[frozenset[str]] = frozenset()
    siamese: ClassVar[bool] = False
    windowed: ClassVar[bool] = False

    @abstractmethod
    def head(self, spec: Spec) -> nn.Module:
        """A new head on a backbone's output ``self.output``: a vector an example, the maps of a pyramid, ``Tokens``."""

    def layout(self, row: Row) -> Example:
        """Of a windowed task: what decoding needs to know of a text, such as where its words are; mostly nothing."""
        return {}

    def has_target(self, row: Row) -> bool:
        """Whether a row is labelled; rows to predict are not."""
        return "label" in row

    def with_target(self, row: Row, example: Example) -> Example:
        """An example with the target of its row, if it is labelled."""
        return example | {"target": self.target(row, example)} if self.has_target(row) else example

    @abstractmethod
    def target(self, row: Row, example: Example) -> Any:
        """The target of the loss for one row: a tensor, or a dict of tensors where their number varies.

        Args:
            row: The row.
            example: Its preprocessed input; a picture's has its ``frame``.
        """

    def augment(self, batch: Batch) -> Batch:
        """Vary a training batch, inputs and targets alike, with torch's generator; the default changes nothing."""
        return batch

    @abstractmethod
    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Scalar loss of a head's output for a batch that carries ``target``."""

    @abstractmethod
    def decode(self, output: Any, batch: Batch) -> Sequence[Prediction]:
        """Predictions, one an example, from a head's output."""


Message = dict[str, str]
"""One turn of a conversation: ``role`` (``system``, ``user`` or ``assistant``) and ``content``."""


class PromptTask(Task):
    """A task that can be put in words, for API models.

    Attributes:
        instruction: What the model is to do, and the form of its answer.
        max_tokens: Maximum length of an answer, in the served model's tokens.
    """

    instruction: ClassVar[str]
    max_tokens: ClassVar[int]

    @abstractmethod
    def question(self, row: Row) -> str:
        """The question about one row."""

    @abstractmethod
    def answer(self, row: Row) -> str:
        """The right answer to :meth:`question`, as a demonstration gives it."""

    @abstractmethod
    def parse(self, answer: str, row: Row) -> Completion | Reply:
        """Turn any answer of a model into the task's prediction; never raises, nor reads the row's target."""

    def prompt(self, row: Row, examples: Sequence[Row] = ()) -> list[Message]:
        """Put a row as a conversation.

        Args:
            row: The row to ask about; its target is not read.
            examples: Labelled rows that come first, as turns already answered (few-shot); empty for zero-shot.

        Returns:
            The messages, in order; the last one is the user's.
        """
        turns = [("system", self.instruction)]
        for example in examples:
            turns += [("user", self.question(example)), ("assistant", self.answer(example))]
        turns.append(("user", self.question(row)))
        return [{"role": role, "content": content} for role, content in turns]
