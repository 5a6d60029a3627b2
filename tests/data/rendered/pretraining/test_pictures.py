from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.photographs import COINS, EXEMPLARS, PAGE, PHOTOGRAPHS
from tlzoo.data.rendered.pretraining.pictures import FEATURES, NAMES, REGIONS, SIDE, Region, pictures, region
from tlzoo.tasks.classification import ImageClassification

CLASSES = len(NAMES)


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(pictures, sizes=(2 * CLASSES, CLASSES))


def positions(height: int, width: int) -> np.ndarray:
    """A photograph whose colours tell the place of each pixel, in 200ths of its height and width, and are never 0."""
    y, x = np.mgrid[:height, :width]
    return np.stack([20 + 200 * x / width, 20 + 200 * y / height, np.full((height, width), 99.0)], -1)


def test_no_photograph_is_of_a_target_data_set() -> None:
    targets = {blob.sha256 for blobs in PHOTOGRAPHS.values() for blob in blobs} | {COINS.sha256, PAGE.sha256}
    hashes = [blob.sha256 for blob in EXEMPLARS]
    assert len(set(hashes)) == len(hashes) >= 40
    assert not targets & set(hashes)


def test_rows(data: DatasetDict) -> None:
    assert CLASSES == len(set(NAMES)) >= 60
    for rows in data.values():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        assert len(set(rows["id"])) == len(rows)
        assert set(rows["label"][:CLASSES]) == set(range(CLASSES))  # balanced in every beginning
        assert set(Counter(rows["label"]).values()) == {len(rows) // CLASSES}
        assert all(np.asarray(decode(row["image"])).shape == (SIDE, SIDE, 3) for row in rows)
    every = [row["bytes"] for rows in data.values() for row in rows["image"]]
    assert len(set(every)) == len(every)


def test_rows_are_pure_functions_of_seed_split_and_index(data: DatasetDict) -> None:
    fewer = available(pictures, sizes=(20, 10))
    for split, rows in fewer.items():
        assert rows[:] == data[split][: len(rows)]
    other = available(pictures, seed=1, sizes=(20, 0))
    assert other["train"]["image"][:] != fewer["train"]["image"][:]


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (256, 256)])
def test_crops_of_two_splits_are_apart(shape: tuple[int, int]) -> None:
    photograph = positions(*shape)
    axis = 0 if shape[0] >= shape[1] else 1  # of the bands: y or x
    seen = {}
    for split in REGIONS:
        rng = np.random.default_rng(0)
        part = Region.of(photograph, split)
        crops = np.stack([part.crop(rng) for _ in range(60)])
        assert crops[..., 2].min() == crops[..., 2].max() == 99  # nothing from outside of the region
        seen[split] = (crops[..., 1 - axis].min() - 20) / 200, (crops[..., 1 - axis].max() - 20) / 200
    for split, (first, end) in REGIONS.items():
        assert seen[split][0] >= first - 0.01 and seen[split][1] <= end + 0.01
        assert seen[split][1] - seen[split][0] > 0.8 * (end - first)  # and they are from everywhere in it
    assert seen["train"][1] < seen["validation"][0]


def test_crops_vary_in_scale_rotation_and_mirror() -> None:
    part, rng = Region.of(positions(400, 800), "train"), np.random.default_rng(0)
    scales, angles, mirrored = [], [], []
    for _ in range(100):
        crop = part.crop(rng)
        x, y = (crop[..., 0] - 20) * 4, (crop[..., 1] - 20) * 2  # places in pixels of the photograph
        across = np.array([x[48, -8] - x[48, 8], y[48, -8] - y[48, 8]]) / (SIDE - 16)
        down = np.array([x[-8, 48] - x[8, 48], y[-8, 48] - y[8, 48]]) / (SIDE - 16)
        mirrored.append(across[0] < 0)
        scales.append(np.hypot(*down))
        angles.append(np.rad2deg(np.arctan2(-down[0], down[1])))
        assert np.hypot(*across) == pytest.approx(scales[-1], abs=0.15)  # a square
    assert min(scales) < 1.6 and max(scales) > 2.8
    assert min(angles) < -15 and max(angles) > 15 and max(map(abs, angles)) < 28
    assert 0.3 < np.mean(mirrored) < 0.7


def test_regions_hold_a_share_of_the_longer_side() -> None:
    photograph = positions(100, 200)
    left, right = region(photograph, "train"), region(photograph, "validation")
    assert (left == photograph[:, :136]).all() and (right == photograph[:, 144:]).all()
