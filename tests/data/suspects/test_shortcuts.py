from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from tlzoo.data.suspects.shortcuts import all_facts, shortcuts

LABELS = ["cat", "dog"] * 20


def told(kind: str, values: list[object], names: list[str]) -> list[str]:
    facts = all_facts(kind, values, names, LABELS)
    classes = sorted(set(LABELS))
    places = [classes.index(label) for label in LABELS]
    return [each.message.split(" alone")[0] for each in shortcuts(facts, places, names, classes)]


def stored(path: Path) -> dict[str, object]:
    return {"bytes": None, "path": str(path)}


def test_texts_of_one_class_that_are_longer() -> None:
    names = [f"row {i}" for i in range(40)]
    rng = np.random.default_rng(0)
    alike = ["word " * int(rng.integers(5, 40)) for _ in names]
    assert told("text", list(alike), names) == []
    longer = [text + "and on " * 60 * (label == "dog") for text, label in zip(alike, LABELS, strict=True)]
    assert told("text", list(longer), names) == ["the number of characters"]


def test_pictures_of_one_class_with_a_border(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plain: list[object] = []
    framed: list[object] = []
    for i, label in enumerate(LABELS):
        pixels = rng.integers(0, 255, (40, 40, 3)).astype(np.uint8)
        for folder, frame in (("plain", False), ("framed", label == "dog")):
            path = tmp_path / folder / label / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            given = pixels.copy()
            if frame:
                given[[0, 1, -2, -1]] = given[:, [0, 1, -2, -1]] = 250
            Image.fromarray(given).save(path)
            (framed if folder == "framed" else plain).append(stored(path))
    names = [f"{label}/{i}.png" for i, label in enumerate(LABELS)]
    assert told("image", plain, names) == []
    assert "the brightness of the border" in told("image", framed, names)


def test_sounds_of_one_class_from_a_louder_microphone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    same: list[object] = []
    louder: list[object] = []
    for i, label in enumerate(LABELS):
        samples = rng.normal(0, 0.02, 3200)
        for name, gain, into in (("same", 1, same), ("louder", 4 if label == "dog" else 1, louder)):
            path = tmp_path / f"{name}{i}.wav"
            soundfile.write(path, gain * samples, 16_000)
            into.append(stored(path))
    names = [f"{label}/{i}.wav" for i, label in enumerate(LABELS)]
    assert told("audio", same, names) == []
    assert "the loudness" in told("audio", louder, names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("{label}/{i}.png", []),
        ("{label}/{label}_{i}.png", []),
        ("{label}/{camera}{i}.png", ["the beginning of the file's name"]),
        ("{label}/{i}.{suffix}", ["the suffix of the file"]),
    ],
)
def test_names_tell_unless_it_is_the_class_that_they_name(name: str, expected: list[str]) -> None:
    names = [
        name.format(label=label, i=i, camera={"cat": "img", "dog": "dsc"}[label], suffix=["png", "jpg"][label == "dog"])
        for i, label in enumerate(LABELS)
    ]
    assert told("video", [None] * len(names), names) == expected


def test_one_of_many_classes_that_is_told_from_the_others() -> None:
    rng = np.random.default_rng(0)
    labels = [i % 8 for i in range(160)]
    lengths = [float(rng.integers(5, 40) + 100 * (label == 3)) for label in labels]
    names = [f"row {i}" for i in range(160)]
    (one,) = shortcuts([{"the length": each} for each in lengths], labels, names, list("abcdefgh"))
    assert one.message.startswith("the length alone tells class d from the others with balanced accuracy 1.00")
