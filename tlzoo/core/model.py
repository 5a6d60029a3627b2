"""Models as the harness sees them.

A card becomes one of two species. A :class:`Backbone` has named outputs, to which a task adds head, loss and decoding
(:class:`HeadedModel`). A :class:`Model` turns rows into predictions by itself; a :class:`TrainableModel` can also be
trained on a task, and an :class:`ApiModel` is served behind an API.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler

from tlzoo.core import siamese
from tlzoo.core.batch import SAMPLES, Batch, Example, Outputs, Row, Spec, Tokens, collate
from tlzoo.core.novelty import Novelty
from tlzoo.core.predictions import ClassScores, Prediction
from tlzoo.core.task import HeadTask, Task
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError


class Network(nn.Module, ABC):
    """What backbones and models share.

    Attributes:
        spec: What it takes and gives.
        ragged: Parts of its examples that vary in their first dimension.
    """

    spec: Spec
    ragged: frozenset[str] = frozenset()

    def save_assets(self, folder: Path) -> None:
        """Write what the network needs besides its parameters and its variant, such as a tokenizer; often nothing."""

    def load_assets(self, folder: Path) -> None:
        """Read what :meth:`save_assets` wrote."""


@runtime_checkable
class OfficialWeights(Protocol):
    """A network whose weights were published as files."""

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: Verified files by the names that the card gives them.

        Raises:
            InputError: The files do not fit the network.
        """


class RowNetwork(Network):
    """A network that takes rows of a data set."""

    @abstractmethod
    def encode(self, row: Row) -> Example:
        """Preprocess one row. The result depends on nothing else, so that it may be cached.

        Raises:
            InputError: The row cannot be read as this network's input.
        """

    def preprocess(self, rows: Sequence[Row]) -> Batch:
        """Preprocess rows and collate them."""
        return self.collate([self.encode(row) for row in rows])

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Put preprocessed examples together."""
        return collate(examples, self.ragged)


class Learner(RowNetwork):
    """What the training loop trains: a network with a loss."""

    def augment(self, batch: Batch) -> Batch:
        """Vary a training batch at random, with torch's own generator; the default changes nothing."""
        return batch

    def sampler(self, examples: Sequence[Example], size: int, generator: torch.Generator) -> Sampler[int] | None:
        """In which order training draws examples, where that is not any order; by default sounds, by length.

        Args:
            examples: The training examples.
            size: So many in a row become a batch.
            generator: Source of randomness.
        """
        if SAMPLES not in self.ragged:
            return None
        from transformers.trainer_pt_utils import LengthGroupedSampler

        lengths = [len(example[SAMPLES]) for example in examples]
        by_length: Sampler[int] = LengthGroupedSampler(size, lengths=lengths, generator=generator)
        return by_length

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Training loss, a scalar."""


class Model(RowNetwork):
    """A network that turns rows into predictions."""

    task: Task | None = None

    @abstractmethod
    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """Predictions in the task's format, one an example."""

    def published_model(self) -> Model | None:
        """The model as it was published; native models return themselves."""
        return self

    def for_zero_shot(self, task: Task) -> Model | None:
        """The model that predicts a task without training; absent if its head was not published."""
        return self.published_model()


class TrainableModel(Learner, Model):
    """A model that can be trained."""

    @abstractmethod
    def for_task(self, task: Task) -> TrainableModel:
        """Make the model ready to be trained on a task's own classes, after its weights were loaded.

        Layers that depend on the classes are made anew where the classes differ; everything else stays.

        Args:
            task: The task, bound to its data.

        Returns:
            The model to train, mostly this one.

        Raises:
            InputError: The model cannot be trained on this task.
        """

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Parts from input to output, the last one what a probe trains; for partial tuning and as LoRA's targets."""

    def stand_in_target(self) -> nn.Module:
        """The module whose parameters a stand-in holds."""
        return self


@dataclass(frozen=True)
class Limits:
    """Limits of a run of an API model.

    Attributes:
        seconds: Time after which no request is sent.
        usd: Maximum spend in US dollars, at the endpoint's price.
        requests: Expected number of requests, to tell early whether they will fit the time.
    """

    seconds: float = math.inf
    usd: float = math.inf
    requests: int = 0


class Usage(TypedDict):
    """What the predictions of an API model took so far; columns of a row, but for ``paid_usd``.

    ``requests`` were sent and answered, ``cached`` answers were already there. ``prompt_tokens``, ``completion_tokens``
    and ``cost_usd`` are of all of them, null where the endpoint does not count or its price is not known. ``served`` is
    the name by which the endpoint called the model, and ``paid_usd`` what was spent now.
    """

    requests: int
    cached: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    served: str | None
    paid_usd: float


class ApiModel(Model):
    """A model behind an API: every prediction is a request, and may cost money."""

    @abstractmethod
    def set_demonstrations(self, examples: Sequence[Row]) -> None:
        """Put labelled examples into every prompt: few-shot."""

    @abstractmethod
    def set_limits(self, limits: Limits) -> None:
        """Set limits of time and money; the clock starts now."""

    @property
    @abstractmethod
    def usage(self) -> Usage:
        """What the predictions took so far."""


class Backbone(Network):
    """A network with named outputs that a task's head can use, those of ``spec.outputs``."""

    @abstractmethod
    def encode(self, source: Any) -> Example:
        """Preprocess one decoded input (audio: float32 samples at ``spec.sample_rate``, mono)."""

    @abstractmethod
    def forward(self, batch: Batch) -> Outputs:
        """Named outputs of a batch."""

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Parts from input to output."""

    @abstractmethod
    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: Verified files by the names that the card gives them.

        Raises:
            InputError: The files do not fit the network.
        """

    def published_model(self) -> Model | None:
        """The published model with its own head, after :meth:`load_official`; absent where there is none."""
        return None

    def drop_published_head(self) -> None:
        """Remove the layers of the published head, which a task's own head replaces."""

    def stand_in_target(self) -> nn.Module:
        """The module whose parameters a stand-in holds."""
        return self

    def set_hop(self, seconds: float) -> None:
        """Set the time from one token to the next, if the backbone supports it; the default is a no-op."""

    def configure_for(self, task: HeadTask) -> None:
        """Set how inputs are preprocessed for a task."""
        if task.hop_seconds is not None:
            self.set_hop(task.hop_seconds)

    def for_task(self, task: Task) -> HeadedModel:
        """Put a task's new head on the backbone, in the place of the published one.

        Args:
            task: The task, bound to its data.

        Raises:
            InputError: The task has no head.
        """
        if not isinstance(task, HeadTask):
            raise InputError(f"{task.name} has no head that a backbone could be trained with")
        self.drop_published_head()
        self.configure_for(task)
        return HeadedModel(self, task, task.head(self.spec))

    def for_zero_shot(self, task: Task) -> Model | None:
        """The model that predicts a task without training: with the published head, or without where none is needed.

        Returns:
            The model; absent if the task needs a head and none was published.
        """
        if not task.facts.untrained:
            return self.published_model()
        model = self.for_task(task)
        model.head = nn.Identity()
        return model

    def encode_row(self, row: Row, task: HeadTask) -> Example:
        """Decode and preprocess what a task reads of a row."""
        if not task.inputs:
            return self.encode(read_input(row, self.spec.input, self.spec.sample_rate, self.spec.frames))
        texts = tuple(row[column] for column in task.inputs)
        return siamese.encode(self.encode, texts) if task.siamese else self.encode(texts)

    def ragged_for(self, task: HeadTask) -> frozenset[str]:
        """The parts of :meth:`encode_row`'s examples that vary in their first dimension."""
        if task.siamese:
            return siamese.ragged_parts(self.ragged, len(task.inputs))
        return self.ragged | task.ragged

    def output_for(self, batch: Batch, task: HeadTask) -> HeadInput:
        """The output that a task's head reads; of a siamese task the vectors of each column."""
        if task.siamese:
            return siamese.vectors(lambda texts: self(texts)["pooled"], batch, self.ragged, len(task.inputs))
        outputs: Outputs = self(batch)
        if task.output == "tokens":
            return Tokens(outputs["tokens"], outputs["tokens_lengths"])
        return outputs[task.output]


HeadInput = Tensor | Tokens | list[Tensor]
"""What a head reads: vectors, tokens, the maps of a pyramid, or the vectors of several texts."""


class HeadedModel(TrainableModel):
    """A backbone with a task's head; the task gives loss and decoding.

    Attributes:
        novelty: Of a fine-tuned model, what tells an input that is unlike all that it learnt from.
    """

    task: HeadTask
    novelty: Novelty | None = None

    def __init__(self, backbone: Backbone, task: HeadTask, head: nn.Module) -> None:
        """Put a head on a backbone; :meth:`Backbone.for_task` makes both ready.

        Args:
            backbone: A backbone whose outputs include ``task.output``.
            task: The task.
            head: Reads that output.
        """
        super().__init__()
        self.backbone, self.task, self.head = backbone, task, head
        self.spec = backbone.spec
        self.ragged = backbone.ragged_for(task)

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the input, with the target where the row has one."""
        return self.task.with_target(row, self.backbone.encode_row(row, self.task))

    def augment(self, batch: Batch) -> Batch:
        """The task's augmentation."""
        return self.task.augment(batch)

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        return self.head(self.backbone.output_for(batch, self.task))

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """The task's predictions; ``unknown`` where an input is unlike all that was learnt from."""
        read = self.backbone.output_for(batch, self.task)
        predictions = self.task.decode(self.head(read), batch)
        if self.novelty is None or not isinstance(read, Tensor):
            return predictions
        return self.novelty.judged(cast(Sequence[ClassScores], predictions), read)

    def for_task(self, task: Task) -> HeadedModel:
        """The same backbone with a new head."""
        return self.backbone.for_task(task)

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the head."""
        return [*self.backbone.stages(), self.head]

    def save_assets(self, folder: Path) -> None:
        """Write what the backbone needs, and what tells novelty."""
        self.backbone.save_assets(folder)
        if self.novelty is not None:
            self.novelty.save(folder)

    def load_assets(self, folder: Path) -> None:
        """Read what the backbone needs, and what tells novelty."""
        self.backbone.load_assets(folder)
        self.novelty = Novelty.load(folder)

    def on_features(self, features: Callable[[Row], Example]) -> HeadModel:
        """This model's head alone, on frozen features of the backbone; training it trains this model's head."""
        return HeadModel(self.head, self.task, features, self.spec)


class HeadModel(Learner, Model):
    """A head alone, on frozen features: what a probe trains."""

    task: HeadTask

    def __init__(self, head: nn.Module, task: HeadTask, features: Callable[[Row], Example], spec: Spec) -> None:
        """Wrap a head.

        Args:
            head: The head.
            task: The task.
            features: Gives what the head reads of a row, ``features``, and the ``frame`` of a picture.
            spec: The backbone's.
        """
        super().__init__()
        self.head, self.task, self.features, self.spec = head, task, features, spec

    def encode(self, row: Row) -> Example:
        """Look the frozen features up."""
        return self.task.with_target(row, self.features(row))

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        if "features" in batch:
            return self.head(batch["features"])
        return self.head([batch[name] for i in range(len(batch)) if (name := f"features{i}") in batch])

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """The task's predictions."""
        return self.task.decode(self(batch), batch)


def trainable(network: Backbone | Model) -> Backbone | TrainableModel:
    """A network that can be made ready for a task.

    Raises:
        InputError: The network cannot be trained.
    """
    if not isinstance(network, Backbone | TrainableModel):
        raise InputError(f"{type(network).__name__} cannot be trained; run it with: zero-shot")
    return network
