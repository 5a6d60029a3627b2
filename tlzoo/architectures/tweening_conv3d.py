"""Tweening Conv3D: the frames between two given ones, by convolutions over time and space alone.

Source: Li et al. 2019, "From Here to There: Video Inbetweening Using Direct 3D Convolutions", arXiv 1905.10240 (section
3: image encoder, latent representation generator with stochastic fusion, video generator). The paper's adversarial loss
is left out: what is learnt here is the squared and absolute difference, so that frames are a little soft.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import Clip
from tlzoo.data.media.clips import FRAMES, SIDE, clip
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

HALF = 0.5**0.5
"""Factor of a sum of two parts, which keeps its variance."""


class TweeningConv3D(TrainableModel):
    """Start and end frame in, all frames between them out."""

    def __init__(
        self, frames: int = FRAMES, channels: int = 64, fusion_blocks: int = 24, noise_dim: int = 120, halvings: int = 3
    ) -> None:
        """Build the network from scratch.

        Args:
            frames: Frames of a clip, including the two ends; a multiple of 4.
            channels: Channels of the latents.
            fusion_blocks: Blocks that fuse the ends into the latents, over three resolutions of time; a multiple of 3.
            halvings: How often a frame's side is halved before the latents.
            noise_dim: Values of the noise that tells one course of events from another.
        """
        super().__init__()
        self.frames, self.noise_dim = frames, noise_dim
        self.spec = Spec("ends", frames=frames, height=SIDE, width=SIDE)
        widths = [max(8, channels // 2**i) for i in reversed(range(halvings))]
        ends = [
            nn.Sequential(nn.Conv2d(i, o, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(o, o, 3, 1, 1), nn.LeakyReLU(0.2))
            for i, o in zip((3, *widths), widths, strict=False)
        ]
        self.image_encoder = nn.Sequential(*ends)
        self.noise = nn.Linear(noise_dim, channels)
        self.fusion = nn.ModuleList(Fusion(channels) for _ in range(fusion_blocks))
        outs = [*reversed(widths[:-1]), widths[0]]
        self.video_generator = nn.Sequential(
            *(Enlarge(i, o) for i, o in zip((channels, *outs), outs[:-1], strict=False)),
            nn.Upsample(scale_factor=(1, 2, 2)),
            nn.Conv3d(outs[-2], outs[-1], (1, 3, 3), 1, (0, 1, 1)),
            nn.LeakyReLU(0.2),
            nn.Conv3d(outs[-1], 3, (1, 3, 3), 1, (0, 1, 1)),
        )

        for module in self.modules():  # nothing is normalised, so a colour must come through as strong as it went in
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, 0.2, nonlinearity="leaky_relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def encode(self, row: Row) -> Example:
        """The clip, uint8 of shape ``(frames, 3, side, side)``; only the loss sees the frames between its ends."""
        return {"clip": clip(row, self.frames)}

    def forward(self, ends: Tensor, noise: Tensor) -> Tensor:
        """Frames between.

        Args:
            ends: First and last frame in [-1, 1], ``(batch, 2, 3, side, side)``.
            noise: ``(batch, noise_dim)``.

        Returns:
            ``(batch, frames - 2, 3, side, side)``.
        """
        start, end = (self.image_encoder(ends[:, i]) for i in (0, 1))
        latent = torch.stack([(1 - t) * start + t * end for t in torch.linspace(0, 1, self.frames // 4).tolist()], 2)
        latent = latent + self.noise(noise)[:, :, None, None, None]
        blocks_per_rate = len(self.fusion) // 3
        for i, block in enumerate(self.fusion):
            if i and i % blocks_per_rate == 0:
                latent = F.interpolate(latent, scale_factor=(2.0, 1.0, 1.0), mode="nearest")
            latent = block(latent, start, end)
        between: Tensor = self.video_generator(latent)[:, :, 1:-1].transpose(1, 2)
        return between

    def loss(self, batch: Batch) -> Tensor:
        """Squared and absolute difference of the frames between, of values in [-1, 1]."""
        whole = batch["clip"].float() / 127.5 - 1
        noise = torch.randn(len(whole), self.noise_dim, device=whole.device)
        between = self(whole[:, [0, -1]], noise)
        return F.mse_loss(between, whole[:, 1:-1]) + 0.1 * F.l1_loss(between, whole[:, 1:-1])

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Clip]:
        """The frames between the two ends of each clip."""
        ends = batch["clip"][:, [0, -1]].float() / 127.5 - 1
        noise = torch.zeros(len(ends), self.noise_dim, device=ends.device)  # the likeliest course
        clips = ((self(ends, noise) + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 1, 3, 4, 2).cpu().numpy()
        return [Clip(frames, list(range(1, self.frames - 1)), [0, self.frames - 1]) for frames in clips]

    def for_task(self, task: Task) -> Self:
        """Nothing depends on the data."""
        return self

    def stages(self) -> list[nn.Module]:
        """Image encoder, fusion blocks, video generator."""
        return [nn.ModuleList([self.image_encoder, self.noise]), *self.fusion, self.video_generator]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """The published TensorFlow 1 modules have no conversion that is known."""
        raise InputError(f"{', '.join(files)}: TensorFlow 1 modules of Tweening Conv3D are not read in this version")


class Fusion(nn.Module):
    """A 3-D convolution, and gates that mix the features of the two ends into each place and moment (section 3.2)."""

    def __init__(self, channels: int) -> None:
        """Make the block."""
        super().__init__()
        self.mixed = nn.Conv3d(channels, channels, 3, padding=1)
        self.gates = nn.Conv3d(channels, 3, 3, padding=1)

    def forward(self, latent: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """``latent`` ``(batch, channels, time, height, width)``; ends ``(batch, channels, height, width)``."""
        own = (latent + F.leaky_relu(self.mixed(latent), 0.2)) * HALF
        gates = self.gates(latent).softmax(1)
        parts = (own, start[:, :, None], end[:, :, None])
        mixed: Tensor = sum((gates[:, i : i + 1] * part for i, part in enumerate(parts)), torch.zeros_like(own))
        return mixed


class Enlarge(nn.Module):
    """Twice the height and width, then a convolution over time and space."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make the layers."""
        super().__init__()
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=(1, 2, 2)), nn.Conv3d(inputs, outputs, (1, 3, 3), 1, (0, 1, 1))
        )
        self.mixed = nn.Conv3d(outputs, outputs, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """``(batch, channels, time, height, width)``."""
        x = self.up(latent)
        enlarged: Tensor = (x + self.mixed(F.leaky_relu(x, 0.2))) * HALF
        return enlarged
