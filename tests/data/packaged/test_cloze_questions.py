import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available, share_nothing
from tlzoo.data.files.squad import whole_words
from tlzoo.data.packaged import wikipedia
from tlzoo.data.packaged.cloze_questions import _PARTS, GAP, KINDS, gaps, news_spans, passages, wikipedia_spans
from tlzoo.data.packaged.news import documents
from tlzoo.data.schemas import ANSWER_TYPES, QUESTION_FEATURES


@pytest.fixture(scope="module")
def news() -> DatasetDict:
    return available(news_spans)


def test_sizes_features_and_ids_and_no_story_is_in_two_splits(news: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in news.items()} == {"train": 514, "validation": 142, "test": 622}
    assert all(rows.features == QUESTION_FEATURES for rows in news.values())
    assert are_apart([name] for rows in news.values() for name in rows["id"])
    assert share_nothing(news)
    again = news_spans()
    assert all(news[split].to_list() == again[split].to_list() for split in news)


def test_answers_stand_in_their_context_and_questions_in_their_story(news: DatasetDict) -> None:
    for rows in news.values():
        for row in rows:
            texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
            assert row["question"].count(GAP) == 1
            assert ANSWER_TYPES[row["answer_type"]] == ("short" if texts else "none")
            assert len(list(_PARTS.finditer(row["context"]))) <= 2
            if texts:
                assert row["question"].startswith(KINDS[texts[0][0].isdigit()])
                assert set(texts) == {texts[0]} and starts == whole_words(texts[0], row["context"])
                assert not whole_words(texts[0], row["question"])
    stories = documents()
    for row in news["test"].select(range(100)):
        before, after = row["question"].partition("? ")[2].split(GAP)
        story = stories[row["group"]]
        assert before in story and after in story
        if row["answers"]["text"]:
            assert f"{before}{row['answers']['text'][0]}{after}" in story
        assert before not in row["context"] or after not in row["context"]


def test_a_tenth_has_no_answer_in_sentences_of_the_same_split(news: DatasetDict) -> None:
    stories = documents()
    for rows in news.values():
        unanswered = [row for row in rows if not row["answers"]["text"]]
        assert len(unanswered) == pytest.approx(len(rows) / 10, abs=1)
        own = {name: stories[name] for name in set(rows["group"][:])}
        for row in unanswered:
            assert any(row["context"] in story for name, story in own.items() if name != row["group"])


def test_gaps_by_hand() -> None:
    text = (
        "The mayor of New Port said on Monday that the old bridge will close. Engineers had warned New Port in May. "
        "They said on Monday that the old bridge was unsafe. Nobody else was there to see it."
    )
    found = list(gaps(text))
    assert [(gap.question, gap.answer) for gap in found] == [
        ("Which name? The mayor of _ said on Monday that the old bridge will close.", "New Port"),
        ("Which name? Engineers had warned _ in May.", "New Port"),
        ("Which name? They said on _ that the old bridge was unsafe.", "Monday"),
    ]
    assert found[0].context == (
        "Engineers had warned New Port in May. They said on Monday that the old bridge was unsafe."
    )
    assert found[1].context == "The mayor of New Port said on Monday that the old bridge will close."
    assert found[2].context.startswith("The mayor") and found[2].context.endswith("in May.")
    for gap in found:
        assert all(gap.context.startswith(gap.answer, start) for start in gap.starts)
    number = "Rain fell on 31 days of that year. It had never rained on as many as 31 days there before."
    assert [gap.question[:13] for gap in gaps(number)] == ["Which number?"] * 2
    assert not list(gaps("Nobody came here at all today. Somebody else went there at once yesterday."))


def test_passages_are_all_of_a_text_between_sentences() -> None:
    for text in list(documents().values())[:30]:
        parts = list(passages(text))
        assert " ".join(parts) == text
        assert len(parts) == max(1, round(len(text.split()) / 120))
    assert list(passages("")) == []


def test_articles_keep_to_the_splits_of_wikipedia(monkeypatch: pytest.MonkeyPatch) -> None:
    stories = dict(list(documents().items())[:24])
    monkeypatch.setattr(wikipedia, "pages", lambda: stories)
    wikipedia.splits.cache_clear()
    try:
        made, splits = wikipedia_spans(), wikipedia.splits()
        assert all(splits[row["group"]] == split for split, rows in made.items() for row in rows)
        assert all(len(rows) for rows in made.values())
    finally:
        wikipedia.splits.cache_clear()
