"""TRILL and TRILLsson: embeddings of how something is said.

Sources: Shor et al. 2020, arXiv 2002.12764 (section 3: a ResNet-50 over log-mel patches, an embedding of 512 values);
Shor & Venugopalan 2022, arXiv 2203.00236 (TRILLsson: a student of other architectures, of which size 3 is an
EfficientNetV2-S). Bodies are timm's; the patches are those of YAMNet, which has the same front end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from timm.models.resnet import Bottleneck, ResNet
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.adapters.base import Example, Spec
from tlzoo.architectures import yamnet
from tlzoo.architectures.patches import PatchBackbone
from tlzoo.checkpoints import load_tensors, read_tensors

STAGES = (64, 128, 256, 512)
"""Channels of the stages of a ResNet-50, before the factor 4 of its bottlenecks (He 2015, 1512.03385, table 1)."""


class TRILL(PatchBackbone):
    """A ResNet of bottlenecks over log-mel patches of 0.96 s, and a linear embedding of its mean."""

    def __init__(self, blocks: Sequence[int] = (3, 4, 6, 3), width: float = 1.0, embedding_size: int = 512) -> None:
        """Build the network from scratch.

        Args:
            blocks: Bottlenecks of each stage.
            width: Multiplier of all channels.
            embedding_size: Values of the embedding.
        """
        super().__init__()
        channels = tuple(max(8, round(width * c)) for c in STAGES)
        layers = {"layers": tuple(blocks), "channels": channels, "stem_width": channels[0], "in_chans": 1}
        self.body: Any = ResNet(Bottleneck, **layers, num_classes=embedding_size)
        sizes = {"pooled": embedding_size, "tokens": embedding_size}
        self.spec = Spec("audio", sizes, yamnet.SAMPLE_RATE, yamnet.PATCH_SECONDS, yamnet.PATCH_MIDDLE)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound, mono samples at 16 kHz in [-1, 1], into ``patches``, as of ``yamnet.cut_patches``."""
        return {"patches": yamnet.cut_patches(source)}

    def embed(self, patches: Tensor) -> Tensor:
        """``(patches, 1, 96, 64)`` to ``(patches, dim)``."""
        found: Tensor = self.body(patches.contiguous(memory_format=torch.channels_last))
        return found

    def stages(self) -> list[nn.Module]:
        """The stem, the four stages, the embedding."""
        body = self.body
        return [nn.ModuleList([body.conv1, body.bn1]), body.layer1, body.layer2, body.layer3, body.layer4, body.fc]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load parameters by timm's names; the published SavedModel has no conversion that is known.

        Raises:
            InputError: They are of another structure.
        """
        (path,) = files.values()
        load_tensors(self.body, read_tensors(path), path)


class TRILLsson(PatchBackbone):
    """An EfficientNetV2 over chunks of 2 s as log-mel patches, and a linear embedding of its mean."""

    def __init__(self, size: str = "s", mel_bands: int = 80, frames: int = 195, embedding_size: int = 1024) -> None:
        """Build the network from scratch.

        Args:
            size: Of EfficientNetV2: ``s``, ``m`` or ``l``.
            mel_bands: Of a patch.
            frames: Of a patch, one every 10 ms.
            embedding_size: Values of the embedding.
        """
        super().__init__()
        self.bands, self.frames = mel_bands, frames
        self.body: Any = timm.create_model(f"tf_efficientnetv2_{size}", in_chans=1, num_classes=embedding_size)
        sizes = {"pooled": embedding_size, "tokens": embedding_size}
        seconds = frames * yamnet.HOP / yamnet.SAMPLE_RATE
        self.spec = Spec("audio", sizes, yamnet.SAMPLE_RATE, seconds, seconds / 2)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound into chunks of 2 s, the last one filled with silence.

        Args:
            source: Mono samples at 16 kHz in [-1, 1], ``(samples,)``.

        Returns:
            ``patches``, ``(patches, 1, frames, bands)``.
        """
        waveform = torch.tensor(source, dtype=torch.float32)
        chunk = self.frames * yamnet.HOP
        count = max(1, -(-len(waveform) // chunk))
        whole = F.pad(waveform, (0, count * chunk + yamnet.WINDOW - yamnet.HOP - len(waveform)))
        mel = yamnet.log_mel(whole, self.bands)
        return {"patches": mel.unflatten(0, (count, self.frames)).unsqueeze(1).contiguous()}

    def embed(self, patches: Tensor) -> Tensor:
        """``(patches, 1, frames, bands)`` to ``(patches, dim)``."""
        found: Tensor = self.body(patches.contiguous(memory_format=torch.channels_last))
        return found

    def stages(self) -> list[nn.Module]:
        """The stem, the stages of blocks, the last convolution, the embedding."""
        body = self.body
        stem, last = nn.ModuleList([body.conv_stem, body.bn1]), nn.ModuleList([body.conv_head, body.bn2])
        return [stem, *body.blocks, last, body.classifier]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load parameters by timm's names.

        Raises:
            InputError: They are of another structure.
        """
        (path,) = files.values()
        load_tensors(self.body, read_tensors(path), path)
