from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.media.image import decode
from tlzoo.data.rendered.letters import FEATURES, FONTS, NAMES, glyphs, letters
from tlzoo.tasks.classification import ImageClassification


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return letters(sizes=(4 * len(NAMES), len(NAMES)))


def test_no_font_is_in_two_splits_and_no_glyph_is_missing_or_has_margins() -> None:
    assert not set(FONTS["train"]) & set(FONTS["validation"])
    for split, fonts in FONTS.items():
        drawn = glyphs(split)
        assert len(drawn) == len(NAMES) == len(set(NAMES)) == 37
        for place, font in enumerate(fonts):
            pictures = {(found[place][1].size, found[place][1].tobytes()) for found in drawn}
            assert len(pictures) == 37 and all(found[place][0] == font for found in drawn)  # none is a blank box
    for found in glyphs("validation"):
        for _, picture in found:
            alpha = np.asarray(picture)[..., 3] > 0
            assert picture.mode == "RGBA" and alpha[[0, -1]].any(axis=1).all() and alpha[:, [0, -1]].any(axis=0).all()


def test_rows(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 148, "validation": 37}
    for split, rows in data.items():
        assert rows.features == FEATURES
        ImageClassification(rows.features)
        assert len(set(rows["id"])) == len(rows)
        assert len(set(rows["label"][:37])) == 37 and set(Counter(rows["label"]).values()) == {len(rows) // 37}
        assert set(rows["group"]) <= set(FONTS[split])
        assert all(np.asarray(decode(row["image"])).shape == (64, 64, 3) for row in rows)


def test_colour_says_nothing_of_the_letter(data: DatasetDict) -> None:
    """The nearest mean colour ranks the right letter about as chance does, unlike the nearest mean shape."""

    def ranks(values: dict[str, np.ndarray]) -> float:
        labels = {split: np.array(data[split]["label"]) for split in data}
        means = np.stack([values["train"][labels["train"] == label].mean(axis=0) for label in range(37)])
        distances = ((values["validation"][:, None] - means) ** 2).sum(axis=-1)
        right = distances[np.arange(37), labels["validation"]]
        return float((distances < right[:, None]).sum(axis=1).mean())

    pictures = {split: np.stack([np.asarray(decode(v), float) for v in data[split]["image"]]) for split in data}
    colours = {split: values.mean(axis=(1, 2)) for split, values in pictures.items()}
    grounds = {split: np.median(values, axis=(1, 2), keepdims=True) for split, values in pictures.items()}
    ink = {split: np.abs(values - grounds[split]).sum(axis=-1) for split, values in pictures.items()}
    shapes = {split: (v / v.max(axis=(1, 2), keepdims=True)).reshape(len(v), -1) for split, v in ink.items()}
    assert ranks(shapes) < 15 < ranks(colours)  # of 0 to 36, by chance 18
