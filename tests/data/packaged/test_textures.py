from collections import Counter

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from tests.support.prepared import available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.textures import FEATURES, NAMES, PART, SIDE, SPLITS, corners, textures
from tlzoo.tasks.classification import ImageClassification


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(textures)


def tiles(rows: Dataset) -> np.ndarray:
    return np.stack([np.asarray(decode(value), np.float32) for value in rows["image"]])


def places(rows: Dataset) -> list[tuple[str, int, int]]:
    parts = [name.rsplit("-", 2) for name in rows["id"]]
    return [(photograph, int(x), int(y)) for photograph, x, y in parts]


def test_splits_are_balanced_and_tiles_apart_in_space(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 200, "validation": 100, "test": 730}
    for rows in data.values():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        assert set(Counter(rows["label"]).values()) == {len(rows) // 10}
        tiles_of_part = Counter(rows["group"])
        assert len(tiles_of_part) > 50 and max(tiles_of_part.values()) <= PART * PART
        for label, group, name in zip(rows["label"], rows["group"], rows["id"], strict=True):
            photograph, x, y = name.rsplit("-", 2)
            assert photograph == NAMES[label] and group == f"{photograph}-{int(x) // 128}-{int(y) // 128}"
    assert set(data["test"]["label"][20:30]) == set(range(10))  # balanced in every beginning
    found = {split: places(rows) for split, rows in data.items()}
    everywhere = [place for split in found.values() for place in split]
    assert len(set(everywhere)) == len(everywhere)
    for name in NAMES:
        across = {split: [x for photograph, x, _ in found[split] if photograph == name] for split in SPLITS}
        for left, right in (("train", "validation"), ("validation", "test")):
            assert min(across[right]) - (max(across[left]) + SIDE) >= SIDE - 4
        assert all(len({x % SIDE for x in xs}) == 1 for xs in across.values())  # on a grid: none overlaps another
    keys = [value["bytes"] for rows in data.values() for value in rows["image"]]
    assert len(set(keys)) == len(keys)


def test_corners_keep_inside_and_leave_flat_tiles_out() -> None:
    photograph = np.random.default_rng(0).uniform(0, 255, (100, 640)).astype(np.float32)
    assert [len(corners(photograph, split)) for split in SPLITS] == [7 * 3, 2 * 3, 7 * 3]
    photograph[32:64] = 7
    assert {y for _, y in corners(photograph, "train")} == {0, 64}


def test_tone_tells_nothing(data: DatasetDict) -> None:
    pixels, labels = tiles(data["test"]), np.array(data["test"]["label"])
    assert pixels.shape == (730, 32, 32, 3) and np.all(pixels == pixels[..., :1])
    means = pixels.mean(axis=(1, 2, 3))
    averages = [means[labels == label].mean() for label in range(10)]
    assert np.ptp(averages) < 0.6 * means.std()


def test_spectra_tell_textures_apart(data: DatasetDict) -> None:
    """Nearest neighbours of spectra are right half of the time, those of pixels 3 times of 10; by chance, once."""

    def spectra(rows: Dataset) -> np.ndarray:
        pixels = tiles(rows)[..., 0]
        pixels = (pixels - pixels.mean(axis=(1, 2), keepdims=True)) / pixels.std(axis=(1, 2), keepdims=True)
        return np.log(np.abs(np.fft.rfft2(pixels)) + 1).reshape(len(rows), -1)

    train, test = spectra(data["train"]), spectra(data["test"])
    distances = (test**2).sum(axis=1)[:, None] - 2 * test @ train.T + (train**2).sum(axis=1)
    right = np.array(data["train"]["label"])[distances.argmin(axis=1)] == np.array(data["test"]["label"])
    assert 0.45 < right.mean() < 0.9
