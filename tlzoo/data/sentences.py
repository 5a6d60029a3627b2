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
from tlzoo.data.speech import DIGITS, WORDS, speak, voices
from tlzoo.data.transcripts import characters_of, speech_features, spell

TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
MORE_WORDS = tuple(
    """
    about above across answer arrive autumn balloon basket because behind below better between box broken busy button
    candle captain careful carry castle clever closing copper corner crazy crown daily danger desk dragon drive driver
    early earth easy empty engine evening every exactly explain fallen famous feather fix follow frozen
    gentle given glove goes golden grazing haven heaven heavy hidden history honey horizon hurry inside invite iron
    jacket join judge jump keep kind king knife lazy leaving lemon level listen lizard lovely magic maze measure mixed
    moving narrow native never next noisy ocean often open oven over painted pardon pencil perfect pilot plenty
    prize puzzle quarter question quick quiet raven reading ready really ribbon robin rose saddle saving season secret
    serve shadow shelf shore silent simple size soft south square station stone story strange stream sudden sugar sweet
    taxi team thick thin thing thirsty thunder tiny tired today tower travel under unity valley van velvet very village
    violet visit voice volcano wagon wave weather whisper wise wonder wooden world young zebra zigzag zone zoo
    """.split()  # noqa: SIM905
)
"""Words with what :data:`tlzoo.data.speech.WORDS` lacks of English sounds and letters; none is a number."""
SPEEDS = (150, 231)
"""Words a minute, from and to below."""
STEP = 0.2
"""Seconds; sounds last a multiple of it, so that many are alike and can be run together (none is ever padded)."""
SHARES = {"train": 60, "validation": 10, "test": 30}
"""Of the numbers' texts, per cent."""


def spoken_numbers(seed: int = 0, sizes: tuple[int, int, int] = (600, 120, 300)) -> DatasetDict:
    """Render numbers: two or three digits one after another, or tens and ones, such as "forty two".

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with the columns of ``tlzoo.data.transcripts.speech_features``; ``group`` is the voice.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    words = (*DIGITS, *TENS)
    texts = {split: _numbers(split) for split in SHARES}

    def text(split: str, index: int, generator: np.random.Generator) -> str:
        of_kind = texts[split][index % len(texts[split])]
        return of_kind[int(generator.integers(len(of_kind)))]

    return _render("numbers", "digits", dict(zip(SHARES, sizes, strict=True)), text, characters_of(words), seed)


def sentences(seed: int = 0, sizes: tuple[int, int] = (2400, 100)) -> DatasetDict:
    """Render sentences of one to three common words, none of which names a number, in voices of their own.

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, as of :func:`spoken_numbers`.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    words = (*WORDS, *MORE_WORDS)

    def text(split: str, index: int, generator: np.random.Generator) -> str:
        return " ".join(generator.choice(words, 1 + index % 3).tolist())

    return _render(
        "sentences", "words", dict(zip(("train", "validation"), sizes, strict=True)), text, characters_of(words), seed
    )


@functools.cache
def _numbers(split: str) -> tuple[tuple[str, ...], ...]:
    """The texts of a split, by kind: which split has a text is said by the SHA-256 of the text."""
    kinds = (
        [" ".join(digits) for digits in product(DIGITS, repeat=2)],
        [" ".join(digits) for digits in product(DIGITS, repeat=3)],
        [f"{ten} {one}" for ten in TENS for one in DIGITS[1:]],
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
