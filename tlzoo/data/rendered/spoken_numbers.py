"""Rendered speech with transcripts: numbers, spoken digit by digit.

A row is a pure function of seed, split and index. The splits share neither voices nor texts.
"""

from __future__ import annotations

import functools
import hashlib
import zlib
from itertools import product
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from tqdm import tqdm

from tlzoo.data.dataset import table
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.media.spelling import characters_of, spell
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.rendered import espeak
from tlzoo.data.rendered.speech import DIGITS, speak, speaker, voices
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
    characters = characters_of(DIGITS)
    with tqdm(total=sum(sizes), desc="spoken numbers", unit="clip", disable=None) as progress:
        return DatasetDict(
            {split: _part(split, size, characters, seed, progress) for split, size in zip(SHARES, sizes, strict=True)}
        )


def _part(split: str, size: int, characters: tuple[str, ...], seed: int, progress: tqdm[Any]) -> Dataset:
    texts, who = _texts(split), sorted(voice for part in VOICES[split] for voice in voices()[part])
    columns: dict[str, list[Any]] = {c: [] for c in ("audio", "text", "letters", "group", "id")}
    key = (seed, zlib.crc32(f"numbers/{split}".encode()))
    for index in range(size):
        generator = np.random.default_rng((*key, 1, index))
        voice = who[balanced_choice(len(who), index, (*key, 0))]
        text = str(generator.choice(texts[index % len(texts)]))
        sound = encode_wav(speak(text, voice, generator, SPEEDS), espeak.SAMPLE_RATE)
        columns["audio"].append({"bytes": sound, "path": f"numbers-{split}-{index:04}.wav"})
        columns["text"].append(text)
        columns["letters"].append(spell(text, characters))
        columns["group"].append(speaker(voice))
        columns["id"].append(f"spoken-numbers/{split}/{seed}/{index:04}")
        progress.update()
    return table(speech_features(characters), columns)


@functools.cache
def _texts(split: str) -> tuple[list[str], ...]:
    """The texts of a split, by their number of digits; the SHA-256 of a text decides its split."""
    ends = np.cumsum(list(SHARES.values()))
    place = list(SHARES).index(split)

    def is_here(text: str) -> bool:
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 100
        return int(np.searchsorted(ends, number, side="right")) == place

    return tuple([text for text in map(" ".join, product(DIGITS, repeat=count)) if is_here(text)] for count in (2, 3))
