from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.prepared import rows_by_id, share_nothing
from tlzoo.data.dataset import Prepared
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.emoji import MAX_OF_CLASS, MIN_OF_CLASS, SIDE, without_variant


@pytest.fixture(scope="module")
def data(drawn: Callable[..., Prepared]) -> Prepared:
    return drawn("emoji")


def test_no_emoji_is_in_two_splits_whoever_drew_it(data: Prepared) -> None:
    assert share_nothing(data.splits)
    names = {split: {name.split(" ", 1)[1] for name in rows["id"]} for split, rows in data.splits.items()}
    assert sum(map(len, names.values())) == len(set().union(*names.values()))
    vendors = Counter(name.split(" ", 1)[0] for rows in data.splits.values() for name in rows["id"])
    assert set(vendors) == {"google", "twitter"} and min(vendors.values()) > 0.45 * sum(vendors.values())
    assert len(data.splits["train"]) == 800 and len(data.splits["test"]) > 450 and len(set(data.test_groups())) > 200


def test_classes_have_enough_members_and_none_too_many(data: Prepared) -> None:
    classes = data.features["label"].names
    assert len(classes) == 25 and "animal-mammal" in classes and "country-flag" in classes
    groups: dict[int, set[str]] = {}
    for rows in data.splits.values():
        for row in rows.select_columns(["label", "group"]):
            groups.setdefault(row["label"], set()).add(row["group"])
    assert all(MIN_OF_CLASS / 2 <= len(each) <= MAX_OF_CLASS for each in groups.values())
    assert len(set(data.splits["test"]["label"][:])) == 25 == len(set(data.splits["train"]["label"][:]))


def test_a_picture_is_the_one_of_its_name(data: Prepared) -> None:
    rows = rows_by_id(data)

    def colour(name: str) -> np.ndarray:
        pixels = np.asarray(decode(rows[name]["image"]), np.float32)
        assert pixels.shape == (SIDE, SIDE, 3)
        return pixels[24:40, 24:40].mean(axis=(0, 1))

    hearts = {"blue_heart": 2, "green_heart": 1, "heart": 0}
    seen = {name: colour(f"{vendor} {name}") for vendor in ("google", "twitter") for name in hearts
            if f"{vendor} {name}" in rows}  # fmt: skip
    assert seen and all(int(rgb.argmax()) == hearts[name] for name, rgb in seen.items())


def test_variants_of_an_emoji_are_one() -> None:
    runners = {"1F3C3-200D-2640-FE0F-200D-27A1-FE0F", "1F3C3-200D-2642-FE0F", "1F3C3"}
    assert {without_variant(codes) for codes in runners} == {"1F3C3"}
    assert without_variant("1F468-200D-2695-FE0F") == without_variant("1F469-200D-2695-FE0F") == "1F9D1-2695"
    assert without_variant("27A1-FE0F") == "27A1-FE0F"  # an arrow, of nothing else
    assert without_variant("1F1E9-1F1EA") != without_variant("1F1EA-1F1E9")
