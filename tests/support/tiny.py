"""A backbone small enough for tests of the harness, over sounds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tlzoo.core.batch import Batch, Example, Spec
from tlzoo.core.model import Backbone


class Tiny(Backbone):
    """Two linear stages over a spectrum; counts the examples that pass through."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(65, 32), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(32, 16), nn.ReLU())
        self.spec = Spec("audio", {"pooled": 16}, 16_000)
        self.seen = 0

    def encode(self, source: np.ndarray) -> Example:
        frames = torch.from_numpy(source[:1280]).unfold(0, 128, 128)
        return {"spectrum": torch.fft.rfft(frames).abs().mean(0)}

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        self.seen += len(batch["spectrum"])
        return {"pooled": self.second(self.first(batch["spectrum"]))}

    def stages(self) -> list[nn.Module]:
        return [self.first, self.second]

    def load_official(self, files: Mapping[str, Path]) -> None:
        raise NotImplementedError
