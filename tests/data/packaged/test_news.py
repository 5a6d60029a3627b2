import re
from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available, share_nothing
from tlzoo.blobs import fetch, sha256_of
from tlzoo.data.packaged.news import CHOICES, LEE_BACKGROUND, choices, cloze, documents, passages
from tlzoo.data.schemas import CHOICE_FEATURES


@pytest.fixture(scope="module")
def news() -> DatasetDict:
    return available(cloze)


def plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def test_sizes_and_features_and_no_story_is_in_two_splits(news: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in news.items()} == {"train": 300, "validation": 100, "test": 200}
    assert all(rows.features == CHOICE_FEATURES for rows in news.values())
    assert are_apart([name] for rows in news.values() for name in rows["id"])
    assert share_nothing(news)
    grams = []
    for rows in news.values():
        words = [plain(text) for text in rows["text"]]
        grams.append({tuple(w[i : i + 13]) for w in words for i in range(len(w) - 12)})
    assert are_apart(grams)


def test_every_target_can_be_guessed_and_passages_do_not_overlap(news: DatasetDict) -> None:
    stories = documents()
    for rows in news.values():
        for row in rows:
            assert re.fullmatch(r"[A-Za-z]{4,}", row["target"])
            assert row["target"].lower() in plain(row["text"])
            assert 30 <= len(row["text"].split()) + 1 <= 80
            assert f"{row['text']} {row['target']}" in stories[row["group"]]
    for story in list(documents().values())[:50]:
        assert sum(len(text.split()) + 1 for text, _ in passages(story)) <= len(story.split())


def test_the_right_word_is_one_of_four_that_the_passage_has_about_as_often(news: DatasetDict) -> None:
    places, often = [], []
    for rows in news.values():
        for row in rows:
            words, passage = [word.lower() for word in row["candidates"]], plain(row["text"])
            assert len(set(words)) == CHOICES and set(words) <= set(passage)
            places.append(row["candidates"].index(row["target"]))
            counts = [passage.count(word) for word in words]
            often.append(counts[places[-1]] / max(counts))
    assert min(np.bincount(places, minlength=CHOICES)) > 0.2 * len(places)
    assert np.mean(np.array(often) == 1) > 0.9


def test_choices_by_hand() -> None:
    text = "The river rose. The river fell over banks, trees, banks and there was again a boat with the"
    counts = Counter(plain(text)) + Counter({"trees": 1, "boat": 1})
    for seed in range(5):
        words = choices(text, "river", counts, np.random.default_rng(seed))
        assert sorted(words) == ["banks", "boat", "river", "trees"]
    assert "rose" in choices(text, "fell", counts, np.random.default_rng(0))


def test_it_is_deterministic_and_the_seed_draws_the_stories(news: DatasetDict) -> None:
    again, other = cloze(), cloze(seed=1)
    assert all(news[split].to_list() == again[split].to_list() for split in news)
    assert set(other["test"]["group"]) != set(news["test"]["group"])
    assert news["test"][0]["id"] == "lee-background-238-1"
    assert news["test"][0]["target"] == "banks"


def test_passages_by_hand() -> None:
    filler = "One two three. " * 9
    passage = filler + "The river rose, and then the"
    assert list(passages(f"{passage} river fell.")) == [(passage, "river")]
    assert not list(passages("The river rose, and then the river fell."))  # too short
    assert not list(passages(filler + "Rivers rose. River boats sank. River folk fled."))  # begins a sentence


def test_the_file_is_the_one_that_is_named() -> None:
    path = available(fetch, LEE_BACKGROUND)
    assert sha256_of(path) == LEE_BACKGROUND.sha256
    assert path.stat().st_size == LEE_BACKGROUND.bytes
