"""A backbone with a task's head: the model that most cards become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from tlzoo.adapters.base import Backbone, Batch, Example, Model, Row, Spec
from tlzoo.data.inputs import read_input
from tlzoo.tasks.base import HeadTask


class HeadedModel(Model):
    """Backbone + head. The task gives loss and decoding."""

    def __init__(self, backbone: Backbone, task: HeadTask) -> None:
        """Put a new head on a backbone.

        Args:
            backbone: Any backbone whose outputs include ``task.output``.
            task: The task.
        """
        super().__init__()
        backbone.drop_published_head()
        self.backbone = backbone
        self.task = task
        self.head = task.head(backbone.spec.outputs[task.output])
        self.spec: Spec = backbone.spec
        self.ragged = backbone.ragged

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the input; with its target where the row has one."""
        example = self.backbone.encode(read_input(row, self.spec.input, self.spec.sample_rate))
        return example | _target(self.task, row)

    def forward(self, batch: Batch) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.backbone(batch)[self.task.output])
        return logits

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> list[Any]:
        """The task's predictions."""
        return self.task.decode(self(batch))

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the head."""
        return [*self.backbone.stages(), self.head]


class HeadModel(Model):
    """A head alone, on frozen features: what a probe trains."""

    def __init__(self, head: nn.Module, task: HeadTask, features: Callable[[Row], Tensor], spec: Spec) -> None:
        """Wrap a head.

        Args:
            head: The head.
            task: The task.
            features: Gives the frozen feature of a row.
            spec: The backbone's.
        """
        super().__init__()
        self.head, self.task, self.features, self.spec = head, task, features, spec

    def encode(self, row: Row) -> Example:
        """Look the frozen feature up."""
        return {"features": self.features(row)} | _target(self.task, row)

    def forward(self, batch: Batch) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(batch["features"])
        return logits

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> list[Any]:
        """The task's predictions."""
        return self.task.decode(self(batch))


def _target(task: HeadTask, row: Row) -> Example:
    return {"target": task.target(row)} if "label" in row else {}
