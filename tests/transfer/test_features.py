from pathlib import Path

import pytest
import torch
from datasets import Dataset

from tests.support.tiny import Tiny
from tlzoo.data.media.audio import decode
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer.features import frozen


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))


def test_each_example_passes_once_whatever_asks(tiny: Tiny, notes: Dataset) -> None:
    splits = [notes.select(range(60)), notes.select(range(60, 90))]
    for _seed in range(3):
        features = frozen(tiny, AudioClassification(notes.features), splits, ["weights", "data"], progress=False)
    assert tiny.seen == 90
    assert features(notes[7])["features"].shape == (16,)
    assert features.seconds(["1", "2"]) > 0


def test_features_are_those_of_a_plain_pass(tiny: Tiny, notes: Dataset) -> None:
    features = frozen(tiny, AudioClassification(notes.features), [notes], ["w"], progress=False)
    with torch.inference_mode():
        spectrum = torch.stack([tiny.encode(decode(r["audio"], 16_000))["spectrum"] for r in notes])
        plain = tiny({"spectrum": spectrum})["pooled"]
    assert torch.allclose(torch.stack([features(r)["features"] for r in notes]), plain, atol=1e-6)


def test_other_weights_are_another_key(tiny: Tiny, notes: Dataset) -> None:
    frozen(tiny, AudioClassification(notes.features), [notes], ["a"], progress=False)
    frozen(tiny, AudioClassification(notes.features), [notes], ["b"], progress=False)
    assert tiny.seen == 180
