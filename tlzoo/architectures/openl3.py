"""OpenL3: convolutions over one second of sound, trained to predict whether sound and picture belong together.

Sources: Cramer et al. 2019, "Look, Listen and Learn More" (section 2; the mel network with 256 bands); marl/openl3,
``openl3/models.py`` (layers and their names) and ``openl3/core.py`` (windows); kapre 0.1, ``time_frequency.py`` and
``backend_keras.py`` (the spectrogram in decibels below each window's maximum).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.patches import PatchBackbone
from tlzoo.checkpoints import keras
from tlzoo.core.batch import Example, Spec
from tlzoo.errors import InputError

SAMPLE_RATE = 48_000
"""Hz."""
WINDOW = 48_000
"""Samples of a window, 1 s."""
FFT, HOP = 2048, 242
"""Samples of a frame, and from one frame to the next: 199 frames a window."""
FLOOR = -80.0
"""Decibels below a window's maximum."""
CHANNELS = (64, 64, 128, 128, 256, 256, 512)
"""Channels of the convolutions; a maximum of 2 by 2 follows every second one of the first six."""
POOLS = {512: (32, 24), 6144: (8, 8)}
"""Size of the last maximum by that of the published embedding."""
_CONVOLUTION = {"weight": "kernel", "bias": "bias"}
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""Keras' names of parameters, by PyTorch's."""


@cache
def mel_power(bands: int) -> nn.Module:
    """Power of whole frames in triangular mel filters of equal area: HTK's scale, Slaney's norm, as in librosa.

    In float64: 80 decibels of a magnitude reach below the rounding of float32, so that the quietest bands would be
    noise of the Fourier transform, which every machine makes in its own way.
    """
    from torchaudio.transforms import MelSpectrogram

    scale = {"norm": "slaney", "mel_scale": "htk"}
    transform: nn.Module = MelSpectrogram(SAMPLE_RATE, FFT, hop_length=HOP, n_mels=bands, center=False, **scale)
    return transform.double()


def decibels(windows: Tensor, bands: int) -> Tensor:
    """Mel spectrograms of windows.

    Args:
        windows: ``(windows, samples)``.
        bands: Mel bands.

    Returns:
        ``(windows, 1, bands, frames)``, 0 at the loudest place of each window, at least :data:`FLOOR`.
    """
    from torchaudio.functional import amplitude_to_DB

    short = FFT - (windows.shape[1] % HOP or HOP)  # TensorFlow's padding "same"
    padded = F.pad(windows.double(), (short // 2, short - short // 2)).unsqueeze(1)
    mel = mel_power(bands).to(windows.device)(padded).sqrt()
    level: Tensor = amplitude_to_DB(mel, multiplier=10.0, amin=1e-10, db_multiplier=0.0)
    return (level - level.amax((1, 2, 3), keepdim=True)).clamp(min=FLOOR).float()


class OpenL3(PatchBackbone):
    """Seven convolutions with batch norm and ReLU, an eighth without, and the maximum over large areas.

    Modules are in the order of the Keras layers.
    """

    def __init__(
        self, mel_bands: int = 256, embedding_size: int = 512, width: float = 1.0, hop_seconds: float = 0.1
    ) -> None:
        """Build the network from scratch.

        Args:
            mel_bands: Mel bands of a window's spectrogram.
            embedding_size: At full width 512 or 6,144; else the channels of the last convolution.
            width: Multiplier of all channels.
            hop_seconds: From one window to the next.

        Raises:
            InputError: There is no such embedding.
        """
        super().__init__()
        if width == 1.0 and embedding_size not in POOLS:
            raise InputError(f"OpenL3: embedding_size {embedding_size}; known: {', '.join(map(str, POOLS))}")
        self.bands, self.hop = mel_bands, round(hop_seconds * SAMPLE_RATE)
        channels = [1, *(max(1, round(width * c)) for c in CHANNELS)]
        last = round(width * 512)
        self.pool = POOLS[embedding_size] if width == 1.0 else None  # of a narrow network: over all of the map
        self.batch_normalization_1 = _norm(1)
        for i, (inputs, outputs) in enumerate(pairwise(channels), start=1):
            self.add_module(f"conv2d_{i}", nn.Conv2d(inputs, outputs, 3, padding=1))
            self.add_module(f"batch_normalization_{i + 1}", _norm(outputs))
        self.audio_embedding_layer = nn.Conv2d(channels[-1], last, 3, padding=1)
        size = embedding_size if self.pool else last
        self.spec = Spec("audio", {"pooled": size, "tokens": size}, SAMPLE_RATE, hop_seconds, WINDOW / 2 / SAMPLE_RATE)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound into windows of 1 s, whole ones only; a shorter sound is filled with silence.

        Args:
            source: Mono samples at 48 kHz, ``(samples,)``.

        Returns:
            ``patches``, spectrograms in decibels, ``(windows, 1, bands, 199)``.
        """
        waveform = torch.tensor(source, dtype=torch.float32)
        windows = F.pad(waveform, (0, max(0, WINDOW - len(waveform)))).unfold(0, WINDOW, self.hop)
        return {"patches": decibels(windows, self.bands)}

    def embed(self, patches: Tensor) -> Tensor:
        """``(windows, 1, bands, frames)`` to ``(windows, dim)``."""
        x = self.batch_normalization_1(patches).contiguous(memory_format=torch.channels_last)
        for i, (convolution, norm) in enumerate(self._layers(), start=1):
            x = norm(convolution(x)).relu()
            if i in (2, 4, 6):
                x = F.max_pool2d(x, 2)
        x = self.audio_embedding_layer(x)
        x = F.max_pool2d(x, self.pool or x.shape[2:])
        return x.permute(0, 2, 3, 1).flatten(1)  # Keras flattens with channels last

    def stages(self) -> list[nn.Module]:
        """Four blocks of two convolutions, the last with the embedding layer."""
        layers = [nn.ModuleList(pair) for pair in self._layers()]
        first = nn.ModuleList([self.batch_normalization_1, *layers[:2]])
        last = nn.ModuleList([layers[6], self.audio_embedding_layer])
        return [first, nn.ModuleList(layers[2:4]), nn.ModuleList(layers[4:6]), last]

    @torch.no_grad()
    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published Keras file, gzipped or not, by the order of its layers.

        Raises:
            InputError: The file has another structure, or h5py is not installed.
        """
        (path,) = files.values()
        published, modules = keras.layers(path), list(self.children())
        if len(published) != len(modules):
            raise InputError(f"{path}: not OpenL3: {len(published)} layers with weights, expected {len(modules)}")
        for (name, arrays), module in zip(published, modules, strict=True):
            tensors = module.state_dict()
            for parameter, key in (_CONVOLUTION if isinstance(module, nn.Conv2d) else _NORM).items():
                if key not in arrays:
                    raise InputError(f"{path}: not OpenL3: without {name}/{key}")
                value = torch.from_numpy(arrays[key])
                value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value
                if value.shape != tensors[parameter].shape:
                    shapes = f"{tuple(value.shape)}, expected {tuple(tensors[parameter].shape)}"
                    raise InputError(f"{path}: not OpenL3 as configured: {name}/{key} is {shapes}")
                tensors[parameter].copy_(value)

    def _layers(self) -> list[tuple[nn.Module, nn.Module]]:
        numbers = range(1, len(CHANNELS) + 1)
        return [(getattr(self, f"conv2d_{i}"), getattr(self, f"batch_normalization_{i + 1}")) for i in numbers]


def _norm(channels: int) -> nn.BatchNorm2d:
    """Keras' batch norm, with PyTorch's usual momentum of 0.1: a training of 200 steps needs statistics that follow."""
    return nn.BatchNorm2d(channels, eps=1e-3)
