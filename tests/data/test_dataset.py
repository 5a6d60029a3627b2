from typing import Any

import pytest
from datasets import Value

from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Listing, classes_of
from tlzoo.data.protocol import VTAB

pytestmark = pytest.mark.usefixtures("new_cache")


def test_of_how_many_rows_they_were_drawn(tmp_path: Any) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(3000)))
    prepared = load(find("text-classification", str(path), VTAB))
    assert str(prepared.counts()) == (
        "train 800 of 1,900, validation 200 (cut from train), test 900 (cut from train) rows; 2 classes (950 rows each)"
    )
    assert prepared.features["text"] == Value("string")


def test_labels_of_digits_are_in_the_order_of_numbers_and_long_ones_in_that_of_names() -> None:
    assert classes_of(["10", "9", "1"]) == ["1", "9", "10"]
    assert classes_of(["1" * 5000, "2", "10"]) == ["10", "1" * 5000, "2"]


def test_short_values_of_columns_that_are_not_read_are_kept() -> None:
    listing = Listing("text", [], [], [])
    for row in ({"who": "anna", "note": "x" * 101}, {"who": None, "age": 7}, {"who": " ben ", "age": float("nan")}, {}):
        listing.inputs.append("a text")
        listing.put_beside(row)
    assert {name: listing.beside_of(name) for name in listing.beside} == {
        "who": ["anna", "", "ben", ""],
        "note": ["", "", "", ""],
        "age": ["", "7", "", ""],
    }
