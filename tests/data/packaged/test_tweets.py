import re
from collections import Counter

import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available
from tlzoo.data.packaged.tweets import NAMES, tweets


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(tweets)


def test_sizes_and_classes_are_the_same_each_time(data: DatasetDict) -> None:
    assert {split: len(data[split]) for split in data} == {"train": 800, "validation": 200, "test": 1000}
    assert data["train"].features["label"].names == list(NAMES)
    assert min(Counter(data["test"]["label"][:]).values()) > 100
    assert tweets()["test"]["id"][:20] == data["test"]["id"][:20]


def test_a_tweet_and_its_retweet_are_on_one_side(data: DatasetDict) -> None:
    def said(text: str) -> str:
        return " ".join(re.sub(r"https?:\S*|@\w+|\brt\b|\W", " ", text.lower()).split())

    assert are_apart({said(text) for text in rows["text"][:]} for rows in data.values())
