"""Rendered notes to pretrain nano models of pitch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from tqdm import tqdm

from tlzoo.data.media.audio import Clip, add_noise, labelled_clips
from tlzoo.data.protocol import balanced_choice

SAMPLE_RATE = 16000
"""Hz, that of CREPE."""

LOWEST = 36
"""MIDI number of the first class, C2, 65.4 Hz."""

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NOTES = tuple(f"{name}{octave}" for octave in (2, 3, 4) for name in _NAMES)
"""The 36 classes, C2 to B4."""

SECONDS = 0.3


def tones(seed: int = 0, sizes: tuple[int, int] = (3000, 300)) -> DatasetDict:
    """Render notes of many timbres, each at most 30 cents out of tune, in noise.

    A row is a pure function of seed, split and index; classes are balanced in every beginning, to within one row.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation`` with the columns of :func:`tlzoo.data.media.audio.labelled_clips`, 0.3 s
        each at 16 kHz; every row is a group of its own.
    """
    named = dict(zip(("train", "validation"), sizes, strict=True))
    with tqdm(total=sum(sizes), desc="tones", unit="clip", disable=None) as progress:
        return DatasetDict(
            {
                split: labelled_clips(_clips(split, size, seed, progress), NOTES, SAMPLE_RATE, split)
                for split, size in named.items()
            }
        )


def _clips(split: str, size: int, seed: int, progress: tqdm[Any]) -> Iterator[Clip]:
    stream = ("train", "validation").index(split)
    for index in range(size):
        label = balanced_choice(len(NOTES), index, (seed, stream, 0))
        generator = np.random.default_rng((seed, stream, 1, index))
        name = f"tones/{split}/{seed}/{index:04}"
        yield Clip(_note(LOWEST + label, generator), label, name, name)
        progress.update()


def _note(midi: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Play one note, float32 of shape ``(4800,)``."""
    time = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = 440 * 2 ** ((midi - 69 + generator.uniform(-0.3, 0.3)) / 12)
    harmonic = np.arange(1, generator.integers(1, 9) + 1)
    strength = generator.uniform(0.3, 1, len(harmonic)) * np.exp(-generator.uniform(0, 1) * (harmonic - 1))
    phase = generator.uniform(0, 2 * np.pi, len(harmonic))
    wave = strength @ np.sin(2 * np.pi * frequency * np.outer(harmonic, time) + phase[:, None])
    wave *= np.minimum(time / 0.01, 1) * np.exp(-generator.uniform(0, 8) * time)
    wave *= 10 ** (generator.uniform(-18, -9) / 20) / np.abs(wave).max()
    return add_noise(wave, generator.uniform(5, 40), generator, pink=bool(generator.integers(2)))
