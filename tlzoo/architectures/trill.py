"""TRILL and TRILLsson: embeddings of paralinguistic speech, such as emotion and speaker.

Sources: Shor et al. 2020, arXiv 2002.12764 (section 3: a ResNet-50 over log-mel patches, an embedding of 512 values);
Shor & Venugopalan 2022, arXiv 2203.00236 (TRILLsson: a student of other architectures, of which size 3 is an
EfficientNetV2-S); vumichien's conversion of it for transformers (names of parameters, and a feature extractor). Bodies
are timm's; the log-mel front end is that of YAMNet.
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

from tlzoo.architectures import yamnet
from tlzoo.architectures.patches import PatchBackbone
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Example, Spec

STAGES = (64, 128, 256, 512)
"""Channels of the stages of a ResNet-50, before the factor 4 of its bottlenecks (He 2015, 1512.03385, table 1)."""

MIN_SAMPLES = 32_000
"""Minimum length in samples, to which TRILLsson's published feature extractor extends shorter sounds."""
NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "ConvBnAct": (("project_conv", "conv"), ("project_bn", "bn1")),
    "EdgeResidual": (
        ("expand_conv", "conv_exp"),
        ("expand_bn", "bn1"),
        ("project_conv", "conv_pwl"),
        ("project_bn", "bn2"),
    ),
    "InvertedResidual": (
        ("expand_conv", "conv_pw"),
        ("expand_bn", "bn1"),
        ("dwconv2", "conv_dw"),
        ("normalization", "bn2"),
        ("squeeze_excitation.se_reduce", "se.conv_reduce"),
        ("squeeze_excitation.se_expand", "se.conv_expand"),
        ("project_conv", "conv_pwl"),
        ("project_bn", "bn3"),
    ),
}
"""Parts of a published block and of timm's, by timm's class."""


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
        block: Any = Bottleneck  # timm's annotation asks for an object of the class
        self.body: Any = ResNet(
            block,
            tuple(blocks),
            num_classes=embedding_size,
            in_chans=1,
            channels=channels,
            stem_width=channels[0],
        )
        sizes = {"pooled": embedding_size, "tokens": embedding_size}
        self.spec = Spec("audio", sizes, yamnet.SAMPLE_RATE, yamnet.PATCH_SECONDS, yamnet.PATCH_MIDDLE)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound, mono samples at 16 kHz in [-1, 1], into ``patches``, as of ``yamnet.cut_patches``."""
        return {"patches": yamnet.cut_patches(source)}

    def embed(self, patches: Tensor) -> Tensor:
        """``(patches, 1, 96, 64)`` to ``(patches, dim)``."""
        embeddings: Tensor = self.body(patches.contiguous(memory_format=torch.channels_last))
        return embeddings

    def stages(self) -> list[nn.Module]:
        """The stem, the four stages, the embedding."""
        body = self.body
        return [nn.ModuleList([body.conv1, body.bn1]), body.layer1, body.layer2, body.layer3, body.layer4, body.fc]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load parameters by timm's names; the published SavedModel has no conversion that is known.

        Raises:
            InputError: The parameters have another structure.
        """
        (path,) = files.values()
        load_tensors(self.body, read_tensors(path), path)


class TRILLsson(PatchBackbone):
    """An EfficientNetV2 over chunks of 2 s as log-mel patches, and a linear embedding of its mean."""

    def __init__(
        self,
        size: str = "s",
        mel_bands: int = 80,
        frames: int = 195,
        embedding_size: int = 1024,
        hop_frames: int = 7,
    ) -> None:
        """Build the network from scratch.

        Args:
            size: Size of EfficientNetV2: ``s``, ``m`` or ``l``.
            mel_bands: Mel bands of a patch.
            frames: Frames of a patch, one every 10 ms.
            embedding_size: Values of the embedding.
            hop_frames: From one patch to the next.
        """
        super().__init__()
        self.bands, self.frames, self.hop = mel_bands, frames, hop_frames
        self.body: Any = timm.create_model(f"tf_efficientnetv2_{size}", in_chans=1, num_classes=embedding_size)
        sizes = {"pooled": embedding_size, "tokens": embedding_size}
        hop, seen = hop_frames * yamnet.HOP, (frames - 1) * yamnet.HOP + yamnet.WINDOW
        self.spec = Spec("audio", sizes, yamnet.SAMPLE_RATE, hop / yamnet.SAMPLE_RATE, seen / 2 / yamnet.SAMPLE_RATE)

    def encode(self, source: np.ndarray) -> Example:
        """Cut a sound into patches, whole ones only; a sound of less than 2 s is first mirrored until it is as long.

        Args:
            source: Mono samples at 16 kHz in [-1, 1], ``(samples,)``.

        Returns:
            ``patches``, ``(patches, 1, frames, bands)``, scaled as the published feature extractor does.
        """
        minimum = max(MIN_SAMPLES, (self.frames - 1) * yamnet.HOP + yamnet.WINDOW)
        sound = np.asarray(source if len(source) else [0.0], dtype=np.float32)
        sound = np.pad(sound, (0, max(0, minimum - len(sound))), mode="symmetric")
        mel = yamnet.log_mel(torch.from_numpy(sound), self.bands) / 128 - 1
        return {"patches": mel.unfold(0, self.frames, self.hop).transpose(1, 2).unsqueeze(1).contiguous()}

    def embed(self, patches: Tensor) -> Tensor:
        """``(patches, 1, frames, bands)`` to ``(patches, dim)``."""
        embeddings: Tensor = self.body(patches.contiguous(memory_format=torch.channels_last))
        return embeddings

    def stages(self) -> list[nn.Module]:
        """The stem, the stages of blocks, the last convolution, the embedding."""
        body = self.body
        stem, last = nn.ModuleList([body.conv_stem, body.bn1]), nn.ModuleList([body.conv_head, body.bn2])
        return [stem, *body.blocks, last, body.classifier]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load vumichien's conversion.

        Raises:
            InputError: The file has another structure.
        """
        (path,) = files.values()
        names = self.published_names()
        tensors = {}
        for name, value in read_tensors(path).items():
            module, _, parameter = name.rpartition(".")
            tensors[f"{names.get(module, module)}.{parameter}"] = value
        load_tensors(self.body, tensors, path)

    def published_names(self) -> dict[str, str]:
        """Modules of the body, by what vumichien/nonsemantic-speech-trillsson3 calls them.

        Its code (``modeling_trillsson_efficientnet.py``) counts blocks through all stages, and calls the only
        convolution of a block that does not expand its projection.
        """
        names = {
            "stem.stem_conv": "conv_stem",
            "stem.stem_bn": "bn1",
            "top.top_conv": "conv_head",
            "top.top_bn": "bn2",
            "dense": "classifier",
        }
        blocks = ((f"blocks.{i}.{j}", b) for i, stage in enumerate(self.body.blocks) for j, b in enumerate(stage))
        for number, (place, block) in enumerate(blocks):
            names |= {f"block.{number}.{theirs}": f"{place}.{ours}" for theirs, ours in NAMES[type(block).__name__]}
        return names
