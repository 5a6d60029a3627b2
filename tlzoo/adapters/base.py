"""The model seam: all that the harness ever sees of a model.

There are two ways to make a :class:`Model`: a :class:`Backbone` with named outputs, to which a task adds head, loss and
decoding (``tlzoo.tasks.headed.HeadedModel``), or a native model that brings its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.adapters.endpoint import Limits
    from tlzoo.tasks.base import Task

Row = Mapping[str, Any]
"""One example of a data set, in the task's features."""
Example = dict[str, Any]
"""One example, preprocessed: tensors without a batch dimension."""
Batch = dict[str, Any]
"""Examples together: tensors with a batch dimension; ragged ones concatenated, with ``<name>_lengths`` beside them."""


class Tokens(NamedTuple):
    """Vectors along the time of several examples, one example after another.

    Attributes:
        values: ``(sum of lengths, dim)``.
        lengths: Of each example, ``(batch,)``.
    """

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Spec:
    """What a model takes and gives.

    Attributes:
        input: Kind of the input, such as ``"audio"``.
        outputs: Size of each named output that a head can use: of its last dimension; of ``pyramid``, its maps.
        sample_rate: Hz, for audio.
        hop_seconds: From one of the ``tokens`` to the next, for audio.
        start_seconds: Where in the sound the middle of what the first of the ``tokens`` stands for lies.
        frames: Of a video, how many are taken.
        height: Pixels, where fixed.
        width: Pixels, where fixed.
        labels: Class names of the published head, if there is one.
        pyramid: Channels and stride, in pixels of the input, of each map of the pyramid, finest first.
    """

    input: str
    outputs: Mapping[str, int] = field(default_factory=dict)
    sample_rate: int | None = None
    hop_seconds: float | None = None
    start_seconds: float = 0.0
    frames: int | None = None
    height: int | None = None
    width: int | None = None
    labels: tuple[str, ...] = ()
    pyramid: tuple[tuple[int, int], ...] = ()


SAMPLES = "samples"
"""Part of an example that is raw sound, ``(samples,)``: networks run sounds of one length together and pad none, so
training draws its batches by length."""


def collate(examples: Sequence[Example], ragged: frozenset[str] = frozenset()) -> Batch:
    """Put examples together.

    Args:
        examples: Examples with the same keys.
        ragged: Names whose first dimension varies: they are concatenated along it, never padded, so that the size of
            a batch cannot change a score.

    Returns:
        Stacked tensors; for each ragged name also ``<name>_lengths``, shape ``(batch,)``. What is no tensor is listed.
    """
    batch: Batch = {}
    for name, first in examples[0].items():
        values = [example[name] for example in examples]
        if name in ragged:
            batch[name] = torch.cat(values)
            batch[f"{name}_lengths"] = torch.tensor([len(v) for v in values])
        else:
            batch[name] = torch.stack(values) if isinstance(first, Tensor) else values
    return batch


def to_device(batch: Batch, device: str) -> Batch:
    """Move a batch's tensors."""
    return {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}


def best_of(scores: Tensor, labels: Sequence[str], count: int = 5) -> dict[str, Any]:
    """A prediction from the scores of one example's classes, ``(classes,)``.

    Returns:
        The top class, ``label``, its ``score``, and the ``scores`` of the best few by name, best first.
    """
    values, indices = scores.topk(count)
    top = {labels[i]: v for i, v in zip(indices.tolist(), values.tolist(), strict=True)}
    label = next(iter(top))
    return {"label": label, "score": top[label], "scores": top}


def segment_mean(values: Tensor, lengths: Tensor) -> Tensor:
    """Mean of consecutive segments: ``(sum(lengths), dim)`` to ``(len(lengths), dim)``."""
    index = torch.repeat_interleave(torch.arange(len(lengths), device=values.device), lengths)
    total = values.new_zeros(len(lengths), values.shape[-1]).index_add(0, index, values)
    return total / lengths[:, None].to(values.dtype)


class Model(nn.Module, ABC):
    """The interface between models and harness."""

    spec: Spec
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
    def predict(self, batch: Batch) -> list[Any]:
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

    def objective(self) -> Model:
        """What the backbone is pretrained by where no task's head fits: a model around it, with a loss.

        Raises:
            InputError: It has no objective of its own.
        """
        raise InputError(f"{type(self).__name__} has no objective of its own; it is pretrained on a task with a head")

    def look_every(self, seconds: float) -> None:
        """Give a token every so many seconds, where that can be chosen; by default it cannot."""

    def drop_published_head(self) -> None:
        """Forget the layers of the published head, which a task's own head replaces."""

    def published(self) -> Model | None:
        """The published model with its own head, after :meth:`load_official`; absent where there is none."""
        return None
