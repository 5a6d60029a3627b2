"""segmentation-models-pytorch: an encoder with published weights under a decoder that starts from random values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch
from tlzoo.core.segmenter import Segmenter
from tlzoo.errors import InputError, unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.task import Task

SIDE = 256
"""Height and width of the input, if the card does not name them."""


class SmpSegmenter(Segmenter):
    """One of the library's networks. Only its encoder is published, so it has no classes of its own."""

    def __init__(self, network: Any, given: Input) -> None:
        """Wrap a network.

        Args:
            network: A ``segmentation_models_pytorch.base.SegmentationModel``.
            given: The card's input.

        Raises:
            InputError: Height or width is not a multiple of the encoder's stride.
        """
        size = given.height or SIDE, given.width or SIDE
        stride = network.encoder.output_stride if network.requires_divisible_input_shape else 1
        if any(side % stride for side in size):
            raise InputError(f"{type(network).__name__}: an input of {size} pixels; it takes multiples of {stride}")
        super().__init__(size, (), given.mean or (0.0,) * 3, given.std or (1.0,) * 3)
        self.network = network.to(memory_format=torch.channels_last)  # faster on the CPU

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the encoder's published weights; a classifier's own last layer in them is left out.

        Args:
            files: One file, ``.pth`` of torchvision or ``.safetensors`` of the library's hub.

        Raises:
            InputError: They are not of this encoder.
        """
        (path,) = files.values()
        tensors = {k: v for k, v in read_tensors(path).items() if not k.startswith(("classifier.", "fc."))}
        load_tensors(self.network.encoder, tensors, path)

    def renew(self, classes: int) -> None:
        """A new last convolution with a map for each class."""
        old = self.network.segmentation_head[0]
        self.network.segmentation_head[0] = nn.Conv2d(
            old.in_channels, classes, old.kernel_size, padding=old.padding, device=old.weight.device
        )

    def stages(self) -> list[nn.Module]:
        """The encoder's parts that the decoder reads, and the decoder with its last convolution."""
        encoder = self.network.encoder
        unread = _unread(encoder)
        parts = [part for part in _parts(encoder) if id(part) not in unread]
        return [*parts, nn.ModuleList([self.network.decoder, self.network.segmentation_head])]

    def forward(self, batch: Batch) -> Tensor:
        """Logits, ``(batch, classes, height, width)``."""
        logits: Tensor = self.network(self.pixels(batch).contiguous(memory_format=torch.channels_last))
        return logits


def build(variant: Variant, given: Input, task: Task | None = None) -> SmpSegmenter:
    """Build one of the library's networks.

    Raises:
        InputError: The library has none of that name.
    """
    kinds = {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    if variant.model not in kinds:
        raise unknown("segmentation network", variant.model, kinds, f"variant {variant.id!r}")
    return SmpSegmenter(kinds[variant.model](**variant.config), given)


def _unread(encoder: Any) -> set[int]:
    """Ids of the modules behind the last map that is read, of an encoder that is cut short: training reaches none."""
    depth = len(encoder.out_channels) - 1
    deeper = [parts for stride, parts in encoder.get_stages().items() if stride > 2**depth] if depth < 5 else []
    return {id(module) for parts in deeper for part in parts for module in part.modules()}


def _parts(module: nn.Module) -> list[nn.Module]:
    """Children of a network from input to output; a child that is nearly all of it is replaced by its own children."""
    count = sum(p.numel() for p in module.parameters())
    parts: list[nn.Module] = []
    for child in module.children():
        own = sum(p.numel() for p in child.parameters())
        parts += _parts(child) if own > 0.9 * count and list(child.children()) else [child] if own else []
    return parts
