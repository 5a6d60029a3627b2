"""Video models of the library transformers: one encoder over a fixed number of frames of a fixed size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as V

from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Example, Outputs, Spec
from tlzoo.core.image import Normalising
from tlzoo.core.model import Backbone, Model
from tlzoo.core.published import PublishedClassifier
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant

PUBLISHED = {
    "VideoMAEModel": {
        "attention.attention.q_bias": "attention.attention.query.bias",
        "attention.attention.v_bias": "attention.attention.value.bias",
    },
    "VivitModel": {
        "encoder.layer.": "layers.",
        "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj",
        "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj",
        "intermediate.dense": "mlp.fc1",
        "output.dense": "mlp.fc2",
    },
}
"""Parts of the names in published files, which are of transformers 4, and their names in transformers 5 (its
``conversion_mapping``), in this order, by the class that a card names."""


class VideoEncoder(Normalising, Backbone):
    """VideoMAE (Tong 2022, 2203.12602) or ViViT (Arnab 2021, 2103.15691).

    ``pooled`` is the input of the published classifiers: for VideoMAE the normalised mean of the tokens, for ViViT the
    class token.

    Attributes:
        classifier: The published head; absent before :meth:`load_official` and after :meth:`drop_published_head`.
    """

    classifier: nn.Linear | None

    def __init__(self, variant: Variant, given: Input) -> None:
        """Build the network with random parameters, float32.

        Args:
            variant: ``model`` is a class of transformers, ``config`` the arguments of its configuration.
            given: Its input, with mean and deviation of each channel, for pixels in [0, 1].
        """
        super().__init__()
        import transformers

        kind = getattr(transformers, variant.model)
        self.published_names = PUBLISHED[variant.model]
        config = kind.config_class(**variant.config)
        self.has_class_token = variant.model == "VivitModel"
        self.network: Any = kind(config, add_pooling_layer=False) if self.has_class_token else kind(config)
        mean_pooled = not self.has_class_token and config.use_mean_pooling
        self.fc_norm = nn.LayerNorm(config.hidden_size) if mean_pooled else nn.Identity()
        self.classifier = None
        self.normalise_by(given.mean or (0.0,) * 3, given.std or (1.0,) * 3)
        size, sizes = config.image_size, {"pooled": config.hidden_size, "tokens": config.hidden_size}
        self.spec = Spec("video", sizes, frames=config.num_frames, height=size, width=size)

    def encode(self, source: np.ndarray) -> Example:
        """Resize frames by their shorter side, and crop the centre, rounded down as by the library's processors.

        Args:
            source: RGB, uint8 of shape ``(frames, height, width, 3)``.

        Returns:
            ``video``, uint8 of shape ``(frames, 3, size, size)``.
        """
        side = self.spec.height
        assert side
        frames = torch.from_numpy(np.ascontiguousarray(source)).permute(0, 3, 1, 2)
        resized = V.resize(frames, [side], antialias=True)
        top, left = ((size - side) // 2 for size in resized.shape[-2:])
        return {"video": resized[..., top : top + side, left : left + side].contiguous()}

    def forward(self, batch: Batch) -> Outputs:
        """``pooled`` ``(batch, dim)``, and ``tokens`` ``(batch * tokens, dim)`` with ``tokens_lengths``."""
        states: Tensor = self.network(pixel_values=self.pixels(batch)).last_hidden_state
        pooled = states[:, 0] if self.has_class_token else self.fc_norm(states.mean(1))
        lengths = torch.full((len(states),), states.shape[1], device=states.device)
        return {"pooled": pooled, "tokens": states.flatten(0, 1), "tokens_lengths": lengths}

    def stages(self) -> list[nn.Module]:
        """Embeddings, the layers, the last normalisation."""
        last = nn.ModuleList(m for m in (getattr(self.network, "layernorm", None), self.fc_norm) if m is not None)
        layers = self.network.layers if self.has_class_token else self.network.encoder.layer
        return [self.network.embeddings, *layers, last]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a published checkpoint; its pooler and decoder are left out.

        Args:
            files: The weights, and ``config.json``, which names the classes of the classifier; without it, the
                classifier is left out, too.

        Raises:
            InputError: Its structure differs, or layers are missing.
        """
        path = next(p for name, p in files.items() if name in ("model.safetensors", "pytorch_model.bin"))
        tensors = {name: tensor.float() for name, tensor in read_tensors(path).items()}
        own = {self._renamed(name): tensor for name, tensor in tensors.items()}
        expected = self.network.state_dict()
        load_tensors(self.network, {k: v for k, v in own.items() if k in expected}, path)
        if isinstance(self.fc_norm, nn.LayerNorm):
            load_tensors(self.fc_norm, _beneath("fc_norm", own), path)
        head = _beneath("classifier", own)
        if head and "config.json" in files:
            labels = _labels(files["config.json"])
            classifier = nn.Linear(self.spec.outputs["pooled"], len(labels))
            load_tensors(classifier, head, path)
            self.classifier, self.spec = classifier, replace(self.spec, labels=labels)

    def scores(self, batch: Batch) -> Tensor:
        """Probabilities of the published classes, ``(batch, classes)``."""
        assert self.classifier is not None, "the published head was dropped"
        logits: Tensor = self.classifier(self(batch)["pooled"])
        return logits.softmax(-1)

    def drop_published_head(self) -> None:
        """Remove the classifier and its classes."""
        self.classifier = None
        self.spec = replace(self.spec, labels=())

    def published_model(self) -> Model | None:
        """The published classifier; absent before :meth:`load_official`, and where the file has none."""
        return PublishedClassifier(self) if self.classifier is not None else None

    def _renamed(self, name: str) -> str:
        name = name.removeprefix("videomae.").removeprefix("vivit.")
        for published, current in self.published_names.items():
            name = name.replace(published, current)
        return name


def _beneath(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one layer."""
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}


def _labels(path: Path) -> tuple[str, ...]:
    """The names of the classes in a ``config.json`` of transformers, in the order of the logits.

    Raises:
        InputError: It has none.
    """
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["id2label"]
        names = {int(place): str(name) for place, name in named.items()}
        return tuple(names[place] for place in range(len(names)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: does not name the classes, 'id2label' from 0 on: {error!r}") from None
