"""wav2vec 2.0 of the library transformers: a transformer over raw speech (Baevski 2020, 2006.11477)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters import waves
from tlzoo.adapters.base import Backbone, Batch, Example, Model, Row, Spec, Tokens, segment_mean
from tlzoo.checkpoints import load_tensors, read_tensors
from tlzoo.data.inputs import read_input
from tlzoo.data.transcripts import BLANK, SPACE, greedy
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant

VOCABULARY = "vocab.json"
_OPTIONAL = ("masked_spec_embed",)  # a vector that pretraining puts where it hides; published files may lack it


class SpeechEncoder(Backbone):
    """An encoder of speech; ``tokens`` are its last layer, one every 20 ms.

    Attributes:
        network: The module of transformers.
        classifier: The published CTC head, with :attr:`symbols`; absent where there is none.
    """

    ragged = frozenset({"wave"})

    def __init__(self, variant: Variant, given: Input) -> None:
        """Build the network with random parameters, float32.

        Args:
            variant: ``model`` is a class of transformers, ``config`` the arguments of its configuration.
            given: Its input: the sample rate.
        """
        super().__init__()
        import transformers

        kind = getattr(transformers, variant.model)
        self.network: Any = kind(kind.config_class(**variant.config))
        config = self.network.config
        assert given.sample_rate
        self.least, hop = waves.receptive_field(config.conv_kernel, config.conv_stride)
        sizes = {"pooled": config.hidden_size, "tokens": config.hidden_size}
        middle = self.least / 2 / given.sample_rate
        self.spec = Spec("audio", sizes, given.sample_rate, hop / given.sample_rate, middle)
        self.classifier: nn.Linear | None = None
        self.symbols: tuple[str, ...] = ()

    def encode(self, source: np.ndarray) -> Example:
        """Standardise the samples, ``(samples,)``."""
        return waves.encoded(source, self.least, standardise=True)

    def forward(self, batch: Batch) -> dict[str, Any]:
        """``tokens`` ``(sum of lengths, dim)`` with ``tokens_lengths``, and their mean ``pooled``, ``(batch, dim)``."""

        def features(sounds: Tensor) -> Tensor:
            found: Tensor = self.network.feature_extractor(sounds).transpose(1, 2)
            return found

        parts = waves.by_length(features, batch["wave"], batch["wave_lengths"])
        lengths = torch.tensor([len(part) for part in parts], device=batch["wave"].device)
        padded = pad_sequence(parts, batch_first=True)
        mask = torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]
        states, _ = self.network.feature_projection(padded)
        states = self.network.encoder(states, attention_mask=mask).last_hidden_state
        tokens = states[mask]
        return {"tokens": tokens, "tokens_lengths": lengths, "pooled": segment_mean(tokens, lengths)}

    def stages(self) -> list[nn.Module]:
        """The convolutions with the projection, then the layers."""
        first = nn.ModuleList([self.network.feature_extractor, self.network.feature_projection])
        return [first, nn.ModuleList([self.network.encoder.pos_conv_embed]), *self.network.encoder.layers]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a published checkpoint, and its CTC head where the files hold a vocabulary.

        Raises:
            InputError: The checkpoint is of another structure, or lacks layers.
        """
        path = next(p for name, p in files.items() if name in ("model.safetensors", "pytorch_model.bin"))
        tensors = {name: tensor.float() for name, tensor in read_tensors(path).items()}
        own = {_as_now(name.removeprefix("wav2vec2.")): value for name, value in tensors.items()}
        expected = self.network.state_dict()
        absent = {name: expected[name] for name in _OPTIONAL if name in expected}
        load_tensors(self.network, absent | {k: v for k, v in own.items() if k in expected}, path)
        if VOCABULARY in files and "lm_head.weight" in tensors:
            numbers = json.loads(files[VOCABULARY].read_text(encoding="utf-8"))
            weight = tensors["lm_head.weight"]
            if len(numbers) != len(weight):
                raise InputError(f"{files[VOCABULARY]}: {len(numbers)} symbols, and {path.name} has {len(weight)}")
            self.classifier = nn.Linear(weight.shape[1], len(weight))
            self.classifier.load_state_dict({"weight": weight, "bias": tensors["lm_head.bias"]})
            self.symbols = tuple(_symbol(name) for name in sorted(numbers, key=numbers.__getitem__))

    def drop_published_head(self) -> None:
        """Forget the CTC head."""
        self.classifier, self.symbols = None, ()

    def published(self) -> Model | None:
        """The recogniser; absent without its head."""
        return Transcriber(self) if self.classifier else None


class Transcriber(Model):
    """The published network with its own CTC head."""

    def __init__(self, backbone: SpeechEncoder) -> None:
        """Wrap a backbone with official weights and its classifier."""
        super().__init__()
        self.backbone, self.spec, self.ragged = backbone, backbone.spec, backbone.ragged

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the row's ``audio``."""
        return self.backbone.encode(read_input(row, self.spec.input, self.spec.sample_rate))

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Any]:
        """For each sound its ``text`` and ``words`` with their times."""
        found = self.backbone(batch)
        assert self.backbone.classifier is not None
        logits = Tokens(self.backbone.classifier(found["tokens"]), found["tokens_lengths"])
        return greedy(logits, self.backbone.symbols, self.spec)


def _symbol(name: str) -> str:
    """What a symbol of the published vocabulary writes: the padding is CTC's blank, other special ones write nothing."""
    return {"<pad>": BLANK, "|": SPACE}.get(name, "" if name.startswith("<") else name.lower())


def _as_now(name: str) -> str:
    """Weight norm's parameters have other names since PyTorch 2.0."""
    for old, new in (
        ("weight_g", "parametrizations.weight.original0"),
        ("weight_v", "parametrizations.weight.original1"),
    ):
        if name.endswith(f"conv.{old}"):
            return name.removesuffix(old) + new
    return name
