from collections import Counter

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from tests.support.prepared import available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.digits import FEATURES, digits, inks, parted
from tlzoo.tasks.classification import ImageClassification


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(digits)


def vectors(rows: Dataset) -> np.ndarray:
    return np.stack([np.asarray(decode(value), np.float32)[..., 0].ravel() for value in rows["image"]])


def test_splits_are_balanced_and_share_no_digit(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 800, "validation": 200, "test": 797}
    for rows in data.values():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        counts = Counter(rows["label"])
        assert len(counts) == 10 and max(counts.values()) - min(counts.values()) <= 0.05 * len(rows)
    assert set(data["train"]["label"][:20]) == set(range(10))
    keys = [value["bytes"] for rows in data.values() for value in rows["image"]]
    assert len(set(keys)) == 1797
    assert len({name for rows in data.values() for name in rows["id"]}) == 1797


def test_pictures_are_the_ink_enlarged(data: DatasetDict) -> None:
    ink, labels = inks()
    line = int(parted(labels, 0)["test"][3])
    row = data["test"][3]
    assert (row["label"], row["id"]) == (labels[line], f"digit-{line:04}")
    picture = np.asarray(decode(row["image"]), np.float32)
    assert picture.shape == (32, 32, 3) and np.all(picture == picture[..., :1])
    blocks = picture[..., 0].reshape(8, 4, 8, 4).mean(axis=(1, 3)) / 255
    assert np.corrcoef(blocks.ravel(), ink[line].ravel())[0, 1] > 0.95


def test_nearest_neighbour(data: DatasetDict) -> None:
    train, test = vectors(data["train"]), vectors(data["test"].select(range(100)))
    nearest = ((test[:, None] - train[None]) ** 2).sum(axis=-1).argmin(axis=1)
    right = np.array(data["train"]["label"])[nearest] == np.array(data["test"]["label"][:100])
    assert right.mean() >= 0.93
