"""Rendered speech with transcripts: numbers, spoken digit by digit, and phrases of other words to pretrain on.

A row is a pure function of seed, split and index. The splits share neither voices nor texts.
"""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from datasets import Dataset, DatasetDict
from tqdm import tqdm

from tlzoo.data.dataset import table
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.media.spelling import characters_of, spell
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.rendered import espeak
from tlzoo.data.rendered.speech import DIGITS, WORDS, speak, speaker, voices
from tlzoo.data.schemas import speech_features

SPEEDS = (150, 231)
"""Range of words a minute, the end excluded."""
SHARES = {"train": 60, "validation": 10, "test": 30}
"""Share of the texts in each split, per cent."""
VOICES = {
    "train": ("words/train", "digits/train"),
    "validation": ("words/validation", "digits/validation"),
    "test": ("digits/test",),
}
"""Voices of each split, as in :func:`tlzoo.data.rendered.speech.voices`. Training and validation also use the voices of
the words, since more voices generalise better to a new one; the test has none of them."""


def spoken_numbers(seed: int = 0, sizes: tuple[int, int, int] = (1200, 100, 250)) -> DatasetDict:
    """Render numbers of two or three digits, spoken one after another, such as "four two".

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with the columns of ``tlzoo.data.schemas.speech_features``; ``group`` is the
        :func:`~tlzoo.data.rendered.speech.speaker`.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    parts = {
        split: _Part([voice for part in VOICES[split] for voice in voices()[part]], functools.partial(_number, split))
        for split in SHARES
    }
    return _render("numbers", DIGITS, parts, sizes, seed)


PHRASE_SHARES = {"train": 90, "validation": 10}
"""Share of the phrases in each split, per cent."""
_COUNTS = (2, 3, 4)  # of words in a phrase, in turn


def spoken_phrases(seed: int = 0, sizes: tuple[int, int] = (1500, 100)) -> DatasetDict:
    """Render phrases of two to four :data:`~tlzoo.data.rendered.speech.WORDS` in the voices of ``spoken-words``.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation`` as of :func:`spoken_numbers`, of whose test no voice and no word is here.

    Raises:
        UnavailableError: As for :func:`spoken_numbers`.
    """
    parts = {split: _Part(voices()[f"words/{split}"], functools.partial(_phrase, split)) for split in PHRASE_SHARES}
    return _render("phrases", WORDS, parts, sizes, seed)


class _Part(NamedTuple):
    """A split: who speaks, and what is said by an index and a generator."""

    voices: list[str]
    text: Callable[[int, np.random.Generator], str]


def _render(
    name: str, words: Sequence[str], parts: Mapping[str, _Part], sizes: Sequence[int], seed: int
) -> DatasetDict:
    characters = characters_of(words)
    with tqdm(total=sum(sizes), desc=f"spoken {name}", unit="clip", disable=None) as progress:
        return DatasetDict(
            {
                split: _rows(f"{name}/{split}", parts[split], size, characters, seed, progress)
                for split, size in zip(parts, sizes, strict=True)
            }
        )


def _rows(name: str, part: _Part, size: int, characters: tuple[str, ...], seed: int, progress: tqdm[Any]) -> Dataset:
    who = sorted(part.voices)
    columns: dict[str, list[Any]] = {c: [] for c in ("audio", "text", "letters", "group", "id")}
    key = (seed, zlib.crc32(name.encode()))
    for index in range(size):
        generator = np.random.default_rng((*key, 1, index))
        voice = who[balanced_choice(len(who), index, (*key, 0))]
        text = part.text(index, generator)
        sound = encode_wav(speak(text, voice, generator, SPEEDS), espeak.SAMPLE_RATE)
        columns["audio"].append({"bytes": sound, "path": f"{name.replace('/', '-')}-{index:04}.wav"})
        columns["text"].append(text)
        columns["letters"].append(spell(text, characters))
        columns["group"].append(speaker(voice))
        columns["id"].append(f"spoken-{name}/{seed}/{index:04}")
        progress.update()
    return table(speech_features(characters), columns)


def _number(split: str, index: int, generator: np.random.Generator) -> str:
    texts = _numbers(split)
    return str(generator.choice(texts[index % len(texts)]))


@functools.cache
def _numbers(split: str) -> tuple[list[str], ...]:
    """The numbers of a split, by how many digits they have."""
    return tuple(
        [text for text in map(" ".join, product(DIGITS, repeat=count)) if _split_of(text, SHARES) == split]
        for count in (2, 3)
    )


def _phrase(split: str, index: int, generator: np.random.Generator) -> str:
    """Draw different words until they are a phrase of this split."""
    while True:
        text = " ".join(generator.choice(WORDS, _COUNTS[index % len(_COUNTS)], replace=False))
        if _split_of(text, PHRASE_SHARES) == split:
            return text


def _split_of(text: str, shares: Mapping[str, int]) -> str:
    """The split of a text, which its SHA-256 decides."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 100
    return list(shares)[int(np.searchsorted(np.cumsum(list(shares.values())), number, side="right"))]
