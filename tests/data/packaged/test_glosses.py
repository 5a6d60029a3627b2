from collections import Counter

import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available, share_nothing, sizes
from tlzoo.data.alike.texts import plain
from tlzoo.data.packaged.dialogues import chatterbot, topics
from tlzoo.data.packaged.glosses import FIELDS, glosses
from tlzoo.data.packaged.tweets import tweets


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(glosses)


def test_rows_are_definitions_and_examples_with_the_field_of_their_word(data: DatasetDict) -> None:
    assert len(FIELDS) == 45 and data["train"].features["label"].names == list(FIELDS)
    rows = {row["id"]: row for part in glosses(sizes=(10**6, 10**6)).values() for row in part}
    definition, example = (rows[f"noun 02086723 {number}"] for number in (0, 1))
    assert definition["text"] == (
        "dog, domestic dog, Canis familiaris: a member of the genus Canis (probably descended from the common wolf) "
        "that has been domesticated by man since prehistoric times; occurs in many breeds"
    )
    assert example["text"] == "the dog barked all night"
    assert FIELDS[definition["label"]] == FIELDS[example["label"]] == "noun.animal"
    assert FIELDS[rows["verb 01930264 0"]["label"]] == "verb.motion"
    assert not any("_" in row["text"] or "(p):" in row["text"] for row in rows.values())


def test_fields_are_as_even_as_their_texts_allow(data: DatasetDict) -> None:
    assert sizes(data) == {"train": 60_000, "validation": 500}
    for rows, whole in zip(data.values(), (21, 41), strict=True):  # fields that have as many as are drawn of each
        counts = Counter(rows["label"][:])
        assert len(counts) == 45 and sum(count >= max(counts.values()) - 1 for count in counts.values()) == whole


def test_splits_share_no_synset_and_no_text(data: DatasetDict) -> None:
    assert share_nothing(data) and share_nothing(data, "id")
    texts = [[plain(text) for text in rows["text"]] for rows in data.values()]
    assert are_apart(texts) and all(len(set(part)) == len(part) for part in texts)


def test_the_draw_is_the_same_each_time_and_of_another_seed_another(data: DatasetDict) -> None:
    assert glosses()["train"]["id"][:] == data["train"]["id"][:]
    assert glosses(seed=1)["train"]["id"][:] != data["train"]["id"][:]


def test_no_row_holds_the_whole_of_a_text_that_is_tested(data: DatasetDict) -> None:
    targets = [available(target) for target in (topics, chatterbot, tweets)]
    tested = {plain(text) for target in targets for rows in target.values() for text in rows["text"]}
    lengths = {len(text.split()) for text in tested} - {1}
    for rows in data.values():
        for text in rows["text"]:
            words = plain(text).split()
            assert not tested & {" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)}
