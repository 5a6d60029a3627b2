"""VideoFlow: a normalising flow over frames whose latents are predicted from those of the frames before.

Source: Kumar et al. 2019, "VideoFlow: A Conditional Flow-Based Model for Stochastic Video Generation", arXiv 1903.01434
(section 4.1: a multi-scale flow of each frame, section 4.2: the latent dynamics). One network is both of the published
modules: from frames to latents and their likelihood (encoder), and from predicted latents to frames (generator).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from tlzoo.architectures.videoflow import published
from tlzoo.architectures.videoflow.gated import GatedPrior, zeroed
from tlzoo.architectures.videoflow.glow import FlowSteps, squeeze, unsqueeze
from tlzoo.checkpoints.tensorflow import Checkpoint
from tlzoo.checkpoints.tensors import load_tensors
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import Clip
from tlzoo.data.media.clips import FRAMES, SIDE, clip
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

_LOG_2PI = math.log(2 * math.pi)
SCORED = 4
"""Frames of a clip whose likelihood is taken in :meth:`VideoFlow.predict`, the first ones after those given."""


class VideoFlow(TrainableModel):
    """Frames to latents and back, exactly; and the latents of the next frame from those of the last few."""

    def __init__(
        self,
        levels: int = 3,
        depth: int = 24,
        coupling_width: int = 512,
        latent_width: int = 256,
        latent_depth: int = 5,
        conditioning_frames: int = 3,
        gated: bool = False,
        additive: bool = False,
    ) -> None:
        """Build the network from scratch.

        Args:
            levels: Levels of the flow; each halves height and width, and all but the last split off half of their
                channels.
            depth: Steps of each level.
            coupling_width: Channels within a coupling.
            latent_width: Channels of the networks that predict latents.
            latent_depth: Their residual blocks.
            conditioning_frames: Frames that they see.
            gated: Whether its networks are the published ones (:mod:`tlzoo.architectures.videoflow.gated`); else plain
                convolutions.
            additive: Whether couplings shift without scaling.
        """
        super().__init__()
        self.gated = gated
        self.conditioning_frames = conditioning_frames
        self.spec = Spec("video", frames=FRAMES, height=SIDE, width=SIDE)
        flows: list[nn.Module] = []
        priors: list[nn.Module] = []
        channels = 3
        for level in range(levels):
            channels *= 4
            flows.append(FlowSteps(channels, depth, coupling_width, gated, additive))
            is_last = level == levels - 1
            own = channels if is_last else channels // 2
            above = 0 if is_last else channels - own
            if gated:
                side = SIDE // 2 ** (level + 1)
                priors.append(GatedPrior(own, above, conditioning_frames, latent_width, latent_depth, side))
            else:
                priors.append(LatentPrior(own, above, conditioning_frames, latent_width, latent_depth))
            channels -= 0 if is_last else own
        self.flows, self.priors = nn.ModuleList(flows), nn.ModuleList(priors)

    def encode(self, row: Row) -> Example:
        """The clip, uint8 of shape ``(16, 3, 64, 64)``."""
        return {"clip": clip(row)}

    def to_latents(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """From frames to latents: the encoder.

        Args:
            frames: In [-0.5, 0.5], ``(batch, 3, height, width)``.

        Returns:
            Latents of each level, finest first, together as many values as a frame has; and the log-determinant,
            ``(batch,)``, nats.
        """
        latents, total, x = [], frames.new_zeros(len(frames)), frames
        for i, flow in enumerate(self.flows):
            x, log_determinant = flow(squeeze(x))
            total = total + log_determinant
            if i < len(self.flows) - 1:
                halves = x.chunk(2, 1)
                own, x = reversed(halves) if self.gated else halves  # the published network goes on with the first half
                latents.append(own)
        return [*latents, x], total

    def to_frames(self, latents: Sequence[Tensor]) -> Tensor:
        """From latents to frames, the inverse of :meth:`to_latents`: the generator's last part."""
        frames = self._above(latents, -1)
        assert frames is not None
        return frames

    def _above(self, latents: Sequence[Tensor], level: int) -> Tensor | None:
        """The input of the next level, from the latents of all levels above ``level``; None for the last level."""
        x: Tensor | None = None
        for i in reversed(range(level + 1, len(self.flows))):
            own = latents[i - level - 1]
            halves = [own] if x is None else [x, own] if self.gated else [own, x]
            x = unsqueeze(self.flows[i].inverse(torch.cat(halves, 1)))  # type: ignore[operator]
        return x

    def bits_per_dim(
        self, latents: Sequence[Tensor], log_determinant: Tensor, before: Sequence[Sequence[Tensor]]
    ) -> Tensor:
        """Bits for each of a frame's values, ``(batch,)``, given the latents of the frames before, oldest first."""
        total = log_determinant
        for i, own in enumerate(latents):
            above = self._above(latents[i + 1 :], i)
            mean, log_spread = self.priors[i]([earlier[i] for earlier in before], above)
            error = (own - mean) * (-log_spread).exp()
            total = total - 0.5 * (error.square() + _LOG_2PI + 2 * log_spread).flatten(1).sum(1)
        count = sum(own[0].numel() for own in latents)
        return math.log2(256) - total / count / math.log(2)

    def loss(self, batch: Batch) -> Tensor:
        """Bits per dimension of one frame of each clip, drawn at random, with uniform noise of one step."""
        whole = batch["clip"].float()
        place = int(torch.randint(self.conditioning_frames, whole.shape[1], ()))
        latents, log_determinant = self.to_latents(_scaled(whole[:, place] + torch.rand_like(whole[:, 0])))
        with torch.no_grad():
            before = [self.to_latents(_scaled(whole[:, place - k] + 0.5))[0] for k in self._back()]
        return self.bits_per_dim(latents, log_determinant, before).mean()

    @torch.no_grad()
    def generate(self, frames: Tensor, count: int, temperature: float = 0.0, seed: int = 0) -> Tensor:
        """Continue videos.

        Args:
            frames: The first ones, at least ``conditioning_frames``, 0 to 255, ``(batch, frames, 3, height, width)``.
            count: Frames to generate.
            temperature: Spread of the latents that are drawn, as a share of what is predicted; 0 takes the likeliest.
            seed: Seed of the draw.

        Returns:
            0 to 255, ``(batch, count, 3, height, width)``.
        """
        generator = torch.Generator(frames.device).manual_seed(seed)
        before = [self.to_latents(_scaled(frames[:, -k] + 0.5))[0] for k in self._back()]
        generated = []
        for _ in range(count):
            latents: list[Tensor] = []
            for i in reversed(range(len(self.flows))):
                mean, log_spread = self.priors[i]([earlier[i] for earlier in before], self._above(latents, i))
                noise = torch.randn(mean.shape, generator=generator, device=mean.device)
                latents.insert(0, mean + temperature * log_spread.exp() * noise)
            frame = (self.to_frames(latents) + 0.5) * 256 - 0.5
            generated.append(frame.clamp(0, 255))
            before = [*before[1:], latents]
        return torch.stack(generated, 1)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Clip]:
        """The likeliest frames after the first ones of each clip, and bits per dimension of the true ones."""
        whole, first = batch["clip"].float(), self.conditioning_frames
        count = whole.shape[1] - first
        clips = self.generate(whole[:, :first], count).round().byte().permute(0, 1, 3, 4, 2).cpu().numpy()
        noise = torch.rand(whole.shape[1:], generator=torch.Generator().manual_seed(0)).to(whole.device)
        last = min(first + SCORED, whole.shape[1])
        seen = [self.to_latents(_scaled(whole[:, t] + 0.5))[0] for t in range(last - 1)]
        bits = []
        for t in range(first, last):
            latents, log_determinant = self.to_latents(_scaled(whole[:, t] + noise[t]))
            bits.append(self.bits_per_dim(latents, log_determinant, seen[t - first : t]))
        bits_by_clip = torch.stack(bits).mean(0).tolist()
        places, given = list(range(first, whole.shape[1])), list(range(first))
        return [Clip(f, places, given, b) for f, b in zip(clips, bits_by_clip, strict=True)]

    def for_task(self, task: Task) -> Self:
        """Nothing depends on the data."""
        return self

    def stages(self) -> list[nn.Module]:
        """The levels of the flow, then what predicts latents."""
        return [*self.flows, self.priors]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a checkpoint of tensor2tensor's ``next_frame_glow``.

        Args:
            files: The index and its data, by name (:class:`~tlzoo.checkpoints.tensorflow.Checkpoint`).

        Raises:
            InputError: It is of another network, or this one is not ``gated``.
        """
        checkpoint = Checkpoint(files)
        if not self.gated:
            raise InputError(f"{checkpoint.path}: the published network is gated, and this one is not")
        load_tensors(self, published.tensors(self, checkpoint), checkpoint.path)

    def _back(self) -> range:
        return range(self.conditioning_frames, 0, -1)


class LatentPrior(nn.Module):
    """A Gaussian for each latent of one level, about those of the last frame (section 4.2, figure 2).

    Residual blocks of 3-D convolutions, some dilated, look at the latents of the frames before; what the levels above
    say of the frame itself is added.
    """

    def __init__(self, channels: int, above: int, frames: int, width: int, depth: int) -> None:
        """Make the network.

        Args:
            channels: Channels of the level's latents.
            above: Channels of the input from the levels above; 0 for the last level.
            frames: Frames before.
            width: Channels within.
            depth: Residual blocks.
        """
        super().__init__()
        self.first = nn.Conv3d(channels, width, (frames, 3, 3), padding=(0, 1, 1))
        self.above = nn.Conv2d(above, width, 3, padding=1) if above else None
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=2**i, dilation=2**i),
                nn.ReLU(),
                nn.Conv2d(width, width, 1),
            )
            for i in (k % 3 for k in range(depth))
        )
        self.last = zeroed(nn.Conv2d(width, 2 * channels, 3, padding=1))

    def forward(self, before: Sequence[Tensor], above: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the spread, each like the latents of one frame.

        Args:
            before: Latents of the frames before, oldest first, each ``(batch, channels, height, width)``.
            above: ``(batch, above, height, width)``.
        """
        x = self.first(torch.stack(list(before), 2))[:, :, 0]
        if self.above is not None:
            assert above is not None
            x = x + self.above(above)
        for block in self.blocks:
            x = x + block(x)
        change, log_spread = self.last(x.relu()).chunk(2, 1)
        return before[-1] + change, log_spread.clamp(-5, 3)


def _scaled(values: Tensor) -> Tensor:
    """From 0 to 256 to -0.5 to 0.5."""
    return values / 256 - 0.5
