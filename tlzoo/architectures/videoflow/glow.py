"""Invertible layers over pictures, after Glow (Kingma & Dhariwal 2018, 1807.03039, section 3).

Each layer maps ``(batch, channels, height, width)`` to the same shape and gives the log-determinant of its Jacobian,
``(batch,)`` in nats; ``inverse`` goes back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.videoflow.actnorm import ActNorm
from tlzoo.architectures.videoflow.gated import GatedStack, zeroed


def squeeze(x: Tensor) -> Tensor:
    """Half the height and width, four times the channels."""
    return F.pixel_unshuffle(x, 2)


def unsqueeze(x: Tensor) -> Tensor:
    """The inverse of :func:`squeeze`."""
    return F.pixel_shuffle(x, 2)


class InvertibleConv(nn.Module):
    """A convolution of 1 by 1, at first a random rotation."""

    def __init__(self, channels: int) -> None:
        """Make the layer."""
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels)) if channels else (torch.zeros(0, 0), None)
        self.weight = nn.Parameter(rotation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the channels."""
        log_determinant = torch.linalg.slogdet(self.weight)[1] * x.shape[2] * x.shape[3]
        return F.conv2d(x, self.weight[:, :, None, None]), log_determinant.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """Invert :meth:`forward`."""
        return F.conv2d(z, torch.linalg.inv(self.weight.double()).to(z.dtype)[:, :, None, None])


class Coupling(nn.Module):
    """Half of the channels are scaled and shifted by a small network's outputs for the other half."""

    def __init__(self, channels: int, width: int, gated: bool = False, additive: bool = False) -> None:
        """Make the layer, with a network of some width.

        Args:
            channels: Channels of the input.
            width: Channels of the network.
            gated: Whether it is the published one.
            additive: Whether the second half is only shifted.
        """
        super().__init__()
        half, self.additive = channels // 2, additive
        outputs = (channels - half) * (1 if additive else 2)
        if gated:
            self.network: nn.Module = GatedStack(2, half, width, outputs)
            return
        last = zeroed(nn.Conv2d(width, outputs, 3, padding=1))
        self.network = nn.Sequential(
            nn.Conv2d(half, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), last
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift the second half."""
        first, second = x.tensor_split([x.shape[1] // 2], 1)
        shift, log_scale = self._shift_and_scale(first)
        return torch.cat([first, (second + shift) * log_scale.exp()], 1), log_scale.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """Invert :meth:`forward`."""
        first, second = z.tensor_split([z.shape[1] // 2], 1)
        shift, log_scale = self._shift_and_scale(first)
        return torch.cat([first, second * (-log_scale).exp() - shift], 1)

    def _shift_and_scale(self, first: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and log-scale; scales stay below 1, since larger ones could multiply up over the layers."""
        if self.additive:
            shift: Tensor = self.network(first)
            return shift, torch.zeros_like(shift)
        shift, raw = self.network(first).chunk(2, 1)
        return shift, F.logsigmoid(raw + 2)


class FlowSteps(nn.Module):
    """Several times actnorm, invertible convolution and coupling."""

    def __init__(self, channels: int, depth: int, width: int, gated: bool = False, additive: bool = False) -> None:
        """Make the layers; for ``gated`` and ``additive`` see :class:`Coupling`."""
        super().__init__()
        parts = (
            nn.ModuleList([ActNorm(channels), InvertibleConv(channels), Coupling(channels, width, gated, additive)])
            for _ in range(depth)
        )
        self.layers = nn.ModuleList(layer for part in parts for layer in part)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """All layers; the log-determinants add up."""
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, log_determinant = layer(x)
            total = total + log_determinant
        return x, total

    def inverse(self, z: Tensor) -> Tensor:
        """Invert :meth:`forward`."""
        for layer in reversed(self.layers):
            z = layer.inverse(z)  # type: ignore[operator]
        return z
