"""Fine-tuned folders over small data of one's own, and what they export."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.training import scores
from tlzoo.adapters.weights import resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import HeadedModel, trainable
from tlzoo.data.catalogue import find, load
from tlzoo.data.protocol import Limits
from tlzoo.errors import UnavailableError
from tlzoo.tasks import task_type
from tlzoo.transfer import bundle
from tlzoo.transfer.assemble import assemble

LIMITS = Limits(train=None, validation=500, test=None)


@dataclass(frozen=True)
class Trained:
    """A fine-tuned folder.

    Attributes:
        folder: The folder.
        data: What it was trained on.
        model: The model.
        rows: The test examples.
        accuracy: Of these.
    """

    folder: Path
    data: Path
    model: HeadedModel
    rows: Sequence[Any]
    accuracy: float


def trained(card_id: str, task_name: str, data: Path, folder: Path, steps: int = 40) -> Trained:
    """Train the head of a nano variant, and write it as ``tlzoo finetune`` does."""
    card = catalogue.get(card_id)
    source = find(task_name, str(data), LIMITS)
    prepared = load(source)
    task = task_type(task_name, source.kind)(prepared.features)
    torch.manual_seed(0)
    try:
        network = assemble(resolve(card, "stand-in", "nano"), task)
    except UnavailableError as error:
        pytest.skip(str(error))
    model = trainable(network).for_task(task).eval()
    assert isinstance(model, HeadedModel)
    batch = model.collate([model.encode(row) for row in prepared.splits["train"]])
    with torch.no_grad():
        read = model.backbone.output_for(batch, model.task)
    optimizer = torch.optim.Adam(model.head.parameters(), 0.02)
    model.head.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model.task.loss(model.head(read), batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    test = prepared.splits["test"]
    value = scores(task, model, test)["accuracy"]
    facts = {name: getattr(source, name) for name in ("name", "kind", "fingerprint", "where")}
    recipe = {
        "run": {"source": facts | {"place": None, "options": dict(source.options), "limits": asdict(LIMITS)}},
        "training": {"is_crossfitted": False},
        "results": [{"metric": "accuracy", "value": value, "low": value - 0.1, "high": 1.0, "n_test": len(test)}],
    }
    readme = "---\nlicense: apache-2.0\n---\n# A model\n"
    bundle.save(model, task, card, variant_of(card, "nano"), folder, recipe, readme, prepared.columns)
    return Trained(folder, data, model, test, value)


def stripes(rng: np.random.Generator, label: int) -> Image.Image:
    """Noisy stripes of any size: across, down, or both."""
    height, width = (int(side) for side in rng.integers(30, 150, 2))
    y, x = np.mgrid[:height, :width] // int(rng.integers(5, 9)) % 2
    pattern = (y, x, y ^ x)[label]
    pixels = 60 + 120 * pattern[..., None] + rng.normal(0, 40, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of three classes, half of them for the test."""
    root = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for i in range(90):
        path = root / ("test" if i % 3 else "train") / ("across", "down", "both")[i % 9 // 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        stripes(rng, i % 9 // 3).save(path)
    return root


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty sentences of two classes."""
    path = tmp_path_factory.mktemp("texts") / "reviews.csv"
    words = ("good", "bad")
    lines = [
        f'"Number {i}: the film was {"very " * (i % 7)}{words[i % 2]}, ünd long",{words[i % 2]}' for i in range(80)
    ]
    path.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def image_model(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Stripes by a network of convolutions."""
    return trained("resnet-50", "image-classification", pictures, tmp_path_factory.mktemp("models") / "image")


@pytest.fixture(scope="session")
def sound_model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Notes by YAMNet."""
    return trained("crepe", "audio-classification", folder, tmp_path_factory.mktemp("models") / "sound")


@pytest.fixture(scope="session")
def text_model(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Sentences by BERT."""
    return trained("electra", "text-classification", texts, tmp_path_factory.mktemp("models") / "text")
