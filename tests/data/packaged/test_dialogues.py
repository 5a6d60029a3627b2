from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import available
from tlzoo.baselines.replies import _cosines, _shared
from tlzoo.baselines.words import vectorizers
from tlzoo.blobs import fetch, sha256_of
from tlzoo.data.files.replies import normal_form
from tlzoo.data.packaged.dialogues import WHEEL, chatterbot, conversations, pairs, topics, wikipedia_replies
from tlzoo.data.packaged.wikipedia import pages, splits
from tlzoo.data.schemas import REPLY_FEATURES


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[list[str]]]:
    return available(conversations)


@pytest.fixture(scope="module")
def replies(corpus: object) -> DatasetDict:
    return chatterbot()


def test_pairs_are_what_the_files_of_the_named_wheel_mean(corpus: dict[str, list[list[str]]]) -> None:
    assert sha256_of(fetch(WHEEL)) == WHEEL.sha256
    assert len(corpus) == 21
    assert corpus["conversations"][0][:2] == ["Good morning, how are you?", "I am doing well, how about you?"]
    said = {(pair.message, pair.reply) for pair in pairs()}
    assert ("You are arrogant", "I am terse.  There is a difference.") in said  # answers to the first line
    assert ("I'm also good.", "That's good to hear.") in said  # turns
    assert not any(max(map(len, texts)) > 300 for texts in said)
    assert not any(len(texts[0]) == 1 for texts in said)  # a file has one text where a conversation should be
    forms = Counter((normal_form(message), normal_form(reply)) for message, reply in said)
    assert len(said) == 1148 and max(forms.values()) == 1


def shared(data: DatasetDict, column: str) -> int:
    """How many values of a column are in several splits."""
    seen = Counter(value for rows in data.values() for value in {normal_form(v) for v in rows[column]})
    return sum(count > 1 for count in seen.values())


def test_splits_share_nothing_and_no_wrong_candidate_is_right(replies: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in replies.items()} == {"train": 468, "validation": 66, "test": 217}
    assert all(rows.features == REPLY_FEATURES for rows in replies.values())
    assert shared(replies, "text") == shared(replies, "group") == shared(replies, "id") == 0
    right, candidates = [], []
    for rows in replies.values():
        right.append({normal_form(row["candidates"][row["target"]]) for row in rows})
        candidates.append({normal_form(text) for row in rows for text in row["candidates"]})
        messages = {normal_form(text) for text in rows["text"]}
        assert all(messages.isdisjoint(other) for other in right[:-1])
        assert candidates[-1] >= right[-1]
    assert sum(map(len, candidates)) == len(set().union(*candidates))  # nothing but replies of the split
    known: dict[str, set[str]] = {}
    for pair in pairs():
        known.setdefault(normal_form(pair.message), set()).add(normal_form(pair.reply))
    for rows in replies.values():
        for row in rows:
            forms = [normal_form(text) for text in row["candidates"]]
            assert len(set(forms)) == 10
            assert [f for f in forms if f in known[normal_form(row["text"])]] == [forms[row["target"]]]


def test_likeness_to_the_message_does_not_tell_the_reply(replies: DatasetDict) -> None:
    """By shared words and by characters the most similar reply is right about once in ten; at random it was 0.39."""
    rows = list(replies["test"])
    for name, vectorizer in vectorizers().items():
        vectorizer.fit([text for row in replies["train"] for text in (row["text"], *row["candidates"])])
        right = [np.argmax(_cosines(vectorizer, row)) == row["target"] for row in rows]
        assert np.mean(right) < 0.16, name
    assert np.mean([np.argmax(_shared(row)) == row["target"] for row in rows]) < 0.16
    assert np.ptp(np.bincount(replies["train"]["target"], minlength=10)) < 40


def test_topics_share_nothing_and_have_enough_rows(corpus: object) -> None:
    data = topics()
    names = data["train"].features["label"].names
    assert len(names) == 12 and "trivia" in names
    assert shared(data, "text") == shared(data, "group") == 0
    counts = Counter(data["train"]["label"])
    assert len(counts) == 12 and min(counts.values()) >= 20
    assert min(Counter(data["test"]["label"]).values()) >= 5
    assert all(" " in normal_form(text) for rows in data.values() for text in rows["text"])


def test_the_next_sentence_is_the_reply(corpus: object) -> None:
    data = wikipedia_replies()
    assert len(data["train"]) > 5000
    articles = [{row["group"].rpartition(" ")[0] for row in rows} for rows in data.values()]
    assert sum(map(len, articles)) == len(set().union(*articles))
    for split, rows in data.items():
        for row in rows.select(range(100)):
            title = row["group"].rpartition(" ")[0]
            assert f"{row['text']} {row['candidates'][row['target']]}" in pages()[title]
            assert splits()[title] == split
    assert shared(data, "text") == 0
