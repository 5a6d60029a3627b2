from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.support.published import or_skip
from tlzoo.adapters.families import Kind
from tlzoo.adapters.tokenizing import SPECIALS, learnt, published_tokenizer
from tlzoo.errors import InputError

KINDS = list(SPECIALS)
SENTENCE = "The capital of Australia is Canberra, not Sydney."


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
@or_skip()
def tokenizer(kind: Kind) -> Tokenizer:
    return learnt(kind, 4096)


def test_the_vocabulary_is_full_and_special_tokens_come_first(tokenizer: Tokenizer, kind: Kind) -> None:
    assert tokenizer.get_vocab_size() == 4096
    assert [tokenizer.token_to_id(token) for token in SPECIALS[kind].tokens] == list(range(len(SPECIALS[kind].tokens)))


def test_text_survives(tokenizer: Tokenizer, kind: Kind) -> None:
    back = tokenizer.decode(tokenizer.encode(SENTENCE).ids).replace(" ,", ",").replace(" .", ".")
    assert back == (SENTENCE.lower() if kind == "wordpiece" else SENTENCE)


def test_offsets_are_those_of_characters(tokenizer: Tokenizer) -> None:
    found = tokenizer.encode(SENTENCE, add_special_tokens=False)
    start = SENTENCE.index("Canberra")
    pieces = [o for o in found.offsets if o[1] > start and o[0] < start + len("Canberra")]
    assert SENTENCE[pieces[0][0] : pieces[-1][1]].strip() == "Canberra"


def test_a_pair_is_told_apart(tokenizer: Tokenizer, kind: Kind) -> None:
    whole = tokenizer.encode("one", "two")
    if kind != "bytes":
        assert {0, 1} <= set(whole.type_ids)
    ends = {"wordpiece": "[SEP]", "unigram": "<cls>", "bytes": "</s>"}
    assert whole.tokens[-1] == ends[kind]
    assert len(whole.ids) - len(tokenizer.encode("one", "two", add_special_tokens=False).ids) in (3, 4)


def test_published_vocabularies_are_read(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "gui", "##tar", "a"]))
    tokenizer = published_tokenizer({"vocab.txt": path})
    assert tokenizer.encode("A guitar").tokens == ["[CLS]", "a", "gui", "##tar", "[SEP]"]
    with pytest.raises(InputError, match=r"neither tokenizer\.json nor vocab\.txt"):
        published_tokenizer({})
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as a tokenizer"):
        published_tokenizer({"tokenizer.json": tmp_path / "tokenizer.json"})
