import io
from itertools import pairwise

import numpy as np
import pytest
from datasets import DatasetDict
from PIL import Image

from tests.support.prepared import available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.nuclei import BANDS, CLASSES, FEATURES, NUCLEI, TILE, _read, nuclei


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(nuclei)


def mask_of(row: dict) -> np.ndarray:
    with Image.open(io.BytesIO(row["mask"]["bytes"])) as image:
        assert image.mode == "L"
        return np.array(image)


def test_splits(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 24, "validation": 12, "test": 24}
    for split, rows in data.items():
        assert rows.features == FEATURES and rows.features["classes"].feature.names == list(CLASSES)
        assert len(set(rows["id"])) == len(rows)
        assert len(set(rows["group"])) == len(rows) // 3 and all(g.startswith(split) for g in rows["group"])


def test_images_and_masks_in_which_crossing_nuclei_are_ignored(data: DatasetDict) -> None:
    for rows in data.values():
        for row in rows:
            image, mask = np.array(decode(row["image"])), mask_of(row)
            assert image.shape == (TILE, TILE, 3) and mask.shape == (TILE, TILE)
            assert set(np.unique(mask)) <= {0, 1, 255} and sorted(set(np.unique(mask)) - {255}) == row["classes"]
    masks = np.stack([mask_of(row) for row in data["test"]])
    images = np.stack([np.array(decode(row["image"]))[..., 0] for row in data["test"]])
    assert 0.15 < (masks == 1).mean() < 0.25
    assert images[masks == 1].mean() > 3 * images[masks == 0].mean()
    assert 0 < (images == 255).mean() < 0.05  # stretched, and not more than the brightest cut off
    assert any((mask_of(row) == 255).any() for row in data["validation"])
    assert any((mask_of(row) == 255).any() for row in data["test"])
    assert not any((mask_of(row) == 255).any() for row in data["train"])


def test_no_nucleus_is_in_two_splits() -> None:
    numbers = available(_read, NUCLEI)
    bands = list(BANDS.values())
    assert all(after[0] - before[1] >= 16 for before, after in pairwise(bands))
    found = [set(np.unique(numbers[slice(*rows)])) - {0} for rows in bands]
    crossing = (found[0] & found[1]) | (found[1] & found[2])
    assert len(crossing) == 2 and not found[0] & found[2]
