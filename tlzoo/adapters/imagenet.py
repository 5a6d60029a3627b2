"""Image backbones that were published as classifiers of ImageNet-1k."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tlzoo.core.batch import Batch, Example, Row, best_of
from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import Model
from tlzoo.data.media.inputs import read_input

FINEST = 4
"""Stride of the finest map of a pyramid: finer ones cost much memory and add little (Lin 2017, 1612.03144,
section 3)."""


def categories() -> tuple[str, ...]:
    """The 1,000 class names in the order of the logits, from torchvision; all are different."""
    from torchvision.models import MobileNet_V2_Weights

    return tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


class ImageNetBackbone(ImageBackbone):
    """A backbone whose published parameters include a classifier, until :meth:`drop_published_head`."""

    @property
    @abstractmethod
    def classifier(self) -> nn.Module | None:
        """The layers from the backbone's outputs to the logits; ``None`` once they are dropped."""

    @abstractmethod
    def logits(self, batch: Batch) -> Tensor:
        """Logits of the published classes, ``(batch, classes)``."""

    def pixels(self, batch: Batch) -> Tensor:
        """Normalised pixels, float32, ``(batch, 3, height, width)``; channels last, which is a sixth faster."""
        return super().pixels(batch).contiguous(memory_format=torch.channels_last)

    def name_classes(self, count: int) -> None:
        """Name the logits after the published weights were loaded, if they are ImageNet-1k's."""
        names = categories()
        if self.classifier is not None and count == len(names):
            self.spec = replace(self.spec, labels=names)

    def drop_published_head(self) -> None:
        """Remove the classifier and its classes."""
        self.spec = replace(self.spec, labels=())

    def published_model(self) -> Model | None:
        """The ImageNet classifier; absent before ``load_official`` and without a classifier."""
        return ImageNetClassifier(self) if self.spec.labels else None


class ImageNetClassifier(Model):
    """The published network with its own head: one of 1,000 classes."""

    def __init__(self, backbone: ImageNetBackbone) -> None:
        """Wrap a backbone.

        Args:
            backbone: With official weights and its classifier.
        """
        super().__init__()
        self.backbone, self.spec, self.ragged = backbone, backbone.spec, backbone.ragged

    def encode(self, row: Row) -> Example:
        """Decode the row's ``image`` and bring it to the network's size."""
        return self.backbone.encode(read_input(row, self.spec.input))

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Any]:
        """For each picture the top class, ``label``, its probability, ``score``, and the ``scores`` of the top five."""
        return [best_of(scores, self.spec.labels) for scores in self.backbone.logits(batch).softmax(-1)]

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the classifier."""
        assert self.backbone.classifier is not None, "the published head was dropped"
        return [*self.backbone.stages(), self.backbone.classifier]
