from collections import Counter
from difflib import SequenceMatcher

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from tests.support.prepared import are_apart, available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.digits import FEATURES, FORMS, by_form, digits, inks, parted
from tlzoo.tasks.classification import ImageClassification


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(digits)


def vectors(rows: Dataset) -> np.ndarray:
    return np.stack([np.asarray(decode(value), np.float32)[..., 0].ravel() for value in rows["image"]])


def test_splits_are_balanced_and_share_no_form(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 773, "validation": 200, "test": 766}
    for rows in data.values():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        counts = Counter(rows["label"])
        assert len(counts) == 10 and max(counts.values()) - min(counts.values()) <= 0.05 * len(rows)
    assert set(data["train"]["label"][:20]) == set(range(10))
    forms = {split: set(rows["group"]) for split, rows in data.items()}
    assert {split: len(names) for split, names in forms.items()} == {"train": 6, "validation": 2, "test": 6}
    assert are_apart(forms.values())
    keys = [value["bytes"] for rows in data.values() for value in rows["image"]]
    assert len(set(keys)) == len(keys) == len({name for rows in data.values() for name in rows["id"]})


def test_a_form_is_the_same_digits_in_the_same_order() -> None:
    digits_of = [int(label) for label in inks()[1]]
    forms = [digits_of[start:end] for start, end in zip(FORMS, [*FORMS[1:], len(digits_of)], strict=True)]
    assert max(map(len, forms)) == 130
    for form in forms[1:]:
        assert SequenceMatcher(None, forms[0], form, autojunk=False).ratio() > 0.96


def test_dealt_by_line_no_digit_is_in_two_splits() -> None:
    lines = parted(inks()[1], 0)
    assert {split: len(part) for split, part in lines.items()} == {"train": 800, "validation": 200, "test": 797}
    assert are_apart(map(set, lines.values()))


def test_pictures_are_the_ink_enlarged(data: DatasetDict) -> None:
    ink, labels = inks()
    line = int(by_form(labels, 0)["test"][3])
    row = data["test"][3]
    assert (row["label"], row["id"]) == (labels[line], f"digit-{line:04}")
    picture = np.asarray(decode(row["image"]), np.float32)
    assert picture.shape == (32, 32, 3) and np.all(picture == picture[..., :1])
    blocks = picture[..., 0].reshape(8, 4, 8, 4).mean(axis=(1, 3)) / 255
    assert np.corrcoef(blocks.ravel(), ink[line].ravel())[0, 1] > 0.95


def test_other_hands_are_harder_to_read(data: DatasetDict) -> None:
    """Of digits dealt out one by one, the nearest neighbour reads .982: it knows the writer."""
    train, test = vectors(data["train"]), vectors(data["test"])
    nearest = [int(((train - digit) ** 2).sum(axis=-1).argmin()) for digit in test]
    right = np.array(data["train"]["label"])[nearest] == np.array(data["test"]["label"])
    assert 0.93 <= right.mean() <= 0.96
