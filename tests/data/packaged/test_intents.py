from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.prepared import are_apart, sizes
from tlzoo.data.catalogue import published
from tlzoo.data.dataset import Prepared

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
    assert Counter(whole.splits or ()) == {"train": 10_003, "test": 3_080}
    assert len(set(whole.labels)) == 77 and set(Counter(whole.labels[10_003:]).values()) == {40}
    assert (whole.inputs[0], whole.labels[0]) == ("I am still waiting on my card?", "card_arrival")
    place = {name: i for i, name in enumerate(whole.names)}
    classes = data.features["label"].names
    for split, rows in data.splits.items():
        for row in rows:
            i = place[row["id"]]
            assert (row["text"], classes[row["label"]]) == (whole.inputs[i], whole.labels[i])
            assert whole.splits is not None and whole.splits[i] == ("test" if split == "test" else "train")
