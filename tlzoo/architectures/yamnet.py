"""YAMNet: a MobileNet-v1 over log-mel patches, trained on AudioSet's sound classes.

Sources: Hershey et al. 2017, arXiv 1609.09430 (the task and the patches); Howard et al. 2017, arXiv 1704.04861 (the
network); tensorflow/models, ``research/audioset/yamnet`` (the constants). The published weights are read from the
TensorFlow Lite file of tensorflow/tflite-support: int8 kernels, batch norms folded into the convolutions' biases.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.folding import FoldableNorm, convolution
from tlzoo.architectures.patches import PatchBackbone
from tlzoo.checkpoints import tflite
from tlzoo.core.batch import Batch, Example, Spec, segment_mean
from tlzoo.core.model import Model
from tlzoo.core.published import PublishedClassifier
from tlzoo.errors import InputError

SAMPLE_RATE = 16_000
"""Hz."""
WINDOW, HOP, FFT = 400, 160, 512
"""Samples of the short-time Fourier transform: 25 ms, every 10 ms, padded to a power of two."""
BANDS, LOWEST, HIGHEST = 64, 125.0, 7500.0
"""Mel bands, and their outer edges in Hz."""
LOG_OFFSET = 0.001
PATCH, PATCH_HOP = 96, 48
"""Frames of a patch (0.96 s), and from one patch to the next (0.48 s)."""
PATCH_SAMPLES = (PATCH - 1) * HOP + WINDOW
"""15,600 samples: what the frames of one patch see."""
PATCH_SECONDS, PATCH_MIDDLE = PATCH_HOP * HOP / SAMPLE_RATE, PATCH_SAMPLES / 2 / SAMPLE_RATE
"""From one patch to the next, and where the middle of the first one is, in s."""

BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
"""Channels and stride of the separable blocks, after a stem of 32 channels and stride 2 (1704.04861, table 1)."""


@cache
def mel_matrix(bands: int = BANDS) -> Tensor:
    """Triangular mel filters, ``(257, bands)``: bins of the spectrum to bands.

    TensorFlow's ``linear_to_mel_weight_matrix``: HTK's mel scale, slopes that are straight in mel, not in Hz (which is
    where ``torchaudio.functional.melscale_fbanks`` differs, by up to 0.004), no weight on the constant bin.
    """

    def mel(hertz: np.ndarray) -> np.ndarray:
        return 1127 * np.log1p(hertz / 700)

    bins = mel(np.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1))[:, None]
    lowest, highest = mel(np.array([LOWEST, HIGHEST]))
    edges = np.linspace(lowest, highest, bands + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clip(0)
    weights[0] = 0
    return torch.from_numpy(weights.astype(np.float32))


def log_mel(waveform: Tensor, bands: int = BANDS) -> Tensor:
    """Log-mel spectrogram of whole windows only.

    Args:
        waveform: Samples at 16 kHz, ``(samples,)``, at least 400.
        bands: Mel bands.

    Returns:
        ``log(mel + 0.001)`` of magnitudes, ``(frames, bands)``.
    """
    frames = waveform.unfold(0, WINDOW, HOP) * torch.hann_window(WINDOW, device=waveform.device)
    magnitudes: Tensor = torch.fft.rfft(frames, FFT).abs()
    return (magnitudes @ mel_matrix(bands).to(waveform.device) + LOG_OFFSET).log()


def cut_patches(source: np.ndarray) -> Tensor:
    """Cut a sound into log-mel patches.

    As the reference's ``pad_waveform``, silence at the end makes the sound a whole number of patches, at least one.

    Args:
        source: Mono samples at 16 kHz in [-1, 1], ``(samples,)``.

    Returns:
        ``(patches, 1, 96, 64)``: frames by mel bands, a patch every 0.48 s.
    """
    waveform = torch.tensor(source, dtype=torch.float32)
    rest = len(waveform) - PATCH_SAMPLES
    padding = -rest if rest < 0 else -rest % (PATCH_HOP * HOP)
    patches = log_mel(F.pad(waveform, (0, padding))).unfold(0, PATCH, PATCH_HOP)
    return patches.transpose(1, 2).unsqueeze(1).contiguous()


class CentredNorm(FoldableNorm):
    """Batch normalisation with a bias and no scale, eps 1e-4, as in YAMNet's ``params.py``."""

    def __init__(self, channels: int) -> None:
        """Build an ordinary norm, not folded.

        Args:
            channels: Channels to normalise.
        """
        super().__init__(channels, eps=1e-4, affine=False)
        self.bias = nn.Parameter(torch.zeros(channels))


class YAMNet(PatchBackbone):
    """MobileNet-v1 over log-mel patches of 0.96 s; ``tokens`` are one vector a patch.

    The AudioSet classifier belongs to the published parameters and lies in ``classifier``; :meth:`forward` and
    :meth:`stages` leave it out. ``classes=0`` builds none.
    """

    def __init__(self, width: float = 1.0, activation: Literal["relu", "relu6"] = "relu6", classes: int = 521) -> None:
        """Build the network from scratch.

        Args:
            width: Multiplier of all channels (1704.04861, section 3.3).
            activation: ``"relu6"`` for the TensorFlow Lite weights, ``"relu"`` for tensorflow/models.
            classes: Outputs of the classifier; 0 for no classifier.

        Raises:
            InputError: The activation is neither of the two.
        """
        super().__init__()
        kinds: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}
        if activation not in kinds:
            raise InputError(f"YAMNet: activation {activation!r}; known: {', '.join(kinds)}")
        nonlinear = kinds[activation]
        channels = [max(1, int(width * c)) for c in (32, *(c for c, _ in BLOCKS))]
        self.stem = convolution(1, channels[0], CentredNorm, nonlinear, stride=2)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    convolution(inputs, inputs, CentredNorm, nonlinear, stride, groups=inputs),
                    convolution(inputs, outputs, CentredNorm, nonlinear, kernel=1),
                )
                for (inputs, outputs), (_, stride) in zip(pairwise(channels), BLOCKS, strict=True)
            )
        )
        self.classifier = nn.Linear(channels[-1], classes) if classes else None
        sizes = {"pooled": channels[-1], "tokens": channels[-1]}
        self.spec = Spec("audio", sizes, SAMPLE_RATE, PATCH_SECONDS, PATCH_MIDDLE)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound, mono samples at 16 kHz in [-1, 1], into ``patches``, as of :func:`cut_patches`."""
        return {"patches": cut_patches(source)}

    def embed(self, patches: Tensor) -> Tensor:
        """Run the blocks: ``(patches, 1, 96, 64)`` to ``(patches, dim)``; channels last, which takes a third less."""
        maps = self.stem(patches).contiguous(memory_format=torch.channels_last)
        pooled: Tensor = self.blocks(maps).mean((2, 3))
        return pooled

    def stages(self) -> list[nn.Module]:
        """The stem and the 13 separable blocks."""
        return [self.stem, *self.blocks]

    @torch.no_grad()
    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the TensorFlow Lite file; its norms are folded, see :class:`FoldableNorm`.

        Args:
            files: The one file, ``yamnet_audio_classifier_with_metadata.tflite``.

        Raises:
            InputError: The file is not TensorFlow Lite, or holds another network, width or no labels.
        """
        (path,) = files.values()
        layers = list(tflite.layers(path))
        if self.classifier is None:
            layers = layers[:-1]
        modules = [m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        shapes, expected = [tuple(k.shape) for k, _ in layers], [tuple(m.weight.shape) for m in modules]
        if shapes != expected:
            raise InputError(f"{path}: not YAMNet at this width: kernels {shapes[:3]}..., expected {expected[:3]}...")
        if self.classifier is not None:
            self.spec = replace(self.spec, labels=_labels(path, self.classifier.out_features))
            self.classifier.bias.copy_(layers[-1][1])
        for module, (kernel, _) in zip(modules, layers, strict=True):
            module.weight.copy_(kernel)
        norms = [m for m in self.modules() if isinstance(m, CentredNorm)]
        for norm, (_, bias) in zip(norms, layers, strict=False):
            norm.fold(bias)

    def scores(self, batch: Batch) -> Tensor:
        """Independent scores of each class, ``(batch, classes)``: sigmoids of the patches, averaged over the sound."""
        assert self.classifier is not None, "the published head was dropped"
        outputs = self(batch)
        return segment_mean(self.classifier(outputs["tokens"]).sigmoid(), outputs["tokens_lengths"])

    def drop_published_head(self) -> None:
        """Forget the AudioSet classifier and its labels."""
        self.classifier = None
        self.spec = replace(self.spec, labels=())

    def published_model(self) -> Model | None:
        """The AudioSet classifier; absent before :meth:`load_official` and without a classifier."""
        return PublishedClassifier(self) if self.classifier and self.spec.labels else None


def _labels(path: Path, classes: int) -> tuple[str, ...]:
    """Class names from the archive at the end of the file.

    Raises:
        InputError: It has none, or another number.
    """
    name = "yamnet_label_list.txt"
    try:
        with zipfile.ZipFile(path) as archive:
            labels = tuple(archive.read(name).decode().splitlines())
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{path}: no {name} packed into it; expected the file with metadata") from error
    if len(labels) != classes:
        raise InputError(f"{path}: {len(labels)} labels in {name}, expected {classes}")
    return labels
