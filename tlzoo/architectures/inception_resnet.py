"""Inception-ResNet v1 and v2: Inception modules whose output is scaled down and added to their input.

Sources: Szegedy et al. 2016, arXiv 1602.07261, section 3.2; Schroff et al. 2015, arXiv 1503.03832 (the face embedding).
Module names are those of facenet-pytorch's ``InceptionResnetV1`` and of timm's ``inception_resnet_v2``, whose files
load as they are. Both differ from the paper's figures in some widths, as the published TensorFlow checkpoints do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Outputs
from tlzoo.core.image import ImageBackbone, on_grid
from tlzoo.errors import InputError

STRIDES = (4, 8, 16, 32)
"""Strides of the pyramid's maps, pixels."""


@dataclass(frozen=True)
class Conv:
    """A convolution with norm and ReLU."""

    channels: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padded: bool = True
    """Whether it keeps the size; with a stride it never does."""


@dataclass(frozen=True)
class Pool:
    """The maximum of 3x3 at every second position, or the mean of 3x3 around each."""

    kind: Literal["maximum", "mean"]


Branch = tuple[Conv | Pool, ...]


@dataclass(frozen=True)
class Mixed:
    """Branches side by side."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Block:
    """Branches side by side, projected, times ``scale``, added to the input (1602.07261, section 3.3)."""

    branches: tuple[Branch, ...]
    scale: float
    rectified: bool = True


Part = Conv | Pool | Mixed | Block | list[Block]
"""Description of a layer; a list means blocks one after the other."""
MAXIMUM, MEAN = Pool("maximum"), Pool("mean")
STEM: dict[str, Part] = {
    "conv2d_1a": Conv(32, 3, 2),
    "conv2d_2a": Conv(32, 3, padded=False),
    "conv2d_2b": Conv(64, 3),
    "maxpool_3a": MAXIMUM,
    "conv2d_3b": Conv(80),
    "conv2d_4a": Conv(192, 3, padded=False),
}
"""1602.07261, figure 14, to stride 4."""
_THREES_V1 = ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(32, 3), Conv(32, 3)))
_THREES_V2 = ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(48, 3), Conv(64, 3)))
_SEVENS_V1 = ((Conv(128),), (Conv(128), Conv(128, (1, 7)), Conv(128, (7, 1))))
_SEVENS_V2 = ((Conv(192),), (Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))))
_LAST_V1 = ((Conv(192),), (Conv(192), Conv(192, (1, 3)), Conv(192, (3, 1))))
_LAST_V2 = ((Conv(192),), (Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))))


def _v1(counts: Sequence[int]) -> dict[str, Part]:
    """Layers of Inception-ResNet v1, with ``counts`` blocks at strides 8, 16 and 32, the last one unrectified."""
    reduced: tuple[Branch, ...] = ((Conv(384, 3, 2),), (Conv(192), Conv(192, 3), Conv(256, 3, 2)), (MAXIMUM,))
    reduced_more: tuple[Branch, ...] = (
        *((Conv(256), Conv(384, 3, 2)), (Conv(256), Conv(256, 3, 2))),
        *((Conv(256), Conv(256, 3), Conv(256, 3, 2)), (MAXIMUM,)),
    )
    return STEM | {
        "conv2d_4b": Conv(256, 3, 2),
        "repeat_1": [Block(_THREES_V1, 0.17)] * counts[0],
        "mixed_6a": Mixed(reduced),
        "repeat_2": [Block(_SEVENS_V1, 0.10)] * counts[1],
        "mixed_7a": Mixed(reduced_more),
        "repeat_3": [Block(_LAST_V1, 0.20)] * (counts[2] - 1),
        "block8": Block(_LAST_V1, 1.0, rectified=False),
    }


def _v2(counts: Sequence[int]) -> dict[str, Part]:
    """Layers of Inception-ResNet v2, likewise."""
    mixed: tuple[Branch, ...] = (
        *((Conv(96),), (Conv(48), Conv(64, 5))),
        *((Conv(64), Conv(96, 3), Conv(96, 3)), (MEAN, Conv(64))),
    )
    reduced: tuple[Branch, ...] = ((Conv(384, 3, 2),), (Conv(256), Conv(256, 3), Conv(384, 3, 2)), (MAXIMUM,))
    reduced_more: tuple[Branch, ...] = (
        *((Conv(256), Conv(384, 3, 2)), (Conv(256), Conv(288, 3, 2))),
        *((Conv(256), Conv(288, 3), Conv(320, 3, 2)), (MAXIMUM,)),
    )
    return STEM | {
        "maxpool_5a": MAXIMUM,
        "mixed_5b": Mixed(mixed),
        "repeat": [Block(_THREES_V2, 0.17)] * counts[0],
        "mixed_6a": Mixed(reduced),
        "repeat_1": [Block(_SEVENS_V2, 0.10)] * counts[1],
        "mixed_7a": Mixed(reduced_more),
        "repeat_2": [Block(_LAST_V2, 0.20)] * (counts[2] - 1),
        "block8": Block(_LAST_V2, 1.0, rectified=False),
        "conv2d_7b": Conv(1536),
    }


class InceptionResNet(ImageBackbone):
    """Common parts of the two versions: layers built from a table, four maps, loading.

    The published networks do not pad everywhere, so their maps are smaller than the input divided by the stride;
    :func:`on_grid` puts them where the pixels are. ``aligned=True`` pads every layer instead, as TF-Slim's
    ``align_feature_maps`` does for detectors: then small inputs have maps, too.
    """

    def __init__(
        self,
        layers: Mapping[str, Part],
        taps: Sequence[str],
        size: int,
        width: float,
        aligned: bool,
        std: float,
        pooled: int | None,
    ) -> None:
        """Build the layers.

        Args:
            layers: By name, in order.
            taps: Layers that give the maps at strides 4, 8, 16 and 32.
            size: Side of the input, pixels.
            width: Multiplier of all channels.
            aligned: Whether every layer pads.
            std: Standard deviation of the pixels in [0, 1], around 0.5.
            pooled: Size of ``pooled``; by default the channels of the last map.

        Raises:
            InputError: The input is too small.
        """
        minimum = 32 if aligned else 75
        if size < minimum:
            raise InputError(f"{type(self).__name__}: size {size}; minimum {minimum} pixels with aligned={aligned}")
        made: dict[str, nn.Module] = {}
        channels = 3
        maps: list[tuple[int, int]] = []
        for name, part in layers.items():
            made[name], channels = _layer(part, channels, width, aligned)
            if name in taps:
                maps.append((channels, STRIDES[len(maps)]))
        super().__init__((size, size), {"pooled": pooled or channels}, maps, (0.5,) * 3, (std,) * 3)
        for name, module in made.items():
            self.add_module(name, module)
        self._layers, self._taps, self._channels = tuple(made), tuple(taps), channels

    def maps(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """The last layer's map, and the pyramid on the input's grid."""
        x = self.pixels(batch).contiguous(memory_format=torch.channels_last)  # takes a tenth less
        height, width = x.shape[-2:]
        pyramid: list[Tensor] = []
        for name in self._layers:
            x = self.get_submodule(name)(x)
            if name in self._taps:
                pyramid.append(on_grid(x, height, width, STRIDES[len(pyramid)]))
        return x, pyramid

    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, the mean of the last map, ``(batch, channels)``, and ``pyramid``, four maps."""
        last, pyramid = self.maps(batch)
        return {"pooled": last.mean((2, 3)), "pyramid": pyramid}

    def stages(self) -> list[nn.Module]:
        """The stem to stride 4, then what works at strides 8, 16 and 32."""
        cuts = [0, *(self._layers.index(tap) + 1 for tap in self._taps)]
        return [
            nn.Sequential(*(self.get_submodule(name) for name in self._layers[start:end]))
            for start, end in pairwise(cuts)
        ]


class InceptionResNetV1(InceptionResNet):
    """Inception-ResNet v1 with FaceNet's embedding.

    ``pooled`` is the embedding as published: 512 values of length one, after ``last_bn`` (1503.03832, section 3). The
    classifier of the 8,631 people that it was trained to tell apart belongs to the published parameters and lies in
    ``logits``; :meth:`forward` leaves it out.
    """

    def __init__(
        self,
        width: float = 1.0,
        blocks: Sequence[int] = (5, 10, 6),
        embedding: int = 512,
        classes: int = 8631,
        size: int = 160,
        aligned: bool = False,
    ) -> None:
        """Build the network from scratch.

        Args:
            width: Multiplier of all channels; the embedding has its own size.
            blocks: Residual blocks at strides 8, 16 and 32.
            embedding: Size of the embedding.
            classes: Outputs of the classifier; 0 for no classifier.
            size: Side of the input, pixels.
            aligned: Whether every layer pads, so that maps have the input's size divided by their stride.

        Raises:
            InputError: The input is too small.
        """
        taps = ("conv2d_4a", "repeat_1", "repeat_2", "block8")
        super().__init__(_v1(blocks), taps, size, width, aligned, 128 / 255, embedding)
        self.last_linear = nn.Linear(self._channels, embedding, bias=False)
        self.last_bn = nn.BatchNorm1d(embedding, eps=1e-3)
        self.logits = nn.Linear(embedding, classes) if classes else None

    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, the embedding, ``(batch, embedding)``, of length one, and ``pyramid``, four maps."""
        last, pyramid = self.maps(batch)
        raw, norm = self.last_linear(last.mean((2, 3))), self.last_bn
        if len(raw) == 1:  # one picture has no statistics of a batch
            normed = F.batch_norm(raw, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        else:
            normed = norm(raw)
        return {"pooled": F.normalize(normed), "pyramid": pyramid}

    def stages(self) -> list[nn.Module]:
        """The stem to stride 4, then what works at strides 8, 16 and 32; the embedding belongs to the last."""
        *first, last = super().stages()
        return [*first, nn.Sequential(last, self.last_linear, self.last_bn)]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load facenet-pytorch's file, with or without its classifier.

        Args:
            files: The one file.

        Raises:
            InputError: It holds other tensors.
        """
        (path,) = files.values()
        tensors = read_tensors(path)
        if "logits.weight" not in tensors:
            self.logits = None
        elif self.logits is None:
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("logits.")}
        load_tensors(self, tensors, path)

    def drop_published_head(self) -> None:
        """Forget the classifier of people."""
        self.logits = None


class InceptionResNetV2(InceptionResNet):
    """Inception-ResNet v2 without a classifier; ``pooled`` is the mean of the last map, 1,536 channels at width 1.

    The published classifier is timm's; this one can be made narrower and shallower.
    """

    def __init__(
        self, width: float = 1.0, blocks: Sequence[int] = (10, 20, 10), size: int = 299, aligned: bool = False
    ) -> None:
        """Build the network from scratch.

        Args:
            width: Multiplier of all channels.
            blocks: Residual blocks at strides 8, 16 and 32.
            size: Side of the input, pixels.
            aligned: Whether every layer pads, so that maps have the input's size divided by their stride.

        Raises:
            InputError: The input is too small.
        """
        taps = ("conv2d_4a", "repeat", "repeat_1", "conv2d_7b")
        super().__init__(_v2(blocks), taps, size, width, aligned, 0.5, None)

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load timm's file, without its classifier.

        Args:
            files: The one file.

        Raises:
            InputError: It holds other tensors.
        """
        (path,) = files.values()
        tensors = {name: t for name, t in read_tensors(path).items() if not name.startswith("classif.")}
        load_tensors(self, tensors, path)


class _Mixed(nn.Module):
    """Branches side by side, and what a residual block does with them."""

    def __init__(self, part: Mixed | Block, inputs: int, width: float, aligned: bool) -> None:
        super().__init__()
        self.channels = 0
        for i, branch in enumerate(part.branches):
            layers: list[nn.Module] = []
            channels = inputs
            for step in branch:
                layer, channels = _layer(step, channels, width, aligned)
                layers.append(layer)
            self.add_module(f"branch{i}", layers[0] if len(layers) == 1 else nn.Sequential(*layers))
            self.channels += channels
        self._branches = [f"branch{i}" for i in range(len(part.branches))]
        self.block = part if isinstance(part, Block) else None
        if self.block:
            self.conv2d = nn.Conv2d(self.channels, inputs, 1)
            self.channels = inputs

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.get_submodule(name)(x) for name in self._branches], 1)
        if self.block is None:
            return joined
        added: Tensor = x + self.block.scale * self.conv2d(joined)
        return added.relu() if self.block.rectified else added


def _layer(part: Part, inputs: int, width: float, aligned: bool) -> tuple[nn.Module, int]:
    """A layer from its description, and how many channels it gives."""
    if isinstance(part, list):
        blocks = [_Mixed(block, inputs, width, aligned) for block in part]
        return nn.Sequential(*blocks), inputs
    if isinstance(part, Mixed | Block):
        mixed = _Mixed(part, inputs, width, aligned)
        return mixed, mixed.channels
    if isinstance(part, Pool):
        if part.kind == "mean":
            return nn.AvgPool2d(3, 1, 1, count_include_pad=False), inputs
        return nn.MaxPool2d(3, 2, int(aligned)), inputs
    outputs = max(1, round(width * part.channels))
    kernel = (part.kernel, part.kernel) if isinstance(part.kernel, int) else part.kernel
    padded = aligned or (part.padded and part.stride == 1)
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    convolution = nn.Conv2d(inputs, outputs, kernel, part.stride, padding, bias=False)
    named = OrderedDict(conv=convolution, bn=nn.BatchNorm2d(outputs, eps=1e-3), relu=nn.ReLU(inplace=True))
    return nn.Sequential(named), outputs
