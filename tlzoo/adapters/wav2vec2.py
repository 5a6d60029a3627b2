"""wav2vec 2.0 of transformers: raw speech to vectors, and the published transcriber.

Sources: Baevski 2020, arXiv 2006.11477; transformers, ``models/wav2vec2`` (``modeling_wav2vec2.py`` for the names of a
checkpoint with a CTC head, ``tokenization_wav2vec2.py`` for its symbols).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from tlzoo.architectures.wav2vec import at_least, receptive_field, tokens_of
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import SAMPLES, Batch, Example, Outputs, Row, Spec
from tlzoo.core.model import Backbone, Model
from tlzoo.data.media.inputs import read_input
from tlzoo.data.media.spelling import read_back
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant

BLANK, SPACE = "<pad>", "|"
"""CTC's blank and the end of a word among the published symbols."""
_OLD_NAMES = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
"""Of the positional convolution's weight norm, before torch had parametrizations."""


class SpeechEncoder(Backbone):
    """wav2vec 2.0 without its head; ``tokens`` are the last layer's vectors, one every 20 ms.

    A norm of the base size runs over the whole time of a sound, and padding would change it, so sounds of different
    length are never padded to run together: the size of a batch does not change a score.

    Attributes:
        network: The module of transformers.
        lm_head: The published head; absent before :meth:`load_official`, and after :meth:`drop_published_head`.
    """

    ragged = frozenset({SAMPLES})

    def __init__(self, variant: Variant, given: Input) -> None:
        """Build the network.

        Args:
            variant: ``config`` holds the arguments of transformers' ``Wav2Vec2Config``.
            given: Its input, with the sample rate.
        """
        super().__init__()
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        # its masking in training asks for more frames than a short word has
        config = Wav2Vec2Config(**variant.config, apply_spec_augment=False)
        self.network: Any = Wav2Vec2Model(config)
        self.lm_head: nn.Linear | None = None
        hop, self.min_samples = receptive_field(config.conv_kernel, config.conv_stride)
        assert given.sample_rate, "a card of speech says its sample rate"
        rate, dim = given.sample_rate, config.hidden_size
        self.spec = Spec("audio", {"tokens": dim, "pooled": dim}, rate, hop / rate, (self.min_samples - 1) / 2 / rate)

    def encode(self, source: np.ndarray) -> Example:
        """Shift a sound to mean 0 and scale it to variance 1; sounds shorter than a token are padded with silence.

        Args:
            source: Mono samples, ``(samples,)``.

        Returns:
            ``samples``, float32.
        """
        level = (source - source.mean()) / np.sqrt(source.var() + 1e-7)
        return {SAMPLES: at_least(level, self.min_samples)}

    def forward(self, batch: Batch) -> Outputs:
        """Vectors of sounds.

        Args:
            batch: ``samples``, ``(sum of lengths,)``, and ``samples_lengths``, ``(batch,)``.

        Returns:
            ``tokens``, ``(sum of tokens, dim)``, ``tokens_lengths`` and their mean ``pooled``, ``(batch, dim)``.
        """
        return tokens_of(batch, lambda sounds: self.network(sounds).last_hidden_state)

    def stages(self) -> list[nn.Module]:
        """The convolutions, the projection and positions, and the layers."""
        encoder = self.network.encoder
        before = nn.ModuleList([self.network.feature_projection, encoder.pos_conv_embed, encoder.layer_norm])
        return [self.network.feature_extractor, before, *encoder.layers]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a published checkpoint with its CTC head.

        Args:
            files: ``model.safetensors`` and ``vocab.json``.

        Raises:
            InputError: Their structure differs, or they do not fit each other.
        """
        path, symbols = files["model.safetensors"], files["vocab.json"]
        try:
            place: dict[str, int] = json.loads(symbols.read_text(encoding="utf-8"))
            labels = tuple(sorted(place, key=lambda symbol: place[symbol]))
            fits = sorted(place.values()) == list(range(len(place))) and {BLANK, SPACE} <= set(place)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{symbols}: cannot be read as a vocabulary: {' '.join(str(error).split())}") from None
        if not fits:
            raise InputError(f"{symbols}: expected symbols numbered from 0, {BLANK} and {SPACE} among them")
        tensors: dict[str, Tensor] = {}
        for name, tensor in read_tensors(path).items():
            before, _, last = name.rpartition(".")
            if before.endswith("pos_conv_embed.conv"):
                name = f"{before}.{_OLD_NAMES.get(last, last)}"
            tensors[name] = tensor.float()
        head = nn.ModuleDict({"lm_head": nn.Linear(self.spec.outputs["tokens"], len(labels))})
        load_tensors(head, {name: value for name, value in tensors.items() if name.startswith("lm_head.")}, path)
        prefix = "wav2vec2."
        mask = {k: v for k, v in self.network.state_dict().items() if k == "masked_spec_embed"}  # not published
        weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        load_tensors(self.network, mask | weights, path)
        lm_head = head["lm_head"]
        assert isinstance(lm_head, nn.Linear)
        self.lm_head = lm_head
        self.spec = replace(self.spec, labels=labels)

    def drop_published_head(self) -> None:
        """Remove the CTC head and its symbols."""
        self.lm_head = None
        self.spec = replace(self.spec, labels=())

    def published_model(self) -> Model | None:
        """The transcriber; absent before :meth:`load_official` and without its head."""
        return Transcriber(self) if self.lm_head is not None else None


class Transcriber(Model):
    """The published network with its own head: transcripts in small letters."""

    def __init__(self, backbone: SpeechEncoder) -> None:
        """Wrap a backbone.

        Args:
            backbone: With official weights and its head.
        """
        super().__init__()
        self.backbone, self.ragged = backbone, backbone.ragged
        self.spec = replace(backbone.spec, labels=())
        symbols = backbone.spec.labels
        self.blank = symbols.index(BLANK)
        self.symbols = [" " if s == SPACE else "" if s.startswith("<") else s.lower() for s in symbols]

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the row's ``audio``."""
        return self.backbone.encode(read_input(row, self.spec.input, self.spec.sample_rate))

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Any]:
        """For each sound ``text`` and its ``words`` with their times (``tlzoo.data.media.spelling.read_back``)."""
        outputs = self.backbone(batch)
        assert self.backbone.lm_head is not None and self.spec.hop_seconds is not None
        best = self.backbone.lm_head(outputs["tokens"]).argmax(-1).split(outputs["tokens_lengths"].tolist())
        timing = (self.spec.start_seconds, self.spec.hop_seconds)
        return [read_back(each.tolist(), self.symbols, self.blank, *timing) for each in best]

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the head."""
        assert self.backbone.lm_head is not None, "the published head was dropped"
        return [*self.backbone.stages(), self.backbone.lm_head]
