from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tlzoo.adapters.families import FAMILIES, NANO_PIECES, Kind, nano_tokenizer
from tlzoo.adapters.tokenizing import SPECIALS, published_tokenizer, shipped
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Tokenizer as Given
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import sha256_of

NANO = {
    card.id: variant
    for card in catalogue.cards()
    for variant in card.variants
    if variant.kind == "nano" and variant.model in FAMILIES
}
"""The small text encoders, by card."""
KINDS = list(SPECIALS)
SENTENCE = "The capital of Australia is Canberra, not Sydney."


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def tokenizer(kind: Kind) -> Tokenizer:
    path = catalogue.tokenizer_path(nano_tokenizer(kind))
    return shipped(Given(file=path.name, sha256=sha256_of(path)))


@pytest.mark.parametrize("card", NANO)
def test_every_small_encoder_names_the_tokenizer_of_its_kind(card: str) -> None:
    variant = NANO[card]
    assert variant.tokenizer is not None
    assert variant.tokenizer.file == nano_tokenizer(FAMILIES[variant.model].kind)
    assert shipped(variant.tokenizer).get_vocab_size() == variant.config["vocab_size"] == NANO_PIECES


def test_another_file_than_the_card_names_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = NANO["bert"].tokenizer
    assert given is not None
    monkeypatch.setattr(catalogue, "folder", lambda: tmp_path)
    with pytest.raises(UnavailableError, match=r"wordpiece-4096\.json is missing; install the package again"):
        shipped(given)
    path = catalogue.tokenizer_path(given.file)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(UnavailableError, match=r"wordpiece-4096\.json is not the file that the card names"):
        shipped(given)


def test_a_run_of_another_tokenizer_has_another_key() -> None:
    card, variant = catalogue.get("bert"), NANO["bert"]
    assert variant.tokenizer is not None
    other = variant.model_copy(update={"tokenizer": variant.tokenizer.model_copy(update={"sha256": "0" * 64})})
    assert card.variant_hash(other) != card.variant_hash(variant)


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
