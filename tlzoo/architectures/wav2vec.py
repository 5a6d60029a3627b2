"""wav2vec: convolutions over raw speech, pretrained to know their own near future.

Sources: Schneider et al. 2019, arXiv 1904.05862 (section 2: encoder, context network, wav2vec large); fairseq,
``fairseq/models/wav2vec/wav2vec.py`` (norms, paddings, skip connections, and the names of the parameters, which the
modules keep).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlzoo.adapters import waves
from tlzoo.adapters.base import Backbone, Batch, Example, Spec, segment_mean
from tlzoo.checkpoints import load_tensors
from tlzoo.pickles import restricted_load, state_dict

SAMPLE_RATE = 16_000
"""Hz."""
RESIDUAL = math.sqrt(0.5)
"""Factor of the sum of a context layer and its input."""


class Wav2Vec(Backbone):
    """Encoder and context network; ``tokens`` are context vectors, each from the past only.

    The encoder is convolution without bias, group norm of one group, ReLU, and at its end ``log(|x| + 1)``; a context
    layer is causal and adds its input.
    """

    ragged = frozenset({"wave"})

    def __init__(
        self,
        channels: int = 512,
        feature_kernels: Sequence[int] = (10, 8, 4, 4, 4, 1, 1),
        feature_strides: Sequence[int] = (5, 4, 2, 2, 2, 1, 1),
        context_kernels: Sequence[int] = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
    ) -> None:
        """Build the network from scratch.

        Args:
            channels: Of every layer.
            feature_kernels: Of the encoder.
            feature_strides: Of the encoder.
            context_kernels: Of the context network.
        """
        super().__init__()
        self.feature_extractor = nn.ModuleDict({"conv_layers": nn.ModuleList()})
        self.feature_aggregator = nn.ModuleDict({"conv_layers": nn.ModuleList()})
        for i, (kernel, stride) in enumerate(zip(feature_kernels, feature_strides, strict=True)):
            layer = nn.Conv1d(channels if i else 1, channels, kernel, stride, bias=False)
            self._features.append(nn.Sequential(layer, nn.Identity(), nn.GroupNorm(1, channels), nn.ReLU()))
        for kernel in context_kernels:
            past = nn.ReplicationPad1d((kernel - 1, 0))
            layer = nn.Conv1d(channels, channels, kernel)
            self._context.append(nn.Sequential(past, layer, nn.Identity(), nn.GroupNorm(1, channels), nn.ReLU()))
        self.least, hop = waves.receptive_field(feature_kernels, feature_strides)
        sizes = {"pooled": channels, "tokens": channels}
        self.spec = Spec("audio", sizes, SAMPLE_RATE, hop / SAMPLE_RATE, self.least / 2 / SAMPLE_RATE)

    @property
    def _features(self) -> nn.ModuleList:
        return self.feature_extractor["conv_layers"]  # type: ignore[return-value]

    @property
    def _context(self) -> nn.ModuleList:
        return self.feature_aggregator["conv_layers"]  # type: ignore[return-value]

    def encode(self, source: np.ndarray) -> Example:
        """The samples, ``(samples,)``, as they are."""
        return waves.encoded(source, self.least, standardise=False)

    def forward(self, batch: Batch) -> dict[str, Any]:
        """``tokens`` ``(sum of lengths, dim)`` with ``tokens_lengths``, and their mean ``pooled``, ``(batch, dim)``."""
        parts = waves.by_length(self._embed, batch["wave"], batch["wave_lengths"])
        lengths = torch.tensor([len(part) for part in parts], device=batch["wave"].device)
        tokens = torch.cat(parts)
        return {"tokens": tokens, "tokens_lengths": lengths, "pooled": segment_mean(tokens, lengths)}

    def _embed(self, sounds: Tensor) -> Tensor:
        """``(batch, samples)`` to ``(batch, tokens, dim)``."""
        x = sounds.unsqueeze(1)
        for layer in self._features:
            x = layer(x)
        x = (x.abs() + 1).log()
        for layer in self._context:
            x = (layer(x) + x) * RESIDUAL
        return x.transpose(1, 2)

    def stages(self) -> list[nn.Module]:
        """The encoder, then the context layers."""
        return [self.feature_extractor, *self._context]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load fairseq's checkpoint, or s3prl's copy of it; the layers that predicted the future are left out.

        Raises:
            InputError: It is of another structure.
        """
        (path,) = files.values()
        whole = restricted_load(path)
        tensors = state_dict(next((whole[k] for k in ("model", "model_weight") if k in whole), whole))
        own = {k: v.float() for k, v in tensors.items() if not k.startswith("wav2vec_predictions.")}
        load_tensors(self, own, path)
