"""Rendered melodies and voices with exact f0, for pitch extraction.

Each sound is a sum of harmonics of one phase, the integral of f0, so that f0 is exact to the sample. An instrument has
a strength for each harmonic; a voice has formants, at which harmonics are strong whatever their number (Fant 1960).
A row is a pure function of seed, split and index; splits share no timbre, and the sources of stand-ins
(``tlzoo.data.rendered.tones``) none with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from datasets import Dataset, DatasetDict, Value
from numpy.typing import NDArray
from tqdm import tqdm

from tlzoo.data.dataset import table
from tlzoo.data.media.audio import add_noise, encode_wav
from tlzoo.data.protocol import SPLITS, balanced_choice
from tlzoo.data.schemas import HOP, pitch_features

SAMPLE_RATE = 16_000
"""Hz."""
SECONDS = 1.0
LOWEST, HIGHEST = 65.0, 1000.0
"""Hz, of instruments."""
VOICE = (80.0, 400.0)
"""Hz, of voices."""
SNRS = (20.0, 10.0, 0.0, -10.0)
"""dB, of noisy rows; every fifth row stays clean."""
_TIMBRES = 40  # of each split
HARMONICS = np.arange(1, 41)
"""Numbers of the harmonics of a sound; 1 is f0."""
FORMANTS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (660, 1720, 2410))
"""Hz, of the vowels of "hot", "heed", "who", "head" and "had" (Peterson & Barney 1952, table II)."""

Array = NDArray[np.float64]


class Melody(NamedTuple):
    """One sound.

    Attributes:
        samples: Float32 of shape ``(samples,)``.
        hz: f0 at each sample, 0 where there is no pitch.
    """

    samples: NDArray[np.float32]
    hz: Array


def pitches(seed: int = 0, sizes: tuple[int, int, int] = (240, 80, 200)) -> DatasetDict:
    """Render clean melodies of instruments and voices, with rests.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits with ``audio`` (1 s at 16 kHz), ``f0`` every 10 ms, ``snr`` in dB (infinite where clean), ``group``, the
        timbre, and ``id``.
    """
    return melodies("pitches", sizes, seed, (), render)


def noisy_pitches(seed: int = 0, sizes: tuple[int, int, int] = (240, 80, 300)) -> DatasetDict:
    """The same with other timbres, clean and at each of :data:`SNRS`, in white and in pink noise."""
    return melodies("noisy-pitches", sizes, seed, SNRS, render)


def melodies(
    name: str,
    sizes: Sequence[int],
    seed: int,
    snrs: Sequence[float],
    play: Callable[[tuple[int, ...], int], tuple[Melody, str]],
) -> DatasetDict:
    """Render a data set of melodies.

    Args:
        name: Of the data set.
        sizes: Rows of train, validation and, where there is one, test.
        seed: Seed of everything random.
        snrs: dB; each in turn after a clean row. Data sets with more or fewer of them share no random numbers.
        play: Renders the sound of a key and an index, and names its timbre, as :func:`render` does.

    Returns:
        Splits as of :func:`pitches`.
    """
    with tqdm(total=sum(sizes), desc=name, unit="clip", disable=None) as progress:
        splits = {}
        for stream, (split, size) in enumerate(zip(SPLITS[: len(sizes)], sizes, strict=True)):
            key = (seed, len(snrs), stream)
            columns: dict[str, list[Any]] = {"audio": [], "f0": [], "snr": [], "group": [], "id": []}
            for index in range(size):
                melody, timbre = play(key, index)
                snr = (np.inf, *snrs)[index % (len(snrs) + 1)]
                generator = np.random.default_rng((*key, 2, index))
                samples = melody.samples
                if np.isfinite(snr):
                    samples = add_noise(samples, snr, generator, pink=bool(generator.integers(2)))
                    samples = samples * np.float32(min(1.0, 0.9 / np.abs(samples).max()))
                times = np.arange(round(SECONDS / HOP)) * HOP
                columns["audio"].append(
                    {"bytes": encode_wav(samples, SAMPLE_RATE), "path": f"{name}-{split}-{index:04}.wav"}
                )
                columns["f0"].append({"time": times, "hz": melody.hz[np.round(times * SAMPLE_RATE).astype(int)]})
                columns["snr"].append(snr)
                columns["group"].append(f"{split}/{timbre}")
                columns["id"].append(f"{name}/{split}/{seed}/{index:04}")
                progress.update()
            splits[split] = _dataset(columns)
        return DatasetDict(splits)


def _dataset(columns: Mapping[str, Sequence[Any]]) -> Dataset:
    return table(pitch_features({"snr": Value("float32")}), columns)


def render(key: tuple[int, ...], index: int) -> tuple[Melody, str]:
    """Render one sound and name its timbre; every second one is a voice."""
    number = balanced_choice(_TIMBRES, index // 2, (*key, 0))
    timbre, generator = np.random.default_rng((*key, 1, index % 2, number)), np.random.default_rng((*key, 3, index))
    is_voice = bool(index % 2)
    time = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    hz = _contour(time, *(VOICE if is_voice else (LOWEST, HIGHEST)), generator)
    loud = envelope(time, generator)
    if is_voice:
        strength = vowel(hz, FORMANTS, timbre, generator) / HARMONICS[:, None]
    else:
        slope = timbre.uniform(0.3, 2.0)
        bright = timbre.uniform(0.15, 1.0, len(HARMONICS)) / HARMONICS**slope
        bright[0] = max(bright[0], 0.3 * bright.max())
        strength = bright[:, None]
    wave = loud * harmonic_sum(hz, strength, generator.uniform(0, 2 * np.pi, len(HARMONICS)))
    wave *= 10 ** (generator.uniform(-15, -3) / 20) / np.abs(wave).max()
    if is_voice:
        wave += _breath(loud, generator) * np.abs(wave).max()
    return Melody(wave.astype(np.float32), np.where(loud > 0, hz, 0.0)), f"{'voice' if is_voice else 'tone'}{number}"


def phase_of(hz: Array) -> Array:
    """Phase of the fundamental at each sample, in radians: the integral of f0."""
    result: Array = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    return result


def harmonic_sum(hz: Array, strength: Array, start: Array) -> Array:
    """Sum the harmonics of f0 that are below 0.45 of the sample rate.

    Args:
        hz: f0 at each sample.
        strength: Of each of :data:`HARMONICS`, shape ``(harmonics, samples)`` or ``(harmonics, 1)``.
        start: Phase of each harmonic, in radians, beside the multiple of that of f0.

    Returns:
        Shape ``(samples,)``.
    """
    heard = np.where(HARMONICS[:, None] * hz < 0.45 * SAMPLE_RATE, strength, 0.0)
    result: Array = (heard * np.sin(HARMONICS[:, None] * phase_of(hz) + start[:, None])).sum(0)
    return result


def _contour(time: Array, low: float, high: float, generator: np.random.Generator) -> Array:
    """f0 in Hz: steady, a glide of up to an octave, vibrato, or notes one after another."""
    middle = np.exp(generator.uniform(np.log(low * 1.1), np.log(high / 1.1)))
    kind = generator.integers(4)
    octaves = np.zeros_like(time)
    if kind == 1:
        octaves = generator.uniform(-1, 1) * (time / time[-1] - 0.5)
    elif kind == 2:
        octaves = generator.uniform(20, 100) / 1200 * np.sin(2 * np.pi * generator.uniform(4, 7) * time)
    elif kind == 3:
        steps = generator.integers(-7, 8, 4) / 12
        octaves = steps[np.minimum((time / time[-1] * 4).astype(int), 3)]
    result: Array = np.clip(middle * 2**octaves, low, high)
    return result


def envelope(time: Array, generator: np.random.Generator) -> Array:
    """Loudness, 0 in rests, with ramps of 5 ms; a part of every other sound is a rest."""
    sounding = np.ones_like(time)
    if generator.integers(2):
        begin, length = generator.uniform(0, 0.7), generator.uniform(0.1, 0.3)
        sounding[(time >= begin) & (time < begin + length)] = 0
    ramp = np.hanning(round(0.01 * SAMPLE_RATE))
    soft: Array = np.convolve(sounding, ramp / ramp.sum(), mode="same")
    return np.where(sounding > 0, np.maximum(soft, 1e-3), 0.0)


def vowel(
    hz: Array, formants: Sequence[Sequence[int]], timbre: np.random.Generator, generator: np.random.Generator
) -> Array:
    """Strength of each harmonic: formants of one vowel, or on the way to another, in a throat of some length.

    Args:
        hz: f0 at each sample.
        formants: Three of each vowel, in Hz.
        timbre: Draws the throat.
        generator: Draws the vowels.

    Returns:
        Shape ``(harmonics, samples)``.
    """
    length = timbre.uniform(0.85, 1.25)
    widths = timbre.uniform(60, 140, 3)
    first, last = (np.array(formants[i]) * length for i in generator.integers(len(formants), size=2))
    way = np.linspace(0, 1, len(hz))
    frequencies = HARMONICS[:, None] * hz
    strength = np.full(frequencies.shape, 0.02)
    for a, b, width, share in zip(first, last, widths, (1.0, 0.5, 0.25), strict=True):
        formant = a + (b - a) * way
        strength += share / (1 + ((frequencies - formant) / width) ** 2)
    return strength


def _breath(loud: Array, generator: np.random.Generator) -> Array:
    """A fricative in some rests: noise above 3 kHz, which has no pitch."""
    noise = generator.standard_normal(len(loud))
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE) < 3000] = 0
    hiss = np.fft.irfft(spectrum, len(noise))
    return np.where(loud == 0, 0.1 * generator.uniform() * hiss, 0.0)
