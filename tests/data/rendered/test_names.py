"""Sentences with names: every entity is marked, and no name stands on two sides."""

from tlzoo.data.rendered import names
from tlzoo.data.rendered.names import rendered_names
from tlzoo.tasks.token_classification import TokenClassification


def test_no_name_stands_on_two_sides_and_no_sentence_is_there_twice() -> None:
    data = rendered_names()
    assert {split: len(rows) for split, rows in data.items()} == {"train": 800, "validation": 200, "test": 1000}
    common = {word for text in (names.KINDS.replace(",", ""), "University of Mr Mrs") for word in text.split()}
    words, labels = {}, TokenClassification(data["train"].features).labels
    assert labels == ("location", "organisation", "person")
    for split, rows in data.items():
        assert len(set(rows["text"])) == len(rows)
        marked = [
            row["text"][start:end]
            for row in rows
            for start, end in zip(row["entities"]["start"], row["entities"]["end"], strict=True)
        ]
        words[split] = set(marked) | {word for name in marked for word in name.split()[-1:]} - common
        assert all(name == name.strip() and name for name in marked)
    assert not words["train"] & words["test"] - common and not words["validation"] & words["test"] - common
    assert rendered_names()["test"].to_list() == data["test"].to_list(), "each time"
