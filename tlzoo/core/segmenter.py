"""What the native segmentation models of all families share: letterboxed pictures, and logits of each pixel's class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from torch import Tensor

from tlzoo.core.batch import Batch, Spec
from tlzoo.core.image import Normalising, PictureModel, TrainablePictureModel
from tlzoo.core.model import Model
from tlzoo.core.predictions import Mask, Prediction
from tlzoo.core.task import HeadTask, Task
from tlzoo.data.media.geometry import scores_from_input
from tlzoo.errors import InputError
from tlzoo.vocabulary import annotated


class SegmentationModel(Normalising, PictureModel):
    """A network that gives each pixel of its input a class; ``forward`` gives the logits."""

    def __init__(
        self,
        size: tuple[int, int],
        labels: Sequence[str] = (),
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Set what is known before the network is built.

        Args:
            size: Height and width of the input, pixels.
            labels: Classes of the published model; empty if its decoder was not trained.
            mean: Mean of each channel, for pixels in [0, 1].
            std: Standard deviation of each channel.
        """
        super().__init__()
        self.spec = Spec("image", height=size[0], width=size[1], labels=tuple(labels))
        self.normalise_by(mean, std)

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Logits at the size of the input, ``(batch, classes, height, width)``."""

    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """The published class of each of the picture's pixels."""
        return masks(self(batch), batch["frame"], self.spec.labels)


class Segmenter(SegmentationModel, TrainablePictureModel):
    """A segmentation model that can be trained."""

    @abstractmethod
    def renew(self, classes: int) -> None:
        """Make the layers anew that depend on the number of classes."""

    def published_model(self) -> Model | None:
        """This model, if all of it was published, with decoder and classes."""
        return self if self.spec.labels else None

    def for_task(self, task: Task) -> Self:
        """Take a segmentation task's classes; the last layer is made anew where they differ.

        Raises:
            InputError: The task is another one.
        """
        self.task = bound(task, type(self).__name__)
        if task.labels != self.spec.labels:
            self.renew(len(task.labels))
            self.spec = replace(self.spec, labels=task.labels)
        return self

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        assert self.task, "for_task comes before training"
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> Sequence[Prediction]:
        """The class of each of the picture's pixels: the task's, or the published one before :meth:`for_task`."""
        return super().predict(batch) if self.task is None else self.task.decode(self(batch), batch)


def masks(scores: Tensor, frames: Tensor, labels: Sequence[str]) -> list[Mask]:
    """The best class of each pixel of the pictures.

    Args:
        scores: Score of each class over the input, ``(batch, classes, height, width)``.
        frames: Frames of the pictures, ``(batch, 6)``.
        labels: Class names.
    """
    classes = (scores_from_input(s, f).argmax(0) for s, f in zip(scores, frames, strict=True))
    return [Mask(indices.cpu().numpy().astype(np.uint8), list(labels)) for indices in classes]


def bound(task: Task, name: str) -> HeadTask:
    """A task as the segmentation task, which gives target, loss and decoding.

    Raises:
        InputError: The task is another one.
    """
    if task.facts.annotation != "mask" or not isinstance(task, HeadTask):
        raise InputError(f"{name} can be trained on {' and '.join(annotated('mask'))}, not on {task.name}")
    return task
