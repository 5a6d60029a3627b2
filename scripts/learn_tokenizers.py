"""Learn the tokenizers of nano variants anew: ``python scripts/learn_tokenizers.py KIND...``, such as ``wordpiece``.

Each is learnt from the training texts that nano models are pretrained on, of Wikipedia and WordNet, and written to
``zoo_cards/tokenizers/KIND-4096.json``. The library breaks ties by chance, so that each run gives other pieces: the
cards that name the file need its new hash, which is printed, and their stand-ins have to be pretrained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from tokenizers import Tokenizer, pre_tokenizers, trainers

from tlzoo.adapters.families import NANO_PIECES, Kind, nano_tokenizer
from tlzoo.adapters.tokenizing import SPECIALS, empty, framed
from tlzoo.cards.catalogue import tokenizer_path
from tlzoo.files import sha256_of
from tlzoo.vocabulary import PRETRAINED_ON


def wordpiece(size: int, specials: list[str]) -> trainers.Trainer:
    """Lower-cased WordPiece."""
    return trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, show_progress=False)


def unigram(size: int, specials: list[str]) -> trainers.Trainer:
    """Cased unigram."""
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=specials, unk_token=specials[0], show_progress=False)


def byte_pairs(size: int, specials: list[str]) -> trainers.Trainer:
    """Byte-level BPE."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)


TRAINERS: dict[Kind, Callable[[int, list[str]], trainers.Trainer]] = {
    "wordpiece": wordpiece,
    "unigram": unigram,
    "bytes": byte_pairs,
}


def texts() -> list[str]:
    """What tokenizers are learnt from."""
    from tlzoo.data.catalogue import find, load
    from tlzoo.data.named import DATASETS

    wikipedia, glosses = (
        load(find(DATASETS[name].task, name)).splits["train"] for name in (PRETRAINED_ON["text"], "glosses")
    )
    passages = zip(wikipedia["text"][:], wikipedia["target"][:], strict=True)
    return [*(f"{text} {target}" for text, target in passages), *glosses["text"][:]]


def learn(kind: Kind, source: Iterable[str], size: int = NANO_PIECES) -> Tokenizer:
    """A tokenizer of a kind with a vocabulary of at most that size."""
    tokenizer = empty(kind)
    tokenizer.train_from_iterator(source, TRAINERS[kind](size, list(SPECIALS[kind].tokens)))
    return framed(tokenizer, kind)


def main() -> None:
    """Learn those that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="+", choices=list(TRAINERS))
    source = texts()
    for kind in parser.parse_args().kinds:
        path = tokenizer_path(nano_tokenizer(kind))
        path.parent.mkdir(exist_ok=True)
        learn(kind, source).save(str(path))
        print(f"{path.name}: sha256: {sha256_of(path)}")


if __name__ == "__main__":
    main()
