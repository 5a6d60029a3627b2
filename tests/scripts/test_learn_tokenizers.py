"""A tokenizer is learnt from texts, with the special tokens of its kind around each."""

from pathlib import Path

import pytest

from scripts.learn_tokenizers import TRAINERS, learn
from tlzoo.adapters.families import Kind
from tlzoo.adapters.tokenizing import SPECIALS

TEXTS = Path(__file__).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("kind", TRAINERS)
def test_words_that_recur_become_pieces(kind: Kind) -> None:
    tokenizer = learn(kind, TEXTS, 400)
    whole = tokenizer.encode("the tokenizer of a kind")
    assert len(whole.tokens) <= 14
    assert {*whole.tokens} & {*SPECIALS[kind].tokens}
    assert tokenizer.decode(whole.ids).strip() == "the tokenizer of a kind"
