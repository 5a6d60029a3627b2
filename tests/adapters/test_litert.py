"""The published TensorFlow Lite DeepLab on real photographs of scikit-image."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.published import official, photograph
from tlzoo.adapters import build, litert
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import trainable
from tlzoo.errors import InputError, UnavailableError

CARD = catalogue.get("deeplabv3")
VARIANT = variant_of(CARD, "tflite")


def test_it_finds_a_person_and_a_cat() -> None:
    pytest.importorskip("ai_edge_litert")
    model = official("deeplabv3", "tflite").published_model()
    rows = [{"image": photograph(name)} for name in ("astronaut", "chelsea")]
    with torch.inference_mode():
        person, cat = model.predict(model.preprocess(rows))
    assert person.mask.shape == (512, 512) and cat.mask.shape == (300, 451)
    assert len(person.labels) == 21
    kinds = [person.labels[i] for i in person.mask[[120, 300, 100], [225, 200, 40]]]
    assert kinds == ["person", "person", "background"]  # face, suit, flag
    found, areas = np.unique(cat.mask, return_counts=True)
    assert cat.labels[found[areas.argmax()]] == "cat"
    assert cat.labels[cat.mask[120, 150]] == "cat"
    with pytest.raises(InputError, match="run it with: zero-shot"):
        trainable(model)


def test_before_its_file_is_read_nothing_is_published() -> None:
    assert build(VARIANT, CARD.input_of(VARIANT)).published_model() is None


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "deeplabv3.tflite"
    path.write_bytes(b"TFL3" * 10)
    with pytest.raises(InputError, match=r"deeplabv3\.tflite: cannot be read as"):
        build(VARIANT, CARD.input_of(VARIANT)).load_official({"deeplabv3.tflite": path})  # type: ignore[union-attr]


def test_without_litert_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setattr(litert, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"pip install '\.\[tflite\]'"):
        build(VARIANT, CARD.input_of(VARIANT))
