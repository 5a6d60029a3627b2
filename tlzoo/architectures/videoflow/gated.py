"""The networks of the published VideoFlow: gated convolutions that know the edges, each with its actnorm.

Source: tensor2tensor (Apache-2.0), ``models/research/glow_ops.py`` (``conv``, ``conv_stack``,
``temporal_latent_to_dist``, ``level_cond_prior``) with the settings of ``models/video/next_frame_glow.py``,
``next_frame_glow_bair_quant``. Parameters are folded where that changes no result: a scale after a convolution into the
convolution, the factors of an invertible matrix into the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.videoflow.actnorm import ActNorm

DILATIONS = (1, 2, 4)
"""Of the convolutions that predict latents; those that reach beyond the map are left out."""


def dilations(side: int) -> tuple[int, ...]:
    """Dilations for a map of a side (``get_dilation_rates``)."""
    return tuple(rate for rate in DILATIONS if rate == 1 or 1 + 2 * rate <= side)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """A convolution that gives zeros until it is trained, so that what it shifts or scales is left as it is."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class EdgeConv(nn.Module):
    """A convolution whose input has one channel more: 1 in the padding, 0 elsewhere. In time it sees the past alone."""

    def __init__(self, dims: int, inputs: int, outputs: int, dilation: int = 1, frames: int = 1, last: bool = False):
        """Make the layer.

        Args:
            dims: 2, or 3 with time first.
            inputs: Channels without the one of the edges.
            outputs: Channels.
            dilation: Over height and width.
            frames: Steps in time, of 3 dimensions.
            last: Whether it ends a network: then it has a bias, and is zero at first.
        """
        super().__init__()
        past = int(dims == 3 and frames > 1)
        self.padding = (dilation,) * 4 + ((past, 0) if dims == 3 else ())
        if dims == 2:
            self.weight = nn.Parameter(torch.empty(outputs, inputs + 1, 3, 3))
        else:
            self.weight = nn.Parameter(torch.empty(outputs, inputs + 1, 1 + past, 3, 3))
        self.dilation = dilation
        self.bias = nn.Parameter(torch.zeros(outputs)) if last else None
        nn.init.normal_(self.weight, std=0.0 if last else 0.05)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, ...)`` to ``(batch, outputs, ...)`` of the same size."""
        edge = F.pad(torch.zeros_like(x[:, :1]), self.padding, value=1.0)
        x = torch.cat([F.pad(x, self.padding), edge], 1)
        if x.ndim == 4:
            return F.conv2d(x, self.weight, self.bias, dilation=self.dilation)
        return F.conv3d(x, self.weight, self.bias, dilation=(1, self.dilation, self.dilation))


class Norms(nn.ModuleList):
    """An actnorm; over time, one for each step."""

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift ``(batch, channels, height, width)``, or with time as the third dimension."""
        if x.ndim == 4:
            return self[0](x)[0]  # type: ignore[no-any-return]
        steps = [norm(step)[0] for norm, step in zip(self, x.unbind(2), strict=True)]
        return torch.stack(steps, 2)


class GatedStack(nn.Module):
    """Three convolutions; the second is the product of a tanh and a sigmoid."""

    def __init__(self, dims: int, inputs: int, width: int, outputs: int, dilation: int = 1, frames: int = 1) -> None:
        """Make the layers; for the arguments see :class:`EdgeConv`, ``width`` is the number of channels within."""
        super().__init__()
        pointwise: type[nn.Conv2d | nn.Conv3d] = nn.Conv2d if dims == 2 else nn.Conv3d
        self.first = EdgeConv(dims, inputs, width, dilation, frames)
        self.tanh, self.sigmoid = (pointwise(width, width, 1, bias=False) for _ in range(2))
        self.norms = nn.ModuleDict(
            {name: Norms(ActNorm(width) for _ in range(frames)) for name in ("first", "tanh", "sigmoid")}
        )
        self.last = EdgeConv(dims, width, outputs, dilation, frames, last=True)
        for layer in (self.tanh, self.sigmoid):
            nn.init.normal_(layer.weight, std=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, ...)`` to ``(batch, outputs, ...)``."""
        x = self.norms["first"](self.first(x)).relu()
        x = self.norms["tanh"](self.tanh(x)).tanh() * self.norms["sigmoid"](self.sigmoid(x)).sigmoid()
        out: Tensor = self.last(x)
        return out


class GatedPrior(nn.Module):
    """A Gaussian for each latent of one level, about those of the last frame, from all frames before it."""

    def __init__(self, channels: int, above: int, frames: int, width: int, depth: int, side: int) -> None:
        """Make the network.

        Args:
            channels: Channels of the level's latents.
            above: Channels of the input from the levels above; 0 for the last level.
            frames: Frames before.
            width: Channels within.
            depth: Residual blocks.
            side: Height and width of the latents.
        """
        super().__init__()
        self.above = EdgeConv(2, above, above, last=True) if above else None
        inner = channels + above
        self.blocks = nn.ModuleList(
            nn.ModuleList(GatedStack(3, inner, width, inner, rate, frames) for rate in dilations(side))
            for _ in range(depth)
        )
        self.last = zeroed(nn.Conv2d(inner, 2 * channels, 1))

    def forward(self, before: Sequence[Tensor], above: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the spread, each like the latents of one frame.

        Args:
            before: Latents of the frames before, oldest first, each ``(batch, channels, height, width)``.
            above: ``(batch, above, height, width)``.
        """
        x = torch.stack(list(before), 2)
        if self.above is not None and above is not None:
            x = torch.cat([x, self.above(above)[:, :, None].expand(-1, -1, len(before), -1, -1)], 1)
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            x = x + torch.stack([stack(x) for stack in block]).sum(0)
        change, log_spread = self.last(x[:, :, -1]).chunk(2, 1)
        return before[-1] + change, log_spread
