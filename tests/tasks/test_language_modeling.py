"""Cloze: what is asked, how answers are read, and what counts as right."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlzoo.core.predictions import Completion
from tlzoo.data.schemas import CLOZE_FEATURES
from tlzoo.tasks.language_modeling import Cloze, normalise

TASK = Cloze(CLOZE_FEATURES)
ROW = {"text": "Fires burn near Sydney. Firefighters, tired, are still fighting the", "target": "fires"}


def test_a_word_and_its_end_have_a_perplexity_where_the_model_gives_one() -> None:
    found = TASK.statistics(Completion("fires", 6.0), ROW)
    assert found == {"cloze_accuracy": [1.0], "perplexity": [6.0, 2.0]}


def test_the_prompt_shows_the_passage_and_never_the_target() -> None:
    messages = TASK.prompt(ROW)
    assert [m["role"] for m in messages] == ["system", "user"]
    assert ROW["text"] in messages[1]["content"]
    assert messages == TASK.prompt({"text": ROW["text"]})


def test_examples_are_turns_already_answered() -> None:
    example = {"text": "The cat chased the other", "target": "cat"}
    messages = TASK.prompt(ROW, [example])
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[1] == TASK.prompt(example)[1]
    assert TASK.parse(messages[2]["content"], example) == Completion("cat")


@pytest.mark.parametrize(
    "answer",
    [
        "fires",
        "Fires.",
        " **fires**\n",
        '"fires" (as mentioned above)',
        "... fires",
        "___ fires",
        "fighting the fires.",
        "Firefighters, tired, are still fighting the fires near Sydney",
        "Firefighters tired are still fighting the ... fires",
        "the fires",
        'The sentence is "Firefighters, tired, are still fighting the fires."',
        "FIGHTING THE FIRES",
    ],
)
def test_answers_are_read_as_models_give_them(answer: str) -> None:
    prediction = TASK.parse(answer, ROW)
    assert TASK.statistics(prediction, ROW) == {"cloze_accuracy": [1.0]}, prediction


@pytest.mark.parametrize(
    "answer", ["", " \n", "...", "fire", "firefighters", "The sentence is incomplete. Try the fires", "_" * 50]
)
def test_everything_else_is_wrong_and_nothing_raises(answer: str) -> None:
    assert TASK.statistics(TASK.parse(answer, ROW), ROW) == {"cloze_accuracy": [0.0]}


SOME = ["the", "a", "fires", "Sydney", "near", "co-op", "don’t", "Straße", "13", "U.S"]
WORDS = st.lists(st.sampled_from(SOME), min_size=1, max_size=12)


@given(st.text(max_size=200), st.text(max_size=200))
def test_parsing_never_raises_nor_reads_the_target(answer: str, text: str) -> None:
    word = TASK.parse(answer, {"text": text}).text
    assert word == "" or word in unicodedata.normalize("NFKC", answer).replace("’", "'")
    assert TASK.statistics(Completion(word), {"target": "fires"})["cloze_accuracy"][0] in (0.0, 1.0)


@given(WORDS, st.sampled_from(["", ".", " and so on.", '"', "**"]), st.sampled_from(["{}", "{} ", "Sure! “{}"]))
def test_a_passage_that_is_repeated_is_read_past_its_end(words: list[str], end: str, form: str) -> None:
    text = " ".join(["Once", "upon", *words])
    assert TASK.parse(form.format(f"{text} whales{end}"), {"text": text}) == Completion("whales")


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("Sydney", "sydney"),
        ("“Sydney,”", "sydney"),
        ("al-Qaeda", "al-qaeda"),
        ("Australia's", "australia's"),
        ("Australia’s", "australia's"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("", ""),
        ("--", ""),
    ],
)
def test_normalise(word: str, normal: str) -> None:
    assert normalise(word) == normal
    assert normalise(normal) == normal


CHOICE = {**ROW, "candidates": ["boat", "whales", "sea"]}


def test_where_words_are_given_only_these_are_asked_for_and_read() -> None:
    assert "one of the words boat, whales, sea:" in TASK.question(CHOICE)
    assert TASK.parse("Whales", CHOICE) == Completion("Whales")
    assert TASK.parse("I would say sea, or rather: boat.", CHOICE) == Completion("boat")
    assert TASK.parse("A ship, surely.", CHOICE) == Completion("")
    assert TASK.parse("A ship, surely.", ROW) == Completion("A")
