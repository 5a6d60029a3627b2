"""Networks of torchvision: classifiers as backbones here, detectors and segmenters in ``torchvision_dense``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torchvision
from torch import Tensor, nn

from tlzoo.adapters.imagenet import ImageNetBackbone
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Outputs
from tlzoo.errors import unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.model import Backbone, Model
    from tlzoo.core.task import Task

MAPS = {"mobilenet_v2": (1, 3, 6, 13, 17)}
"""The last of each network's ``features`` at the strides 2, 4, 8, 16 and 32; the first is not part of the pyramid."""


class TorchvisionBackbone(ImageNetBackbone):
    """A classifier of torchvision whose layers lie in ``features``.

    ``pooled`` is the mean of the last layer's map, ``pyramid`` the maps at strides 4, 8, 16 and 32.
    """

    def __init__(self, name: str, config: Mapping[str, Any], given: Input) -> None:
        """Build the network from scratch.

        Args:
            name: Its name in torchvision, one of ``MAPS``.
            config: Arguments of the network; ``num_classes: 0`` leaves the classifier out.
            given: Size and normalisation.

        Raises:
            InputError: The network is not known.
        """
        if name not in MAPS:
            raise unknown("torchvision network", name, MAPS)
        classes = config.get("num_classes", 1000)
        network = getattr(torchvision.models, name)(**{**config, "num_classes": classes or 1})
        self._ends = MAPS[name]
        maps = [(network.features[end].out_channels, 4 * 2**i) for i, end in enumerate(self._ends[1:])]
        assert given.height and given.width
        size = (given.height, given.width)
        outputs = {"pooled": network.last_channel}
        super().__init__(size, outputs, maps, given.mean or (0.0,) * 3, given.std or (1.0,) * 3)
        self.network: Any = network
        if not classes:
            self.drop_published_head()

    @property
    def classifier(self) -> nn.Module | None:
        """Dropout and the last linear layer."""
        return None if isinstance(self.network.classifier, nn.Identity) else self.network.classifier

    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, ``(batch, channels)``, and ``pyramid``, four maps."""
        x = self.pixels(batch)
        maps: list[Tensor] = []
        for i, layer in enumerate(self.network.features):
            x = layer(x)
            if i in self._ends[1:]:
                maps.append(x)
        return {"pooled": x.mean((2, 3)), "pyramid": maps}

    def logits(self, batch: Batch) -> Tensor:
        """Logits of the published classes, ``(batch, classes)``."""
        logits: Tensor = self.network(self.pixels(batch))
        return logits

    def stages(self) -> list[nn.Module]:
        """The layers of each stride; layers after the last map belong to it."""
        cuts = [0, *(end + 1 for end in self._ends[:-1]), len(self.network.features)]
        return [self.network.features[start:end] for start, end in pairwise(cuts)]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load torchvision's file.

        Args:
            files: The one file.

        Raises:
            InputError: Its tensors are not those of the network.
        """
        (path,) = files.values()
        load_tensors(self.network, read_tensors(path), path)
        self.name_classes(len(self.network.classifier[-1].bias))

    def drop_published_head(self) -> None:
        """Remove the classifier."""
        super().drop_published_head()
        self.network.classifier = nn.Identity()


def build(variant: Variant, given: Input, task: Task | None = None) -> Backbone | Model:
    """Build a variant with random parameters.

    Args:
        variant: ``model`` is a classifier of ``torchvision.models``, or dotted: ``detection.NAME``,
            ``segmentation.NAME``.
        given: Size and normalisation of the input.
        task: Passed on.

    Raises:
        InputError: The network is not known.
    """
    if "." in variant.model:
        native: Backbone | Model = import_module("tlzoo.adapters.torchvision_dense").build(variant, given, task)
        return native
    return TorchvisionBackbone(variant.model, variant.config, given)
