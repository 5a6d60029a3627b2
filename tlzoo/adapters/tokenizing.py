"""Tokenizers: those of published checkpoints, and small ones learnt from the text that nano models are pretrained on.

All are ``tokenizers.Tokenizer`` objects without padding or truncation, which add the special tokens of their kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tlzoo import blobs
from tlzoo.adapters.families import Kind
from tlzoo.errors import InputError
from tlzoo.files import cached
from tlzoo.vocabulary import PRETRAINED_ON

if TYPE_CHECKING:
    from tlzoo.data.catalogue import Source

SOURCE = PRETRAINED_ON["text"]
"""The data set whose training texts tokenizers are learnt from."""
VERSION = 1


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
    tokenizer = _empty("wordpiece")
    tokenizer.model = models.WordPiece(vocabulary)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS["wordpiece"].tokens])
    return _framed(tokenizer, "wordpiece")


def read(path: Path) -> Tokenizer:
    """Read a tokenizer that was saved with a fine-tuned model."""
    return published_tokenizer({"tokenizer.json": path})


def learnt(kind: Kind, size: int) -> Tokenizer:
    """A tokenizer learnt from the source text, and cached.

    Args:
        kind: Its algorithm: lower-cased WordPiece, cased unigram, or bytes.
        size: Size of the vocabulary.

    Raises:
        UnavailableError: The source text is not available, or the cache cannot be written.
    """
    key = hashlib.sha256(f"{kind} {size} {_source().fingerprint} {VERSION}".encode()).hexdigest()
    path = cached(
        blobs.cache_dir() / "tokenizers" / f"{key}.json",
        lambda new: _learn(kind, size).save(str(new)),
        f"{kind} tokenizer",
    )
    return Tokenizer.from_file(str(path))


def _source() -> Source:
    from tlzoo.data.catalogue import find
    from tlzoo.data.named import DATASETS

    return find(DATASETS[SOURCE].task, SOURCE)


def _learn(kind: Kind, size: int) -> Tokenizer:
    from tlzoo.data.catalogue import load

    rows = load(_source()).splits["train"]
    texts = [f"{text} {target}" for text, target in zip(rows["text"][:], rows["target"][:], strict=True)]
    tokenizer = _empty(kind)
    trainer = _TRAINERS[kind](size, list(SPECIALS[kind].tokens))
    tokenizer.train_from_iterator(texts, trainer)
    return _framed(tokenizer, kind)


def _wordpiece(size: int, specials: list[str]) -> trainers.Trainer:
    return trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, show_progress=False)


def _unigram(size: int, specials: list[str]) -> trainers.Trainer:
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=specials, unk_token=specials[0], show_progress=False)


def _bytes(size: int, specials: list[str]) -> trainers.Trainer:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)


_TRAINERS: Mapping[Kind, Callable[[int, list[str]], trainers.Trainer]] = {
    "wordpiece": _wordpiece,
    "unigram": _unigram,
    "bytes": _bytes,
}


def _empty(kind: Kind) -> Tokenizer:
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


def _framed(tokenizer: Tokenizer, kind: Kind) -> Tokenizer:
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
