"""What a library's loader is asked, and a linear head as one layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tlzoo.cards.schema import Variant
from tlzoo.core.model import HeadedModel
from tlzoo.tasks.speech_recognition import CTCHead

WEIGHTS = "model.safetensors"
"""The file of weights, which transformers and timm look for."""


@dataclass(frozen=True)
class Description:
    """What a library wants to know beside the weights.

    Attributes:
        config: Fields of ``config.json``.
        preprocessing: Fields of ``preprocessor_config.json``.
        example: Python that predicts one input, with ``FOLDER`` in it.
        remark: What to mind there, a sentence; empty where nothing is.
    """

    config: Mapping[str, Any]
    example: str
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""


class Loader(ABC):
    """A library that opens folders.

    Attributes:
        name: Its name, which a model's configuration holds.
    """

    name: str

    @abstractmethod
    def takes(self, model: HeadedModel, variant: Variant) -> bool:
        """Whether the library has a class for a model of a card's variant."""

    @abstractmethod
    def write(self, model: HeadedModel, variant: Variant, folder: Path) -> Description:
        """Write the weights, and what else the library reads, but for the two files that are described."""

    @abstractmethod
    def read(self, model: HeadedModel, variant: Variant, folder: Path) -> None:
        """Give a model of the same variant and task the weights of a folder; layers that nothing runs get zeros.

        Raises:
            Exception: They do not fit; libraries raise many types.
        """

    @abstractmethod
    def compared(self, model: HeadedModel, variant: Variant, folder: Path) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits of the model, and of what the library opens, of the same inputs."""


def linear_of(head: nn.Module) -> nn.Linear | None:
    """The one linear layer of a head, which may be behind a standardisation; ``None`` where there is more."""
    layers = head.layers if isinstance(head, CTCHead) else head
    if isinstance(layers, nn.Linear):
        return layers
    if isinstance(layers, nn.Sequential) and len(layers) == 2:
        standardised, linear = layers
        if _is_standardising(standardised) and isinstance(linear, nn.Linear):
            return linear
    return None


def _is_standardising(layer: nn.Module) -> bool:
    return isinstance(layer, nn.BatchNorm1d) and not layer.affine and layer.track_running_stats


def _standardising(head: nn.Module) -> nn.BatchNorm1d | None:
    layers = head.layers if isinstance(head, CTCHead) else head
    first = next(iter(layers.children()), None) if isinstance(layers, nn.Sequential) else None
    return first if isinstance(first, nn.BatchNorm1d) else None


@torch.no_grad()
def folded(model: HeadedModel) -> tuple[Tensor, Tensor]:
    """Weight ``(classes, dim)`` and bias ``(classes,)`` of one linear layer that computes what a model's head does.

    Args:
        model: One whose head :func:`linear_of` has a layer of.
    """
    linear, first = linear_of(model.head), _standardising(model.head)
    assert linear is not None
    weight, bias = linear.weight.double(), linear.bias.double()
    if first is not None:
        assert first.running_mean is not None and first.running_var is not None
        weight = weight / (first.running_var.double() + first.eps).sqrt()
        bias = bias - weight @ first.running_mean.double()
    return weight.float(), bias.float()


@torch.no_grad()
def unfold(model: HeadedModel, weight: Tensor, bias: Tensor) -> None:
    """Give a model the head that :func:`folded` made one linear layer of; what it standardises by is in there.

    Args:
        model: One whose head :func:`linear_of` has a layer of.
        weight: Of the layer.
        bias: Of the layer.

    Raises:
        ValueError: They have another shape.
    """
    linear, first = linear_of(model.head), _standardising(model.head)
    assert linear is not None
    if linear.weight.shape != weight.shape or linear.bias.shape != bias.shape:
        raise ValueError(f"its head is of shape {tuple(weight.shape)}, expected {tuple(linear.weight.shape)}")
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)
    if first is not None:
        assert first.running_mean is not None and first.running_var is not None
        first.running_mean.zero_()
        first.running_var.fill_(1 - first.eps)
