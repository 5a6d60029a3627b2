"""Rendered speech with its transcript: spoken numbers to be recognised, and strings of words to pretrain on.

The two share no word and no voice, and neither do their splits share a voice or a text (see ``tlzoo.data.speech``).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Audio, Dataset, DatasetDict, Features, Value
from tqdm import tqdm

from tlzoo.data import espeak, transcripts
from tlzoo.data.audio import encode_wav
from tlzoo.data.dataset import table
from tlzoo.data.protocol import SPLITS, deal
from tlzoo.data.speech import DIGITS, WORDS, speak, voices

SHARES = {"train": 60, "validation": 15, "test": 25}
"""Of all texts, per cent."""


def spoken_numbers(seed: int = 0, sizes: tuple[int, int, int] = (800, 100, 200)) -> DatasetDict:
    """Render numbers of two or three digits, each digit spoken, in voices and of texts that were not heard before.

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``audio`` at 22,050 Hz, ``text`` and ``symbols``, ``group``, the voice, and ``id``.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    return _render("digits", DIGITS, sizes, seed)


def spoken_strings(seed: int = 0, sizes: tuple[int, int] = (3000, 200)) -> DatasetDict:
    """Render strings of two or three common words, as :func:`spoken_numbers`: the source of stand-ins."""
    return _render("words", WORDS, sizes, seed)


def _render(name: str, words: Sequence[str], sizes: Sequence[int], seed: int) -> DatasetDict:
    symbols = transcripts.alphabet([*words, " "])
    who = voices()
    with tqdm(total=sum(sizes), desc=f"spoken strings of {name}", unit="clip", disable=None) as progress:
        found = {}
        for split, size in zip(SPLITS, sizes, strict=False):
            speakers = who[f"{name}/{split}"]
            rows = []
            for index in range(size):
                key = (seed, zlib.crc32(f"strings/{name}/{split}".encode()))
                generator = np.random.default_rng((*key, 1, index))
                voice = speakers[deal(len(speakers), index, (*key, 0))]
                text = _text(words, split, generator)
                rows.append((text, voice, encode_wav(speak(text, voice, generator), espeak.SAMPLE_RATE)))
                progress.update()
            found[split] = _dataset(rows, symbols, f"spoken-strings/{name}/{split}/{seed}")
        return DatasetDict(found)


def _text(words: Sequence[str], split: str, generator: np.random.Generator) -> str:
    """Two or three words, of the texts that are this split's: which are whose, their hash says."""
    first = 0
    for name, share in SHARES.items():
        if name == split:
            break
        first += share
    while True:
        text = " ".join(generator.choice(words, generator.integers(2, 4)))
        if first <= zlib.crc32(text.encode()) % 100 < first + SHARES[split]:
            return text


def _dataset(rows: Sequence[tuple[str, str, bytes]], symbols: Sequence[str], name: str) -> Dataset:
    features = Features(
        audio=Audio(sampling_rate=espeak.SAMPLE_RATE, decode=False),
        **transcripts.text_features(symbols),
        group=Value("string"),
        id=Value("string"),
    )
    columns: dict[str, list[Any]] = {column: [] for column in features}
    for index, (text, voice, data) in enumerate(rows):
        row = {
            "audio": {"bytes": data, "path": f"{index:04}.wav"},
            **transcripts.columns(text, symbols),
            "group": voice,
            "id": f"{name}/{index:04}",
        }
        for column, value in row.items():
            columns[column].append(value)
    return table(features, columns)
