"""Image backbones that were published as classifiers of ImageNet-1k."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor, nn

from tlzoo.core.batch import Batch
from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import Model
from tlzoo.core.published import PublishedClassifier

FINEST = 4
"""Stride of the finest map of a pyramid: finer ones cost much memory and add little (Lin 2017, 1612.03144,
section 3)."""


def categories() -> tuple[str, ...]:
    """The 1,000 class names in the order of the logits, from torchvision; all are different."""
    from torchvision.models import MobileNet_V2_Weights

    return tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def synonyms() -> tuple[str, ...]:
    """Of each of the same classes the id and the names of its set of synonyms in WordNet, from timm."""
    from timm.data.imagenet_info import ImageNetInfo

    info, places = ImageNetInfo(), range(len(categories()))
    return tuple(f"{info.index_to_label_name(i)}, {info.index_to_description(i)}" for i in places)


class ImageNetBackbone(ImageBackbone):
    """A backbone whose published parameters include a classifier, until :meth:`drop_published_head`."""

    @property
    @abstractmethod
    def classifier(self) -> nn.Module | None:
        """The layers from the backbone's outputs to the logits; ``None`` once they are dropped."""

    @abstractmethod
    def logits(self, batch: Batch) -> Tensor:
        """Logits of the published classes, ``(batch, classes)``."""

    def scores(self, batch: Batch) -> Tensor:
        """Probabilities of the published classes, ``(batch, classes)``."""
        return self.logits(batch).softmax(-1)

    def pixels(self, batch: Batch) -> Tensor:
        """Normalised pixels, float32, ``(batch, 3, height, width)``; channels last, which is a sixth faster."""
        return super().pixels(batch).contiguous(memory_format=torch.channels_last)

    def name_classes(self, count: int) -> None:
        """Name the logits after the published weights were loaded, if they are ImageNet-1k's."""
        names = categories()
        if self.classifier is not None and count == len(names):
            self.spec = replace(self.spec, labels=names, synonyms=synonyms())

    def drop_published_head(self) -> None:
        """Remove the classifier and its classes."""
        self.spec = replace(self.spec, labels=(), synonyms=())

    def published_model(self) -> Model | None:
        """The ImageNet classifier; absent before ``load_official`` and without a classifier."""
        return PublishedClassifier(self) if self.spec.labels else None
