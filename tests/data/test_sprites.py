"""Drawings seen in many ways."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.image import decode
from tlzoo.data.sprites import COARSE, FEATURES, KINDS, NAMES, SPLITS, Drawing, drawings, sprites
from tlzoo.errors import UnavailableError
from tlzoo.tasks.classification import ImageClassification


@pytest.fixture(scope="module")
def parted() -> dict[str, dict[str, list[Drawing]]]:
    try:
        return drawings()
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def data(parted: object) -> DatasetDict:
    try:
        return sprites(sizes=(4 * len(NAMES), len(NAMES)))
    except UnavailableError as error:
        pytest.skip(str(error))


def test_classes(parted: dict[str, dict[str, list[Drawing]]]) -> None:
    assert len(NAMES) == 37 and list(NAMES) == sorted(NAMES)
    assert COARSE == ("block", "card", "character", "creature", "item", "vehicle")
    for name in NAMES:
        assert parted["train"][name] and parted["validation"][name]
    assert sum(len(found) for split in parted.values() for found in split.values()) == 367
    assert "arcade" not in sys.modules


def test_no_drawing_is_in_two_splits_or_classes(parted: dict[str, dict[str, list[Drawing]]]) -> None:
    everything = [drawing for split in parted.values() for found in split.values() for drawing in found]
    files = [file for file, _ in everything]
    assert len(set(files)) == len(files)
    assert len({(picture.size, picture.tobytes()) for _, picture in everything}) == len(files)
    other = drawings(seed=1)
    assert [file for file, _ in other["train"]["tank"]] != [file for file, _ in parted["train"]["tank"]]


def test_drawings_are_trimmed(parted: dict[str, dict[str, list[Drawing]]]) -> None:
    for found in parted["train"].values():
        for _, picture in found:
            assert picture.mode == "RGBA" and 8 <= max(picture.size) <= 112
            assert np.asarray(picture)[..., 3].any(axis=0).mean() > 0.95


def test_rows(data: DatasetDict, parted: dict[str, dict[str, list[Drawing]]]) -> None:
    assert sprites.__defaults__ == (0, (3000, 300))
    assert {split: len(rows) for split, rows in data.items()} == {"train": 148, "validation": 37}
    for split, rows in data.items():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        assert len(set(rows["id"])) == len(rows)
        assert len(set(rows["label"][:37])) == 37 and set(Counter(rows["label"]).values()) == {len(rows) // 37}
        for row in rows:
            assert np.asarray(decode(row["image"])).shape == (64, 64, 3)
            assert row["group"] in [file for file, _ in parted[split][NAMES[row["label"]]]]


def test_deterministic_and_nested(data: DatasetDict) -> None:
    again = sprites(sizes=(6, 3))
    for split, rows in again.items():
        assert rows.to_list() == data[split].select(range(len(rows))).to_list()
    other = sprites(seed=1, sizes=(6, 0))
    assert other["train"]["image"][:] != again["train"]["image"][:]
    assert len(other["validation"]) == 0 and other["validation"].features == FEATURES


def test_patterns_are_all_needed(parted: dict[str, dict[str, list[Drawing]]]) -> None:
    import fnmatch

    for name, kind in KINDS.items():
        files = [file for split in SPLITS for file, _ in parted[split][name]]
        for pattern in kind.patterns:
            assert fnmatch.filter(files, pattern), f"{name}: {pattern}"


def test_views_of_a_class_are_alike(data: DatasetDict) -> None:
    """Nearest mean colour histogram: about 3 times better than chance, which is 1 of 37; most is left to shape."""

    def histograms(split: str) -> np.ndarray:
        pixels = np.stack([np.asarray(decode(value)) for value in data[split]["image"]])[:, 16:48, 16:48]
        codes = (pixels // 64).astype(int) @ np.array([16, 4, 1])
        return np.stack([np.sqrt(np.bincount(code.ravel(), minlength=64)) for code in codes])

    train, labels = histograms("train"), np.array(data["train"]["label"])
    means = np.stack([train[labels == label].mean(axis=0) for label in range(len(NAMES))])
    distances = ((histograms("validation")[:, None] - means) ** 2).sum(axis=-1)
    ranks = (distances < distances[np.arange(37), data["validation"]["label"]][:, None]).sum(axis=1)
    assert ranks.mean() < 14  # of 0 to 36; by chance 18
