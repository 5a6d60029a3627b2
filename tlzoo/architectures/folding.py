"""Convolutions with TensorFlow's padding, and batch norms that may be folded into them, as in inference files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class FoldableNorm(nn.BatchNorm2d):
    """Batch normalisation that can take the place of one that was folded away.

    A *folded* norm is what a published inference file leaves of one: its statistics and its scale went into the
    convolution before it, so mean 0 and variance ``1 - eps`` turn it into its bias. It stays in eval mode whatever
    ``train`` says, for statistics of a batch would undo the weights. ``num_batches_tracked`` of -1 marks it in the
    state dict.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    folded = False

    @torch.no_grad()
    def fold(self, bias: Tensor) -> None:
        """Take the bias of a convolution with folded norm, ``(channels,)``."""
        self.bias.copy_(bias)
        if self.affine:
            self.weight.fill_(1)
        self.running_mean.zero_()
        self.running_var.fill_(1 - self.eps)
        self.num_batches_tracked.fill_(-1)
        self.folded = True
        self.eval()

    def train(self, mode: bool = True) -> FoldableNorm:
        """Set the mode; a folded norm stays in eval mode."""
        return super().train(mode and not self.folded)

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self.folded = not self.num_batches_tracked.is_meta and self.num_batches_tracked.item() < 0
        self.train(self.training)


def convolution(
    inputs: int,
    outputs: int,
    norm: Callable[[int], FoldableNorm],
    activation: type[nn.Module] | None,
    stride: int = 1,
    kernel: int = 3,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution, norm and activation, with TensorFlow's padding ``SAME``.

    At stride 2, where the maps' sides are even, that is one row below and one column to the right.

    Args:
        inputs: Channels.
        outputs: Channels.
        norm: Builds a norm for a number of channels.
        activation: The activation, if any.
        stride: 1 or 2.
        kernel: Its side, 1 or 3.
        groups: Groups of channels; for a depthwise convolution as many as channels.
    """
    padding = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    mixing = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups, bias=False)
    return nn.Sequential(*padding, mixing, norm(outputs), *([activation()] if activation else []))
