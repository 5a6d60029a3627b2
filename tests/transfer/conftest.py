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
    text = Value("string")
    label = ClassLabel(names=["low", "middle", "high"])
    features = Features({"audio": storage("audio"), "label": label, "group": text, "id": text})
    time = np.arange(1600) / 16_000
    labels, names = [i % 3 for i in range(90)], [str(i) for i in range(90)]
    sounds = [np.sin(2 * np.pi * (300 * 3**k + rng.uniform(-50, 50)) * time) + rng.normal(0, 0.3, 1600) for k in labels]
    audio = [{"bytes": encode_wav((s / 3).astype(np.float32), 16_000), "path": None} for s in sounds]
    return table(features, {"audio": audio, "label": labels, "group": names, "id": names})
