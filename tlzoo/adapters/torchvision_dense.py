"""Detectors and segmentation networks of torchvision, as native models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.segmentation import DeepLabV3_ResNet50_Weights
from torchvision.ops import FrozenBatchNorm2d

from tlzoo.architectures.rcnn import COCO_91, MEAN, RCNN, STD, balance
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch
from tlzoo.core.segmenter import Segmenter
from tlzoo.errors import unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.task import Task

DETECTORS = ("fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn")
SEGMENTERS = ("deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "deeplabv3_resnet101")
VOC: tuple[str, ...] = (
    "background",
    *DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"][1:],
)
"""The classes of Pascal VOC."""
AUXILIARY = 0.5
"""Weight of the loss of the classifier in the middle of the backbone, as in torchvision's own training."""


class DeepLabV3(Segmenter):
    """DeepLabv3 (Chen et al. 2017, 1706.05587) with torchvision's classes of Pascal VOC."""

    def __init__(self, network: Any, size: tuple[int, int], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Wrap a ``torchvision.models.segmentation.DeepLabV3``."""
        classes = network.classifier[-1].out_channels
        labels = VOC if classes == len(VOC) else tuple(map(str, range(classes)))
        super().__init__(size, labels, mean, std)
        self.network = network

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load torchvision's file.

        Raises:
            InputError: Its tensors are not those of the network.
        """
        (path,) = files.values()
        load_tensors(self.network, read_tensors(path), path)

    def _classifiers(self) -> list[Any]:
        return [c for c in (self.network.classifier, self.network.aux_classifier) if c is not None]

    def renew(self, classes: int) -> None:
        """New last convolutions with a map for each class."""
        for classifier in self._classifiers():
            classifier[-1] = nn.Conv2d(classifier[-1].in_channels, classes, 1)

    def stages(self) -> list[nn.Module]:
        """The backbone's parts, the atrous pooling, and the last convolutions."""
        body = [m for m in self.network.backbone.children() if any(True for _ in m.parameters())]
        classifiers = self._classifiers()
        pooling = nn.ModuleList([layer for classifier in classifiers for layer in list(classifier)[:-1]])
        return [*body, pooling, nn.ModuleList([classifier[-1] for classifier in classifiers])]

    def forward(self, batch: Batch) -> Tensor:
        """Logits, ``(batch, classes, height, width)``."""
        logits: Tensor = self._maps(batch)["out"]
        return logits

    def _maps(self, batch: Batch) -> dict[str, Tensor]:
        """Logits, and in training those of the auxiliary classifier, if there is one."""
        pixels = self.pixels(batch)
        features = self.network.backbone(pixels)
        maps = {"out": self.network.classifier(features["out"])}
        if self.training and self.network.aux_classifier is not None:
            maps["aux"] = self.network.aux_classifier(features["aux"])
        size = pixels.shape[2:]
        return {k: F.interpolate(m, size=size, mode="bilinear", align_corners=False) for k, m in maps.items()}

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss, plus a part of the auxiliary classifier's."""
        assert self.task, "for_task comes before training"
        maps = self._maps(batch)
        loss = self.task.loss(maps["out"], batch)
        return loss + AUXILIARY * self.task.loss(maps["aux"], batch) if "aux" in maps else loss


def build(variant: Variant, given: Input, task: Task | None = None) -> RCNN | DeepLabV3:
    """Build a detector or a segmentation network with random parameters.

    Args:
        variant: ``model`` is ``detection.NAME`` or ``segmentation.NAME`` of ``torchvision.models``.
        given: Size and normalisation of the input.
        task: Decides whether Mask R-CNN's published classes are given as boxes or as masks.

    Raises:
        InputError: The network is not known.
    """
    kind, _, name = variant.model.partition(".")
    known = {"detection": DETECTORS, "segmentation": SEGMENTERS}.get(kind, ())
    if name not in known:
        names = [f"detection.{n}" for n in DETECTORS] + [f"segmentation.{n}" for n in SEGMENTERS]
        raise unknown("torchvision network", variant.model, names, f"variant {variant.id!r}")
    mean, std = given.mean or MEAN, given.std or STD
    module = getattr(torchvision.models, kind)
    if kind == "segmentation":
        size = given.height or 520, given.width or 520
        return DeepLabV3(getattr(module, name)(weights=None, **variant.config), size, mean, std)
    network = getattr(module, name)(weights=None, **variant.config)
    _freeze_norms(network)
    balance(network)
    detector = task.facts.annotation != "mask" if task is not None and network.roi_heads.has_mask() else None
    size = given.height or 800, given.width or 800
    return RCNN(network, size, COCO_91, mean, std, detector)


def _freeze_norms(network: nn.Module) -> None:
    """Put frozen batch norm, with epsilon 0, in place of batch norm, as the published weights were trained."""
    for parent in network.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, FrozenBatchNorm2d(child.num_features, eps=0.0))
