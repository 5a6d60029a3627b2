"""Rendered notes to pretrain nano models of pitch: one note a clip to classify, or several with their exact f0.

``notes`` has other timbres, vowels, contours and random numbers than what is tested (``tlzoo.data.rendered.pitches``):
waveforms of synthesisers, frequency modulation, organs, plucked strings, and the vowels that are not sung there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from tqdm import tqdm

from tlzoo.data.media.audio import Clip, add_noise, labelled_clips
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.rendered import pitches
from tlzoo.data.rendered.pitches import HARMONICS, Array, Melody

SAMPLE_RATE = 16000
"""Hz, that of CREPE."""

LOWEST = 36
"""MIDI number of the first class, C2, 65.4 Hz."""

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NOTES = tuple(f"{name}{octave}" for octave in (2, 3, 4) for name in _NAMES)
"""The 36 classes, C2 to B4."""

SECONDS = 0.3

SNRS = (20.0, 15.0, 10.0, 5.0, 0.0, -5.0)
"""dB, of noisy rows of :func:`notes`; every seventh row stays clean."""
FAMILIES = ("saw", "square", "triangle", "pulse", "organ", "pluck", "modulation", "vowel")
"""Timbres of :func:`notes`. Their number and that of the :data:`SNRS` with the clean rows have no common divisor."""
FORMANTS = ((390, 1990, 2550), (570, 840, 2410), (440, 1020, 2240), (640, 1190, 2390), (490, 1350, 1690))
"""Hz, of the vowels of "hid", "hawed", "hood", "hud" and "heard" (Peterson & Barney 1952, table II)."""
_TIMBRES = 12  # of each family and split
_STOPS = (1, 2, 3, 4, 6, 8)  # harmonics of an organ's pipes


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


def notes(seed: int = 0, sizes: tuple[int, int] = (1500, 100)) -> DatasetDict:
    """Render melodies of eight families of timbres, clean and at each of :data:`SNRS`, in white and in pink noise.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation`` as of :func:`tlzoo.data.rendered.pitches.pitches`; they share no timbre.
    """
    return pitches.melodies("notes", sizes, seed, SNRS, play)


def play(key: tuple[int, ...], index: int) -> tuple[Melody, str]:
    """Render one sound of ``notes`` without noise, and name its timbre; the families take turns."""
    turn, place = divmod(index, len(FAMILIES))
    family, number = FAMILIES[place], balanced_choice(_TIMBRES, turn, (*key, 0, place))
    timbre, generator = np.random.default_rng((*key, 1, place, number)), np.random.default_rng((*key, 3, index))
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    hz, onsets = _tune(time, *(pitches.VOICE if family == "vowel" else (pitches.LOWEST, pitches.HIGHEST)), generator)
    loud = pitches.envelope(time, generator)
    since = time - time[onsets][np.cumsum(np.isin(np.arange(len(time)), onsets)) - 1]
    if family == "modulation":
        ratio, depth = timbre.integers(1, 4), timbre.uniform(0.5, 2) * np.exp(-timbre.uniform(0, 3) * since)
        phase = pitches.phase_of(hz)
        wave = np.sin(phase + depth * np.sin(ratio * phase))
    elif family == "vowel":
        strength = pitches.vowel(hz, FORMANTS, timbre, generator) / HARMONICS[:, None] ** timbre.uniform(0.5, 1.5)
        wave = pitches.harmonic_sum(hz, strength, np.zeros(len(HARMONICS)))
    else:
        cut = timbre.uniform(4, 30)  # the harmonic at which a filter begins to damp
        strength = (_spectrum(family, timbre) / np.hypot(1, HARMONICS / cut))[:, None]
        if family == "pluck":
            strength = strength * np.exp(-timbre.uniform(0.1, 0.4) * HARMONICS[:, None] * since)
            loud = loud * np.exp(-timbre.uniform(0.5, 2) * since)
        wave = pitches.harmonic_sum(hz, strength, np.zeros(len(HARMONICS)))
    wave = wave * loud
    wave *= 10 ** (generator.uniform(-15, -3) / 20) / np.abs(wave).max()
    return Melody(wave.astype(np.float32), np.where(loud > 0, hz, 0.0)), f"{family}{number}"


def _spectrum(family: str, timbre: np.random.Generator) -> Array:
    """Strength of each harmonic, of either sign, as in the Fourier series of the waveform."""
    odd = HARMONICS % 2
    if family == "square":
        spectrum = odd / HARMONICS
    elif family == "triangle":
        spectrum = odd * (-1.0) ** (HARMONICS // 2) / HARMONICS**2
    elif family == "pulse":
        spectrum = np.sin(np.pi * HARMONICS * timbre.uniform(0.05, 0.4)) / HARMONICS
    elif family == "organ":
        spectrum = np.isin(HARMONICS, _STOPS) * timbre.uniform(0.1, 1.0, len(HARMONICS))
        spectrum[0] = 1.0
    elif family == "pluck":
        spectrum = np.sin(np.pi * HARMONICS * timbre.uniform(0.1, 0.5)) / HARMONICS**2  # by the place of the finger
    else:
        spectrum = (-1.0) ** HARMONICS / HARMONICS
    result: Array = spectrum
    return result


def _tune(time: Array, low: float, high: float, generator: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """f0 in Hz, and the samples at which notes begin: one to five, slurred, that sway and fall or rise a little."""
    count = int(generator.integers(1, 6))
    ends = np.sort(generator.choice(np.arange(1, 10), count - 1, replace=False)) / 10
    number = np.searchsorted(ends, time, side="right")
    octaves = (generator.integers(-5, 6, count) / 12)[number]
    slur = np.hanning(round(generator.uniform(0.004, 0.06) * SAMPLE_RATE) + 2)
    padded = np.pad(octaves, len(slur), mode="edge")
    octaves = np.convolve(padded, slur / slur.sum(), mode="same")[len(slur) : -len(slur)]
    sway = generator.uniform(0, 80) / 1200 * np.sin(2 * np.pi * generator.uniform(3, 8) * time)
    octaves = octaves + sway * np.minimum(time / generator.uniform(0.1, 0.6), 1) + generator.uniform(-0.3, 0.3) * time
    middle = np.exp(generator.uniform(np.log(low * 1.1), np.log(high / 1.1)))
    return np.clip(middle * 2**octaves, low, high), np.flatnonzero(np.diff(number, prepend=-1))
