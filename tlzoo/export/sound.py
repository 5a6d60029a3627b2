"""What networks over sounds make of samples, as a computation on tensors that does not depend on the length.

Each class here gives what the ``encode`` of its network gives, from samples of any length, without loops: parts of a
sound are taken by their places, whose number follows from the length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from tlzoo.architectures import crepe, openl3, trill, yamnet

_longer = cast("Callable[[int, int], int]", torch.sym_max)
"""The larger of two numbers, of which one may be the length of a sound that is not known yet."""


class Patches(nn.Module):
    """Log-mel patches of YAMNet and TRILL: ``yamnet.cut_patches``."""

    def __init__(self) -> None:
        """Keep the mel filters."""
        super().__init__()
        self.mel = _LogMel(yamnet.BANDS)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples ``(samples,)`` to patches, ``(patches, 1, 96, 64)``."""
        step = yamnet.PATCH_HOP * yamnet.HOP
        beyond = _longer(samples.shape[0] - yamnet.PATCH_SAMPLES, 0)
        count = 1 + (beyond + step - 1) // step
        sound = _lengthened(samples, yamnet.PATCH_SAMPLES + (count - 1) * step)
        frames = self.mel(sound, yamnet.PATCH + (count - 1) * yamnet.PATCH_HOP)
        return _parts(frames, count, yamnet.PATCH, yamnet.PATCH_HOP).unsqueeze(1)


class MirroredPatches(nn.Module):
    """Log-mel patches of TRILLsson, ``TRILLsson.encode``: a short sound goes on with its mirror image."""

    def __init__(self, network: trill.TRILLsson) -> None:
        """Take the sizes of a network.

        Args:
            network: Whose patches are cut.
        """
        super().__init__()
        self.mel, self.frames, self.hop = _LogMel(network.bands), network.frames, network.hop
        self.minimum = max(trill.MIN_SAMPLES, (self.frames - 1) * yamnet.HOP + yamnet.WINDOW)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples ``(samples,)`` to patches, ``(patches, 1, frames, bands)``."""
        size = samples.shape[0]
        length = _longer(size, self.minimum)
        place = torch.arange(length) % (2 * size)
        sound = samples[torch.minimum(place, 2 * size - 1 - place)]
        frames = 1 + (length - yamnet.WINDOW) // yamnet.HOP
        mel = self.mel(sound, frames) / 128 - 1
        return _parts(mel, 1 + (frames - self.frames) // self.hop, self.frames, self.hop).unsqueeze(1)


class _LogMel(nn.Module):
    """``yamnet.log_mel``."""

    window: Tensor
    filters: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(yamnet.WINDOW), persistent=False)
        self.register_buffer("filters", yamnet.mel_matrix(bands), persistent=False)

    def forward(self, sound: Tensor, count: int) -> Tensor:
        """The first ``count`` frames, ``(count, bands)``."""
        frames = _parts(sound, count, yamnet.WINDOW, yamnet.HOP) * self.window
        magnitudes = _power(nn.functional.pad(frames, (0, yamnet.FFT - yamnet.WINDOW))).sqrt()
        return (magnitudes @ self.filters + yamnet.LOG_OFFSET).log()


class Decibels(nn.Module):
    """Mel spectrograms of OpenL3, in float64 until they are in decibels: ``OpenL3.encode``."""

    window: Tensor
    filters: Tensor

    def __init__(self, network: openl3.OpenL3) -> None:
        """Take the sizes of a network.

        Args:
            network: Whose windows are cut.
        """
        super().__init__()
        self.hop = network.hop
        transform = openl3.mel_power(network.bands)
        self.register_buffer("window", transform.get_buffer("spectrogram.window"), persistent=False)
        self.register_buffer("filters", transform.get_buffer("mel_scale.fb"), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples ``(samples,)`` to spectrograms, ``(windows, 1, bands, 199)``."""
        length = _longer(samples.shape[0], openl3.WINDOW)
        count = 1 + (length - openl3.WINDOW) // self.hop
        windows = _parts(_lengthened(samples, length), count, openl3.WINDOW, self.hop)
        short = openl3.FFT - (openl3.WINDOW % openl3.HOP or openl3.HOP)
        padded = nn.functional.pad(windows.double(), (short // 2, short - short // 2))
        frames = 1 + (openl3.WINDOW + short - openl3.FFT) // openl3.HOP
        places = _places(frames, openl3.FFT, openl3.HOP)
        mel = (_power(padded[:, places] * self.window) @ self.filters).sqrt()
        level = 10.0 * torch.log10(torch.clamp(mel, min=1e-10)).transpose(1, 2).unsqueeze(1)
        return torch.clamp(level - level.amax((1, 2, 3), keepdim=True), min=openl3.FLOOR).float()


class Frames(nn.Module):
    """Frames of CREPE: ``crepe.cut_frames``."""

    def __init__(self, network: crepe.CREPE) -> None:
        """Take the hop of a network.

        Args:
            network: Whose frames are cut.
        """
        super().__init__()
        self.hop = round(network.hop_seconds * crepe.SAMPLE_RATE)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples ``(samples,)`` to frames, ``(frames, 1024)``."""
        silence = samples.new_zeros(crepe.FRAME // 2)
        sound = torch.cat([silence, samples, silence])
        frames = _parts(sound, 1 + samples.shape[0] // self.hop, crepe.FRAME, self.hop)
        frames = frames - frames.mean(1, keepdim=True)
        spread = frames.square().mean(1, keepdim=True).sqrt()
        return frames / torch.clamp(spread, min=1e-8)


class Samples(nn.Module):
    """Samples as they are, or levelled; a short sound is followed by silence: ``encode`` of wav2vec and wav2vec 2.0."""

    def __init__(self, minimum: int, is_levelled: bool) -> None:
        """Set what a network asks for.

        Args:
            minimum: Minimum number of samples.
            is_levelled: Whether a sound is brought to mean 0 and variance 1.
        """
        super().__init__()
        self.minimum, self.is_levelled = minimum, is_levelled

    def forward(self, samples: Tensor) -> Tensor:
        """Samples ``(samples,)`` to at least as many, ``(1, samples)``."""
        if self.is_levelled:
            values = samples.double()
            values = values - values.mean()
            samples = (values / (values.square().mean() + 1e-7).sqrt()).float()
        return _lengthened(samples, _longer(samples.shape[0], self.minimum)).unsqueeze(0)


def _lengthened(samples: Tensor, length: int) -> Tensor:
    """Samples, followed by silence up to a length."""
    return torch.cat([samples, samples.new_zeros(length - samples.shape[0])])


def _places(count: int, size: int, hop: int) -> Tensor:
    """The places of parts of one size, one every ``hop``, ``(count, size)``."""
    return torch.arange(count)[:, None] * hop + torch.arange(size)[None]


def _parts(values: Tensor, count: int, size: int, hop: int) -> Tensor:
    """Parts along the first dimension, ``(count, size, ...)``."""
    return values[_places(count, size, hop)]


def _power(frames: Tensor) -> Tensor:
    """Power spectrum of frames ``(..., samples)``, ``(..., samples // 2 + 1)``."""
    parts = torch.view_as_real(torch.fft.rfft(frames))
    return parts.square().sum(-1)
