"""Tokenizers: those of published checkpoints, and small ones that ship with the cards for nano variants.

All are ``tokenizers.Tokenizer`` objects without padding or truncation, which add the special tokens of their kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from tlzoo import blobs
from tlzoo.adapters.families import Kind
from tlzoo.cards import catalogue, schema
from tlzoo.errors import InputError, UnavailableError


@dataclass(frozen=True)
class Specials:
    """The special tokens of a kind, and their places.

    Attributes:
        tokens: In the order of their ids, from 0.
        single: Template of one text.
        pair: Template of two texts.
        mask: The token that hides another one.
    """

    tokens: tuple[str, ...]
    single: str
    pair: str
    mask: str


SPECIALS: Mapping[Kind, Specials] = {
    # the ids are those that BertConfig, XLNetConfig and RobertaConfig expect
    "wordpiece": Specials(
        ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        "[CLS]:0 $A:0 [SEP]:0",
        "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        "[MASK]",
    ),
    "unigram": Specials(
        ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"),
        "$A:0 <sep>:0 <cls>:2",
        "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2",
        "<mask>",
    ),
    "bytes": Specials(
        ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        "<s>:0 $A:0 </s>:0",
        "<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0",
        "<mask>",
    ),
}


def published_tokenizer(files: Mapping[str, Path]) -> Tokenizer:
    """The tokenizer of a published checkpoint.

    Args:
        files: Its files by name: ``tokenizer.json``, else the ``vocab.txt`` of an uncased WordPiece.

    Raises:
        InputError: There is neither file, or it cannot be read.
    """
    path = files.get("tokenizer.json") or files.get("vocab.txt")
    if path is None:
        raise InputError(f"neither tokenizer.json nor vocab.txt among: {', '.join(files) or 'no files'}")
    try:
        if path.suffix == ".json":
            return _bare(Tokenizer.from_file(str(path)))
        vocabulary = {token: i for i, token in enumerate(path.read_text(encoding="utf-8").splitlines())}
    except Exception as error:  # tokenizers raises plain exceptions
        raise InputError(f"{path}: cannot be read as a tokenizer: {' '.join(str(error).split())[:200]}") from None
    tokenizer = empty("wordpiece")
    tokenizer.model = models.WordPiece(vocabulary)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS["wordpiece"].tokens])
    return framed(tokenizer, "wordpiece")


def read(path: Path) -> Tokenizer:
    """Read a tokenizer that was saved with a fine-tuned model."""
    return published_tokenizer({"tokenizer.json": path})


def shipped(given: schema.Tokenizer) -> Tokenizer:
    """The tokenizer of a nano variant.

    A tokenizer is not learnt where it is used: its library breaks ties by chance, so that each machine would get other
    pieces, which mean nothing to the parameters that ship.

    Args:
        given: Its file and hash, as the card names them.

    Raises:
        UnavailableError: The file is missing, or is another one.
    """
    path = catalogue.tokenizer_path(given.file)
    if fault := blobs.fault_of(path, given.sha256):
        raise UnavailableError(f"{path} {fault}; install the package again")
    return Tokenizer.from_file(str(path))


def empty(kind: Kind) -> Tokenizer:
    """A tokenizer without a vocabulary, which splits text as in the papers."""
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece())
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
    elif kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def framed(tokenizer: Tokenizer, kind: Kind) -> Tokenizer:
    """Add the special tokens around texts."""
    specials = SPECIALS[kind]
    ids = [(token, tokenizer.token_to_id(token)) for token in specials.tokens]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=specials.single, pair=specials.pair, special_tokens=ids
    )
    return tokenizer


def _bare(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
