"""What image models of all families share: the size and normalisation of pictures, and a backbone's outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Outputs, Row, Spec
from tlzoo.core.model import Backbone, Model, TrainableModel
from tlzoo.core.task import HeadTask
from tlzoo.data.media.geometry import Crop, Framing, framed
from tlzoo.data.media.inputs import read_input


class Normalising(nn.Module):
    """A network that normalises its pixels; mean and deviation move with it to a device, but are not saved."""

    mean: Tensor
    std: Tensor

    def normalise_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set mean and deviation of each channel, for pixels in [0, 1]."""
        self.register_buffer("mean", torch.tensor(tuple(mean))[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(tuple(std))[:, None, None], persistent=False)

    def pixels(self, batch: Batch) -> Tensor:
        """Normalised pixels of pictures or videos, float32 of shape ``(batch, ..., 3, height, width)``."""
        pixels: Tensor = (batch["image" if "image" in batch else "video"].float() / 255 - self.mean) / self.std
        return pixels


class ImageBackbone(Normalising, Backbone):
    """A backbone over pictures of one size.

    Attributes:
        framing: How a picture is brought to that size; :meth:`configure_for` sets it.
        crop: How it is resized before the centre is cropped.
    """

    crop: Crop = Crop()

    def __init__(
        self,
        size: tuple[int, int],
        outputs: dict[str, int],
        pyramid: Sequence[tuple[int, int]] = (),
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Set what is known before the network is built.

        Args:
            size: Height and width of the input, pixels.
            outputs: As in :class:`~tlzoo.core.batch.Spec`, without the pyramid.
            pyramid: Channels and stride of each map, finest first; empty for none.
            mean: Mean of each channel, for pixels in [0, 1].
            std: Standard deviation of each channel.
        """
        super().__init__()
        self.framing: Framing = "crop"
        maps = {"pyramid": len(pyramid)} if pyramid else {}
        self.spec = Spec("image", outputs | maps, height=size[0], width=size[1], pyramid=tuple(pyramid))
        self.normalise_by(mean, std)

    def configure_for(self, task: HeadTask) -> None:
        """Set how pictures are brought to the network's size."""
        super().configure_for(task)
        self.framing = task.framing

    def encode(self, source: Image.Image) -> Example:
        """Bring a picture to the network's size.

        Args:
            source: RGB.

        Returns:
            ``image``, uint8 of shape ``(3, height, width)``, and its ``frame`` (see ``tlzoo.data.media.geometry``).
        """
        assert self.spec.height and self.spec.width
        image, frame = framed(source, self.spec.height, self.spec.width, self.framing, self.crop)
        return {"image": image, "frame": frame}

    @abstractmethod
    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, ``(batch, dim)``, and the maps of ``pyramid``, each ``(batch, channels, height, width)``."""


class PictureModel(Model):
    """A native model over whole pictures of one size, ``spec.height`` by ``spec.width``."""

    def encode(self, row: Row) -> Example:
        """Letterbox the row's ``image``.

        Returns:
            ``image``, uint8 of shape ``(3, height, width)``, and its ``frame`` (see ``tlzoo.data.media.geometry``).
        """
        assert self.spec.height and self.spec.width
        image, frame = framed(read_input(row, "image"), self.spec.height, self.spec.width, "letterbox")
        return {"image": image, "frame": frame}


class TrainablePictureModel(PictureModel, TrainableModel):
    """A native model over whole pictures that can be trained.

    Attributes:
        task: The task that the model was made ready for.
    """

    task: HeadTask | None = None

    def encode(self, row: Row) -> Example:
        """Letterbox the row's ``image``, and the target with it.

        Returns:
            ``image``, uint8 of shape ``(3, height, width)``, its ``frame`` (see ``tlzoo.data.media.geometry``), and
            the ``target`` of a labelled row.
        """
        example = super().encode(row)
        target = self.target(row, example)
        return example if target is None else example | {"target": target}

    def target(self, row: Row, example: Example) -> Any:
        """The target of :meth:`loss` in coordinates of the input; ``None`` without a task or label."""
        return self.task.target(row, example) if self.task is not None and self.task.has_target(row) else None

    def augment(self, batch: Batch) -> Batch:
        """The task's augmentation."""
        return self.task.augment(batch) if self.task is not None else batch


def on_grid(values: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Pad a map with zeros until it has one cell for each ``stride`` pixels of the input.

    Networks without padding give maps with fewer cells. The missing ones lie at the borders, half on each side, the
    smaller half first.

    Args:
        values: The map, ``(batch, channels, h, w)``.
        height: Height of the input, pixels.
        width: Width of the input, pixels.
        stride: Pixels of the input from one cell to the next.

    Returns:
        Shape ``(batch, channels, ceil(height / stride), ceil(width / stride))``.
    """
    down, right = -(-height // stride) - values.shape[-2], -(-width // stride) - values.shape[-1]
    if not down and not right:
        return values
    return F.pad(values, (right // 2, right - right // 2, down // 2, down - down // 2))
