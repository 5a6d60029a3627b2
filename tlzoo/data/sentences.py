"""Rendered speech with transcripts: numbers to be transcribed, and sentences to pretrain on.

A row is a pure function of seed, split and index. The splits of the numbers share neither voices nor texts; the
sentences share neither voices nor words with them (``tlzoo.data.speech.voices`` says which voice is whose).
"""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from tqdm import tqdm

from tlzoo.data import espeak
from tlzoo.data.audio import encode_wav
from tlzoo.data.dataset import table
from tlzoo.data.protocol import deal
from tlzoo.data.speech import DIGITS, speak, voices
from tlzoo.data.transcripts import characters_of, speech_features, spell

SOURCE_WORDS = tuple(
    """
    door drive dirty finger fix forest free gate green heaven hero king lady line mix nature plenty river safety shoe
    sister sun table thin thing twin water weight wind window winter yellow zebra zoo
    """.split()  # noqa: SIM905
)
"""Words with the sounds and the spellings of numbers, none of which is one. They are few, since of 280 words wav2vec's
nano variant had learnt little after 700 steps (3.4 nats a letter)."""
SPEEDS = (150, 231)
"""Words a minute, from and to below."""
STEP = 0.2
"""Seconds; sounds last a multiple of it, so that many are alike and can be run together (none is ever padded)."""
SHARES = {"train": 60, "validation": 10, "test": 30}
"""Of the numbers' texts, per cent."""


def spoken_numbers(seed: int = 0, sizes: tuple[int, int, int] = (800, 100, 250)) -> DatasetDict:
    """Render numbers of two or three digits, spoken one after another, such as "four two".

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with the columns of ``tlzoo.data.transcripts.speech_features``; ``group`` is the voice.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    texts = {split: _numbers(split) for split in SHARES}

    def text(split: str, index: int, generator: np.random.Generator) -> str:
        of_kind = texts[split][index % len(texts[split])]
        return of_kind[int(generator.integers(len(of_kind)))]

    return _render("numbers", "digits", dict(zip(SHARES, sizes, strict=True)), text, characters_of(DIGITS), seed)


def sentences(seed: int = 0, sizes: tuple[int, int] = (2000, 100)) -> DatasetDict:
    """Render one or two common words in a row, none of which names a number, in voices of their own.

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, as of :func:`spoken_numbers`.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """

    def text(split: str, index: int, generator: np.random.Generator) -> str:
        return " ".join(generator.choice(SOURCE_WORDS, 1 + index % 2).tolist())

    named = dict(zip(("train", "validation"), sizes, strict=True))
    return _render("sentences", "words", named, text, characters_of(SOURCE_WORDS), seed)


@functools.cache
def _numbers(split: str) -> tuple[tuple[str, ...], ...]:
    """The texts of a split, by kind: which split has a text is said by the SHA-256 of the text."""
    kinds = (
        [" ".join(digits) for digits in product(DIGITS, repeat=2)],
        [" ".join(digits) for digits in product(DIGITS, repeat=3)],
    )
    ends = np.cumsum(list(SHARES.values()))
    place = list(SHARES).index(split)

    def is_here(text: str) -> bool:
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 100
        return int(np.searchsorted(ends, number, side="right")) == place

    return tuple(tuple(filter(is_here, kind)) for kind in kinds)


def _render(
    name: str,
    speakers: str,
    sizes: Mapping[str, int],
    text: Callable[[str, int, np.random.Generator], str],
    characters: Sequence[str],
    seed: int,
) -> DatasetDict:
    who = voices()
    with tqdm(total=sum(sizes.values()), desc=f"spoken {name}", unit="clip", disable=None) as progress:

        def part(split: str, size: int) -> Dataset:
            columns: dict[str, list[Any]] = {c: [] for c in ("audio", "text", "letters", "group", "id")}
            key = (seed, zlib.crc32(f"{name}/{split}".encode()))
            of_split = who[f"{speakers}/{split}"]
            for index in range(size):
                generator = np.random.default_rng((*key, 1, index))
                voice = of_split[deal(len(of_split), index, (*key, 0))]
                said = text(split, index, generator)
                sound = encode_wav(
                    speak(said, voice, generator, SPEEDS, round(STEP * espeak.SAMPLE_RATE)), espeak.SAMPLE_RATE
                )
                columns["audio"].append({"bytes": sound, "path": f"{name}-{split}-{index:04}.wav"})
                columns["text"].append(said)
                columns["letters"].append(spell(said, characters))
                columns["group"].append(voice)
                columns["id"].append(f"spoken-{name}/{split}/{seed}/{index:04}")
                progress.update()
            return table(speech_features(characters), columns)

        return DatasetDict({split: part(split, size) for split, size in sizes.items()})
