"""A small backbone over pictures, and trainings as short as a test can have them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn

from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import HeadedModel, HeadModel
from tlzoo.core.task import HeadTask
from tlzoo.data.media.image import encode_png
from tlzoo.transfer.features import frozen

COLOURS = ((255, 60, 60), (60, 255, 60), (60, 60, 255), (255, 255, 60))


class Small(ImageBackbone):
    """Convolutions at strides of 4, 8, 16 and 32 pixels, parameters always the same."""

    def __init__(self, height: int = 64, width: int = 96) -> None:
        channels = (16, 24, 32, 48)
        super().__init__((height, width), {"pooled": 48}, list(zip(channels, (4, 8, 16, 32), strict=True)))
        torch.manual_seed(0)
        steps = [(3, 16, 4), (16, 24, 2), (24, 32, 2), (32, 48, 2)]
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, s + 1, s, s // 2), nn.BatchNorm2d(o), nn.ReLU()) for i, o, s in steps
        )

    def forward(self, batch: dict[str, Any]) -> dict[str, Any]:
        maps: list[Tensor] = []
        for part in self.parts:
            maps.append(part(maps[-1] if maps else self.pixels(batch)))
        return {"pooled": maps[-1].mean((2, 3)), "pyramid": maps}

    def stages(self) -> list[nn.Module]:
        return list(self.parts)

    def load_official(self, files: Any) -> None:
        raise NotImplementedError


def noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Dark noise, the ground that things are drawn on."""
    return rng.integers(0, 60, (height, width, 3), dtype=np.uint8)


def stored(image: NDArray[np.uint8]) -> dict[str, Any]:
    return {"bytes": encode_png(image), "path": None}


def probe(task: HeadTask, rows: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> HeadModel:
    """A head on the frozen maps of a small backbone, as a probe has them."""
    monkeypatch.setenv("TLZOO_CACHE", str(cache))
    model = Small().for_task(task)
    return model.on_features(frozen(model.backbone, task, [rows], ["small"], progress=False))


def whole(task: HeadTask, height: int = 64, width: int = 96) -> HeadedModel:
    """A small backbone with the task's head."""
    return Small(height, width).for_task(task)
