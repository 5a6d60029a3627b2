"""A small 2-D U-Net (Ronneberger et al. 2015, 1505.04597) as the BioImage Model Zoo's nuclei model has it.

Names and arithmetic are those of ``unet2d.py`` in the example models of bioimage-io/spec-bioimage-io (MIT): in each
block two convolutions and then one ReLU, same-size padding, max pooling down, bilinear enlargement and a 1x1
convolution up. The published file is TorchScript, an archive that carries code as well: only its tensors are read, by
``tlzoo.checkpoints.pickles.restricted_load``, and no code of it is compiled or run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from tlzoo.checkpoints.pickles import restricted_load, state_dict
from tlzoo.core.batch import Batch
from tlzoo.core.segmenter import Segmenter
from tlzoo.errors import InputError

LABELS = ("background", "nucleus")


class UNet2d(Segmenter):
    """The network as a native segmenter of grey pictures, normalised one by one."""

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 128),
        size: int = 256,
    ) -> None:
        """Make the network.

        Args:
            in_channels: 1 takes the mean of a picture's channels, 3 its colours.
            out_channels: 1 as published: one logit, of the nucleus.
            widths: Channels of each level, finest first; the last is the bottom.
            size: Side of the input, pixels.

        Raises:
            InputError: The size is not a multiple of the coarsest level's stride.
        """
        super().__init__((size, size), LABELS)
        *levels, bottom = widths
        if size % 2 ** len(levels):
            raise InputError(f"UNet2d(size={size}): {len(widths)} levels need a multiple of {2 ** len(levels)} pixels")
        self.in_channels = in_channels
        inner = [in_channels, *levels]
        self.encoders = nn.ModuleList(_block(a, b) for a, b in pairwise(inner))
        self.base = _block(levels[-1], bottom)
        outer = list(reversed(widths))
        self.decoders = nn.ModuleList(_block(a, b) for a, b in pairwise(outer))
        self.upsamplers = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(a, b, 1))
            for a, b in pairwise(outer)
        )
        self.output = nn.Conv2d(levels[0], out_channels, 1)

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: ``weights.pt``.

        Raises:
            InputError: They are not of this configuration.
        """
        path = files["weights.pt"]
        try:
            self.load_state_dict(state_dict(restricted_load(path), path))
        except RuntimeError as error:
            raise InputError(f"{path}: does not fit this U-Net: {' '.join(str(error).split())[:200]}") from None

    def renew(self, classes: int) -> None:
        """A new 1x1 convolution with a map for each class."""
        self.output = nn.Conv2d(self.output.in_channels, classes, 1)

    def stages(self) -> list[nn.Module]:
        """The levels down, the bottom, the levels up, and the last convolution."""
        up = [nn.ModuleList(pair) for pair in zip(self.upsamplers, self.decoders, strict=True)]
        return [*self.encoders, self.base, *up, self.output]

    def pixels(self, batch: Batch) -> Tensor:
        """Pixels of mean 0 and variance 1 in each channel of each picture; the surroundings of a picture are 0.

        Returns:
            float32 of shape ``(batch, in_channels, height, width)``.
        """
        image, frame = batch["image"].float(), batch["frame"]
        if self.in_channels == 1:
            image = image.mean(1, keepdim=True)
        inside = _inside(frame, *image.shape[2:])
        count = inside.sum((2, 3), keepdim=True)
        centred: Tensor = (image - (image * inside).sum((2, 3), keepdim=True) / count) * inside
        return centred / ((centred**2).sum((2, 3), keepdim=True) / count).sqrt().add(1e-6)

    def forward(self, batch: Batch) -> Tensor:
        """Logits of each class, ``(batch, classes, height, width)``; of one output, those of background are 0."""
        logits = self.network(self.pixels(batch))
        return torch.cat([torch.zeros_like(logits), logits], 1) if logits.shape[1] == 1 else logits

    def network(self, pixels: Tensor) -> Tensor:
        """The network itself: ``(batch, in_channels, height, width)`` to ``(batch, out_channels, height, width)``."""
        skips = []
        for encoder in self.encoders:
            skips.append(encoder(pixels))
            pixels = nn.functional.max_pool2d(skips[-1], 2)
        x = self.base(pixels)
        for up, decoder, fine in zip(self.upsamplers, self.decoders, reversed(skips), strict=True):
            x = decoder(torch.cat([fine, up(x)], 1))
        logits: Tensor = self.output(x)
        return logits


def _block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())


def _inside(frame: Tensor, height: int, width: int) -> Tensor:
    """1 where the picture is and 0 around it, ``(batch, 1, height, width)``."""
    size = (frame[:, 4:6] * frame[:, :2]).round()[..., None]  # (batch, 2, 1): x, y
    start = frame[:, 2:4, None]
    x, y = (torch.arange(n, device=frame.device) for n in (width, height))
    across = (x >= start[:, 0]) & (x < start[:, 0] + size[:, 0])
    down = (y >= start[:, 1]) & (y < start[:, 1] + size[:, 1])
    return (down[:, None, :, None] & across[:, None, None, :]).float()
