"""wav2vec: convolutions over raw speech, trained to tell its own near future from other moments.

Sources: Schneider et al. 2019, arXiv 1904.05862 (network, section 2.1; loss, section 2.2); facebookresearch/fairseq,
``fairseq/models/wav2vec/wav2vec.py`` (padding, norms, residuals, and the names that the modules keep); s3prl/s3prl,
``s3prl/upstream/wav2vec/convert.py`` (the keys of its rewritten checkpoint).
"""

from __future__ import annotations

import argparse
import math
import pickle
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlzoo.checkpoints.pickles import restricted_load
from tlzoo.checkpoints.tensors import load_tensors
from tlzoo.core.batch import SAMPLES, Batch, Example, Outputs, Spec, segment_mean
from tlzoo.core.model import Backbone
from tlzoo.errors import InputError

SAMPLE_RATE = 16_000
"""Hz."""
RESIDUAL_SCALE = math.sqrt(0.5)
"""Factor of a layer's sum with its input (fairseq's ``residual_scale``)."""


class Wav2Vec(Backbone):
    """An encoder of strided convolutions, and a context network of causal ones; ``tokens`` are the context's vectors.

    Each layer is convolution, group norm with one group, over channels and time (section 2.1), and ReLU. The encoder's
    output is compressed by a logarithm. The published network is run over a whole sound, and its norms see all of it,
    so sounds of different length are never padded to run together: the size of a batch changes no score.
    """

    ragged = frozenset({SAMPLES})

    def __init__(
        self,
        channels: int,
        feature_kernels: Sequence[int],
        feature_strides: Sequence[int],
        context_kernels: Sequence[int],
    ) -> None:
        """Build the network from scratch.

        Args:
            channels: Channels of every layer.
            feature_kernels: Kernel sizes of the encoder's layers.
            feature_strides: Their strides.
            context_kernels: Kernel sizes of the context network's layers.
        """
        super().__init__()
        self.feature_extractor = _Encoder(channels, feature_kernels, feature_strides)
        self.feature_aggregator = _Context(channels, context_kernels)
        hop, self.least = receptive_field(feature_kernels, feature_strides)
        self.spec = Spec(
            "audio",
            {"tokens": channels, "pooled": channels},
            SAMPLE_RATE,
            hop / SAMPLE_RATE,
            (self.least - 1) / 2 / SAMPLE_RATE,
        )

    def encode(self, source: np.ndarray) -> Example:
        """Take the samples unchanged; a sound shorter than one token's window is followed by silence.

        Args:
            source: Mono samples at 16 kHz, ``(samples,)``.

        Returns:
            ``samples``, float32.
        """
        return {SAMPLES: at_least(source, self.least)}

    def forward(self, batch: Batch) -> Outputs:
        """Vectors of sounds, one every 10 ms, each from the past only but for the norms.

        Args:
            batch: ``samples``, ``(sum of lengths,)``, and ``samples_lengths``, ``(batch,)``.

        Returns:
            ``tokens``, ``(sum of tokens, channels)``, ``tokens_lengths`` and their mean ``pooled``.
        """
        return tokens_of(batch, lambda sounds: self.feature_aggregator(self.feature_extractor(sounds)).transpose(1, 2))

    def stages(self) -> list[nn.Module]:
        """The layers of the encoder, then those of the context network."""
        return [*self.feature_extractor.conv_layers, *self.feature_aggregator.conv_layers]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load fairseq's checkpoint, or s3prl's rewriting of it; the layers that predict the future are left out.

        Args:
            files: The one file, ``wav2vec_large.pt``.

        Raises:
            InputError: The file is not such a checkpoint, or has another structure.
        """
        (path,) = files.values()
        checkpoint = _read(path)
        weights = next(
            (checkpoint[key] for key in ("model_weight", "model") if isinstance(checkpoint.get(key), Mapping)), None
        )
        if weights is None:
            raise InputError(
                f"{path}: not a checkpoint of wav2vec: expected 'model' or 'model_weight', found {list(checkpoint)}"
            )
        prefixes = ("feature_extractor.", "feature_aggregator.")
        load_tensors(self, {name: value.float() for name, value in weights.items() if name.startswith(prefixes)}, path)


class _Encoder(nn.Module):
    """Raw samples to vectors: section 2.1, "encoder network"."""

    def __init__(self, channels: int, kernels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        sizes = [1, *[channels] * len(kernels)]
        self.conv_layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(inputs, channels, kernel, stride, bias=False),
                nn.Identity(),  # fairseq's dropout, of probability 0: it keeps the norm's name
                nn.GroupNorm(1, channels),
                nn.ReLU(),
            )
            for inputs, kernel, stride in zip(sizes, kernels, strides, strict=False)
        )

    def forward(self, sounds: Tensor) -> Tensor:
        """``(batch, samples)`` to ``(batch, channels, tokens)``."""
        x = sounds.unsqueeze(1)
        for layer in self.conv_layers:
            x = layer(x)
        return x.abs().log1p()


class _Context(nn.Module):
    """Mixes the past into each vector: section 2.1, "context network"; the first value stands for what was before."""

    def __init__(self, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(
            nn.Sequential(
                nn.ReplicationPad1d((kernel - 1, 0)),
                nn.Conv1d(channels, channels, kernel),
                nn.Identity(),
                nn.GroupNorm(1, channels),
                nn.ReLU(),
            )
            for kernel in kernels
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, tokens)`` to the same."""
        for layer in self.conv_layers:
            x = (layer(x) + x) * RESIDUAL_SCALE
        return x


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """Samples from one output of stacked convolutions to the next, and those that one output sees."""
    hop, size = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size += (kernel - 1) * hop
        hop *= stride
    return hop, size


def at_least(source: np.ndarray, minimum: int) -> Tensor:
    """Samples as a tensor, followed by silence if there are fewer than ``minimum``."""
    samples = torch.tensor(source, dtype=torch.float32)
    return nn.functional.pad(samples, (0, max(0, minimum - len(samples))))


def tokens_of(batch: Batch, run: Callable[[Tensor], Tensor]) -> Outputs:
    """Run a network over sounds of any lengths, those of one length together and none padded.

    Args:
        batch: ``samples``, ``(sum of lengths,)``, and ``samples_lengths``, ``(batch,)``.
        run: From ``(sounds, samples)`` to ``(sounds, tokens, dim)``.

    Returns:
        ``tokens`` in the batch's order, ``(sum of tokens, dim)``, ``tokens_lengths``, and their means, ``pooled``.
    """
    lengths = batch[f"{SAMPLES}_lengths"].tolist()
    sounds = batch[SAMPLES].split(lengths)
    alike: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        alike.setdefault(length, []).append(place)
    tokens_by_place: dict[int, Tensor] = {}
    for places in alike.values():
        tokens_by_place |= dict(zip(places, run(torch.stack([sounds[place] for place in places])), strict=True))
    in_order = [tokens_by_place[place] for place in range(len(lengths))]
    counts = torch.tensor([len(tokens) for tokens in in_order], device=batch[SAMPLES].device)
    tokens = torch.cat(in_order)
    return {"tokens": tokens, "tokens_lengths": counts, "pooled": segment_mean(tokens, counts)}


def _read(path: Path) -> Mapping[str, Any]:
    """Contents of a checkpoint; that of 2019 is not a zip file, and holds fairseq's arguments, a ``Namespace``."""
    if zipfile.is_zipfile(path):
        checkpoint = restricted_load(path)
    else:
        try:
            with torch.serialization.safe_globals([argparse.Namespace]):
                checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read as a checkpoint: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(checkpoint, Mapping):
        raise InputError(f"{path}: not a checkpoint of wav2vec: expected a dict, found {type(checkpoint).__name__}")
    return checkpoint
