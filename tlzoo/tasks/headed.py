"""A backbone with a task's head: the model that most cards become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from tlzoo.adapters.base import Backbone, Batch, Example, Model, Row, Spec
from tlzoo.adapters.image import ImageBackbone
from tlzoo.data.inputs import read_input
from tlzoo.tasks.base import HeadTask


class _Headed(Model):
    """A head on something; the task gives its loss and decoding."""

    task: HeadTask

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> list[Any]:
        """The task's predictions."""
        return self.task.decode(self(batch), batch)

    def with_target(self, row: Row, example: Example) -> Example:
        """An example with what its row says is right, if it says that."""
        return example | {"target": self.task.target(row, example)} if self.task.has_target(row) else example


class HeadedModel(_Headed):
    """Backbone + head."""

    def __init__(self, backbone: Backbone, task: HeadTask) -> None:
        """Put a new head on a backbone.

        Args:
            backbone: Any backbone whose outputs include ``task.output``.
            task: The task.
        """
        super().__init__()
        backbone.drop_published_head()
        frame(backbone, task)
        self.backbone = backbone
        self.task = task
        self.head = task.head(backbone.spec)
        self.spec: Spec = backbone.spec
        self.ragged = backbone.ragged

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the input; with its target where the row has one."""
        example = self.backbone.encode(read_input(row, self.spec.input, self.spec.sample_rate))
        return self.with_target(row, example)

    def augment(self, batch: Batch) -> Batch:
        """As the task does."""
        return self.task.augment(batch)

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        return self.head(self.backbone(batch)[self.task.output])

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the head."""
        return [*self.backbone.stages(), self.head]


class HeadModel(_Headed):
    """A head alone, on frozen features: what a probe trains."""

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
        return self.with_target(row, self.features(row))

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        if "features" in batch:
            return self.head(batch["features"])
        return self.head([batch[f"features{i}"] for i in range(len(self.spec.pyramid))])


def frame(backbone: Backbone, task: HeadTask) -> None:
    """Have a backbone bring pictures to its size as a task wants it."""
    if isinstance(backbone, ImageBackbone):
        backbone.framing = task.framing
