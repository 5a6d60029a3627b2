"""Models as the harness sees them.

There are two ways to make a :class:`Model`: a :class:`Backbone` with named outputs, to which a task adds head, loss and
decoding (``tlzoo.tasks.head_model.HeadedModel``), or a native model that brings its own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tlzoo.core.batch import Batch, Example, Row, Spec, collate
from tlzoo.core.predictions import Prediction
from tlzoo.core.task import Task
from tlzoo.errors import InputError


@dataclass(frozen=True)
class Limits:
    """How far a run may go that asks for answers.

    Attributes:
        seconds: Seconds after which nothing is sent.
        usd: US dollars that may be spent, at the endpoint's price.
        requests: Requests that are expected, to tell soon whether they will fit the seconds.
    """

    seconds: float = math.inf
    usd: float = math.inf
    requests: int = 0


class Model(nn.Module, ABC):
    """The interface between models and harness."""

    spec: Spec
    task: Task | None = None
    ragged: frozenset[str] = frozenset()

    @abstractmethod
    def encode(self, row: Row) -> Example:
        """Preprocess one row; pure, so that its result may be kept.

        Raises:
            InputError: The row cannot be read as this model's input.
        """

    def preprocess(self, rows: Sequence[Row]) -> Batch:
        """Preprocess rows and put them together."""
        return self.collate([self.encode(row) for row in rows])

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Put preprocessed examples together."""
        return collate(examples, self.ragged)

    @abstractmethod
    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """Predictions in the task's format, one an example."""

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights, of a native model.

        Args:
            files: Verified files by the names that the card gives them.

        Raises:
            NotImplementedError: The model has no files.
        """
        raise NotImplementedError(f"{type(self).__name__} has no weight files")

    def published(self) -> Model | None:
        """The model as it was published: a native one is that itself."""
        return self

    def pretrained(self) -> nn.Module:
        """What a stand-in's parameters are loaded into: a native model is that itself."""
        return self

    def adapt(self, task: Task) -> None:
        """Get a native model ready to be trained on a task's own classes.

        Layers that depend on the classes are made anew where the classes differ; everything else stays. Called after
        the weights were loaded, and before training.

        Args:
            task: The task, bound to its data.

        Raises:
            InputError: The model cannot be trained here, or not on this task.
        """
        raise InputError(f"{type(self).__name__} cannot be trained; run it with: zero-shot")

    def show(self, examples: Sequence[Row]) -> None:
        """Put labelled examples into every prompt, of a model that is asked in words: few-shot.

        Raises:
            InputError: The model has no prompt.
        """
        raise InputError(f"{type(self).__name__} has no prompt to put examples into; run it with: zero-shot")

    def limit(self, limits: Limits) -> None:
        """Set limits of time and money; a model that runs here is planned by its measured speed, and needs none."""

    @property
    def usage(self) -> Mapping[str, Any]:
        """What its predictions took so far, as columns of a row; nothing of a model that runs here."""
        return {}

    def augment(self, batch: Batch) -> Batch:
        """Vary a training batch at random, by torch's own generator; by default nothing is varied."""
        return batch

    def loss(self, batch: Batch) -> Tensor:
        """Training loss, a scalar.

        Raises:
            NotImplementedError: The model cannot be trained here.
        """
        raise NotImplementedError(f"{type(self).__name__} has no training loss")

    def stages(self) -> list[nn.Module]:
        """Parts from input to output, the last one what a probe trains; for partial tuning and as LoRA's targets."""
        return []

    def save_assets(self, folder: Path) -> None:
        """Write what the model needs besides its parameters and its variant, such as a tokenizer; mostly nothing."""

    def load_assets(self, folder: Path) -> None:
        """Read what :meth:`save_assets` wrote."""


class Backbone(nn.Module, ABC):
    """A network with named outputs that a task's head can use.

    ``forward`` gives a dict with the outputs of ``spec.outputs``: ``pooled`` of shape ``(batch, dim)``; ``tokens`` of
    shape ``(sum of lengths, dim)`` with ``tokens_lengths``; ``pyramid`` a list of maps
    ``(batch, channels, height, width)``, finest first, as ``spec.pyramid`` says.
    """

    spec: Spec
    ragged: frozenset[str] = frozenset()

    @abstractmethod
    def encode(self, source: Any) -> Example:
        """Preprocess one decoded input (audio: float32 samples at ``spec.sample_rate``, mono)."""

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Any]:
        """Named outputs of a batch."""

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Parts from input to output."""

    @abstractmethod
    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: Verified files by the names that the card gives them.
        """

    def save_assets(self, folder: Path) -> None:
        """As :meth:`Model.save_assets`."""

    def load_assets(self, folder: Path) -> None:
        """As :meth:`Model.load_assets`."""

    def look_every(self, seconds: float) -> None:
        """Give a token every so many seconds, where that can be chosen; by default it cannot."""

    def drop_published_head(self) -> None:
        """Forget the layers of the published head, which a task's own head replaces."""

    def published(self) -> Model | None:
        """The published model with its own head, after :meth:`load_official`; absent where there is none."""
        return None
