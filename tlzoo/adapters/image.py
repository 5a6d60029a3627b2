"""What the image backbones of all families share: pictures in, normalised pixels, named outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from tlzoo.adapters.base import Backbone, Batch, Example, Spec
from tlzoo.data.geometry import Framing, framed


class ImageBackbone(Backbone):
    """A backbone over pictures of one size.

    Attributes:
        framing: How a picture is brought to that size; a task's head sets it.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        size: tuple[int, int],
        outputs: dict[str, int],
        pyramid: Sequence[tuple[int, int]] = (),
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Set what is known before the network is made.

        Args:
            size: Height and width of the input, pixels.
            outputs: As of :class:`~tlzoo.adapters.base.Spec`, without the pyramid.
            pyramid: Channels and stride of each map, finest first; empty for none.
            mean: Of each channel, for pixels in [0, 1].
            std: Of each channel.
        """
        super().__init__()
        self.framing: Framing = "crop"
        maps = {"pyramid": len(pyramid)} if pyramid else {}
        self.spec = Spec("image", outputs | maps, height=size[0], width=size[1], pyramid=tuple(pyramid))
        self.register_buffer("mean", torch.tensor(tuple(mean))[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(tuple(std))[:, None, None], persistent=False)

    def encode(self, source: Image.Image) -> Example:
        """Bring a picture to the network's size.

        Args:
            source: RGB.

        Returns:
            ``image``, uint8 of shape ``(3, height, width)``, and its ``frame`` (see ``tlzoo.data.geometry``).
        """
        assert self.spec.height and self.spec.width
        image, frame = framed(source, self.spec.height, self.spec.width, self.framing)
        return {"image": image, "frame": frame}

    def pixels(self, batch: Batch) -> Tensor:
        """Normalised pixels, float32 of shape ``(batch, 3, height, width)``."""
        pixels: Tensor = (batch["image"].float() / 255 - self.mean) / self.std
        return pixels

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Any]:
        """``pooled``, ``(batch, dim)``, and the maps of ``pyramid``, each ``(batch, channels, height, width)``."""
