import pytest

from tests.support.prepared import available, share_nothing
from tlzoo.data.packaged import wikipedia
from tlzoo.data.packaged.news import documents


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return available(wikipedia.pages)


def test_articles_are_plain_text_of_which_no_sentence_is_in_the_news(pages: dict[str, str]) -> None:
    assert len(pages) > 90
    assert pages["Autism"].startswith("Autism is a neurodevelopmental disorder characterized by")
    whole = "\n".join(pages.values())
    for markup in ("[[", "]]", "{{", "}}", "<ref", "{|", "''", "File:", "Category:", "( ;"):
        assert markup not in whole, markup
    assert min(map(len, whole.split("\n"))) >= 120
    source = {sentence for text in pages.values() for sentence in text.split(". ")}
    news = {sentence for text in documents().values() for sentence in text.split(". ")}
    assert not source & news


def test_no_article_is_in_two_splits_and_all_of_its_text_is_used(pages: dict[str, str]) -> None:
    data = wikipedia.wikipedia()
    groups = {split: set(rows["group"][:]) for split, rows in data.items()}
    assert share_nothing(data)
    assert len(groups["train"]) > 5 * len(groups["test"]) > 0
    title = data["train"][0]["group"]
    mine = [row for row in data["train"] if row["group"] == title]
    assert " ".join(f"{row['text']} {row['target']}" for row in mine).split() == pages[title].split()
    assert max(len(row["text"].split()) for row in mine) < 80
