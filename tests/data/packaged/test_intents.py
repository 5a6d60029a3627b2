from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.prepared import are_apart, sizes
from tlzoo.data.dataset import Prepared
from tlzoo.data.published import published

NAME = "banking77"


@pytest.fixture(scope="module")
def data(drawn: Callable[..., Prepared]) -> Prepared:
    return drawn(NAME)


def test_a_draw_has_every_class_about_as_often_as_the_published_data(data: Prepared) -> None:
    assert sizes(data.splits) == {"train": 800, "validation": 200, "test": 1000}
    assert data.available["test"] == 3080 and data.available["train"] + data.available["validation"] == 9992
    counts = Counter(data.splits["train"]["label"][:])
    assert len(counts) == 77 and min(counts.values()) >= 2 and max(counts.values()) <= 16
    assert set(Counter(data.splits["test"]["label"][:]).values()) <= {12, 13}
    assert are_apart({" ".join(text.lower().split()) for text in rows["text"][:]} for rows in data.splits.values())


def test_rows_are_those_of_the_published_split_that_they_are_drawn_from(data: Prepared) -> None:
    whole = published(NAME)
    assert sizes(whole) == {"train": 10_003, "test": 3_080}
    assert set(Counter(whole["test"]["label"][:]).values()) == {40}
    first = whole["train"][0]
    assert first["text"] == "I am still waiting on my card?"
    assert data.features["label"].names[first["label"]] == "card_arrival"
    for split, rows in data.splits.items():
        assert rows.features == whole["train"].features
        own = {row["id"]: row for row in whole["test" if split == "test" else "train"]}
        assert all(row | {"group": row["id"]} == own[row["id"]] for row in rows)  # a repeat is of the first one's group
