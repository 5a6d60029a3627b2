"""A backbone small enough for tests of the harness, over sounds that differ by pitch."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Features, Value
from torch import nn

from tlzoo.core.batch import Batch, Example, Spec
from tlzoo.core.model import Backbone
from tlzoo.data.dataset import table
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.schemas import storage


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

    def load_official(self, files) -> None:  # type: ignore[no-untyped-def]
        raise NotImplementedError


@pytest.fixture
def tiny() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


@pytest.fixture(scope="session")
def notes():  # type: ignore[no-untyped-def]
    """Ninety notes of three classes."""
    rng = np.random.default_rng(0)
    features = Features(
        {
            "audio": storage("audio"),
            "label": ClassLabel(names=["low", "middle", "high"]),
            "group": Value("string"),
            "id": Value("string"),
        }
    )
    time = np.arange(1600) / 16_000
    labels = [i % 3 for i in range(90)]
    sounds = [np.sin(2 * np.pi * (300 * 3**k + rng.uniform(-50, 50)) * time) + rng.normal(0, 0.3, 1600) for k in labels]
    return table(
        features,
        {
            "audio": [{"bytes": encode_wav((s / 3).astype(np.float32), 16_000), "path": None} for s in sounds],
            "label": labels,
            "group": [str(i) for i in range(90)],
            "id": [str(i) for i in range(90)],
        },
    )
