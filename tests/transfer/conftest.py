"""A small backbone, and sounds that differ by pitch."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value

from tests.support.tiny import Tiny
from tlzoo.data.dataset import table
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.schemas import storage


@pytest.fixture
def tiny() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


@pytest.fixture(scope="session")
def notes() -> Dataset:
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
