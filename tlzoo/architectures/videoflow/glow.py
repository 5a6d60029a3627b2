"""Invertible layers over pictures, after Glow (Kingma & Dhariwal 2018, 1807.03039, section 3).

Each layer maps ``(batch, channels, height, width)`` to the same shape and gives the log-determinant of its Jacobian,
``(batch,)`` in nats; ``inverse`` goes back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MIN_SPREAD = 0.1
"""Minimum standard deviation in actnorm's initial standardisation: in a nearly constant channel, such as differences of
neighbours in a plain area, a few edges would be magnified from layer to layer, and the loss with them."""


def squeeze(x: Tensor) -> Tensor:
    """Half the height and width, four times the channels."""
    return F.pixel_unshuffle(x, 2)


def unsqueeze(x: Tensor) -> Tensor:
    """The inverse of :func:`squeeze`."""
    return F.pixel_shuffle(x, 2)


class ActNorm(nn.Module):
    """A scale and a shift of each channel, at first those that standardise the first training batch."""

    initialised: Tensor

    def __init__(self, channels: int) -> None:
        """Make the layer."""
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("initialised", torch.tensor(False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift."""
        if self.training and not self.initialised:
            with torch.no_grad():
                mean, spread = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
                self.log_scale.copy_(-spread.clamp(min=MIN_SPREAD).log())
                self.shift.copy_(-mean)
                self.initialised.fill_(True)
        log_determinant = self.log_scale.sum() * x.shape[2] * x.shape[3]
        return (x + self.shift) * self.log_scale.exp(), log_determinant.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """Invert :meth:`forward`."""
        return z * (-self.log_scale).exp() - self.shift


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

    def __init__(self, channels: int, width: int) -> None:
        """Make the layer, with a network of some width."""
        super().__init__()
        half = channels // 2
        last = nn.Conv2d(width, 2 * (channels - half), 3, padding=1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
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
        shift, raw = self.network(first).chunk(2, 1)
        return shift, F.logsigmoid(raw + 2)


class FlowSteps(nn.Module):
    """Several times actnorm, invertible convolution and coupling."""

    def __init__(self, channels: int, depth: int, width: int) -> None:
        """Make the layers."""
        super().__init__()
        parts = (
            nn.ModuleList([ActNorm(channels), InvertibleConv(channels), Coupling(channels, width)])
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
