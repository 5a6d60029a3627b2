"""The likelihood of single words."""

import math

import pytest

from tlzoo.baselines.words import Unigrams, words


def test_words_are_those_between_signs() -> None:
    assert words("Mr. O'Neil's e-mail, twice!") == ["mr", "o'neil's", "e-mail", "twice"]


def test_frequent_words_are_likely_and_any_word_is_possible() -> None:
    unigrams = Unigrams(["the", "the", "the", "cat"])
    likelihood = {word: math.exp(-unigrams.nats(word)) for word in ("the", "cat", "tac", "xyz")}
    assert likelihood["the"] > likelihood["cat"] > likelihood["tac"] > likelihood["xyz"] > 0


def test_probabilities_of_all_strings_of_its_letters_sum_to_less_than_one() -> None:
    from itertools import product

    unigrams = Unigrams(["a", "b", "ab"])
    total = sum(math.exp(-unigrams.nats("".join(w))) for n in range(9) for w in product("ab", repeat=n))
    assert 0.8 < total < 1
    assert math.exp(-Unigrams([]).nats("")) == pytest.approx(1 / 0x110000)
