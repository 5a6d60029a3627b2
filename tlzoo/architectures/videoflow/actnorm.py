"""A scale and a shift of each channel, as in Glow (Kingma & Dhariwal 2018, 1807.03039, section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MIN_SPREAD = 0.1
"""Minimum standard deviation in actnorm's initial standardisation: in a nearly constant channel, such as differences of
neighbours in a plain area, a few edges would be magnified from layer to layer, and the loss with them."""


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
