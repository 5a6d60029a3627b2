"""What the native segmenters of all families share: a letterboxed picture in, logits of each pixel's class out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from tlzoo.core.batch import Batch, Spec
from tlzoo.core.image import Normalising, PictureModel
from tlzoo.core.model import Model
from tlzoo.data.media.geometry import scores_from_input
from tlzoo.errors import InputError
from tlzoo.vocabulary import annotated

if TYPE_CHECKING:
    from tlzoo.core.task import HeadTask, Task


class Segmenter(Normalising, PictureModel):
    """A network that gives each pixel of its input a class; ``forward`` gives the logits.

    A prediction is ``{"mask": uint8 of shape (height, width) of the picture, "labels": class names}``.
    """

    def __init__(
        self,
        size: tuple[int, int],
        labels: Sequence[str] = (),
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Set what is known before the network is made.

        Args:
            size: Height and width of the input, pixels.
            labels: Classes of the published model; none where its decoder was not trained.
            mean: Of each channel, for pixels in [0, 1].
            std: Of each channel.
        """
        super().__init__()
        self.spec = Spec("image", height=size[0], width=size[1], labels=tuple(labels))
        self.normalise_by(mean, std)

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Logits at the size of the input, ``(batch, classes, height, width)``."""

    @abstractmethod
    def renew(self, classes: int) -> None:
        """Make the layers anew that depend on the number of classes."""

    def published(self) -> Model | None:
        """This model, if all of it was published, decoder and classes included."""
        return self if self.spec.labels else None

    def adapt(self, task: Task) -> None:
        """Take a segmentation task's classes; the last layer is made anew where they differ.

        Raises:
            InputError: The task is another.
        """
        self.task = bound(task, type(self).__name__)
        if task.labels != self.spec.labels:
            self.renew(len(task.labels))
            self.spec = replace(self.spec, labels=task.labels)

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        assert self.task, "adapt comes before training"
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> list[Any]:
        """Classes of the picture's pixels; before :meth:`adapt`, the published ones."""
        logits = self(batch)
        if self.task is not None:
            return self.task.decode(logits, batch)
        return masks(logits, batch["frame"], self.spec.labels)


def masks(scores: Tensor, frames: Tensor, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The best class of each pixel of the pictures.

    Args:
        scores: Of each class over the input, ``(batch, classes, height, width)``.
        frames: Of the pictures, ``(batch, 6)``.
        labels: Class names.

    Returns:
        Predictions: ``mask``, uint8 of shape ``(height, width)`` of the picture, and ``labels``.
    """
    found = (scores_from_input(s, f).argmax(0) for s, f in zip(scores, frames, strict=True))
    return [{"mask": mask.cpu().numpy().astype(np.uint8), "labels": list(labels)} for mask in found]


def bound(task: Task, name: str) -> HeadTask:
    """The segmentation task, which gives target, loss and decoding.

    Raises:
        InputError: It is another task.
    """
    if task.facts.annotation != "mask":
        raise InputError(f"{name} can be trained on {' and '.join(annotated('mask'))}, not on {task.name}")
    return task  # type: ignore[return-value]
