"""Rendered speech: spoken digits to classify, and spoken words to pretrain on.

A row is a pure function of seed, split and index, so that a smaller data set is the beginning of a larger one. Classes
are balanced in every beginning of a split, to within one row. The two data sets share no word and no voice, nor do
their splits: :func:`voices` assigns the voices.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from scipy.signal import oaconvolve
from tqdm import tqdm

from tlzoo.data.media.audio import Clip, add_noise, labelled_clips
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.rendered import espeak

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

WORDS = tuple(
    """
    again animal apple baby banana bed before bird book bottle bread bridge brother butter cat chair children city
    cloud coffee country dance doctor dog door dream family father finger fish flower forest friend garden girl
    glass green hand happy heart house island kitchen letter light little market money monkey moon morning mother
    mountain music orange paper people picture queen rabbit river school ship silver sister sleep snow spring summer
    table tree water window winter yellow above across afternoon airport album alphabet answer apartment arrow
    artist autumn bakery balance balcony ball bamboo barrel basket beach bell berry bicycle biscuit black blue boat
    body bone border box boy branch brick bright brown brush bucket building business button cabin cake camera candy
    captain carpet carrot ceiling cello century chapter cheese cherry chicken chimney church cinema circle class
    clean clock cloth coat coin cold colour concert cook corner cotton cousin cow cream crowd cup
    """.split()  # noqa: SIM905
)
"""150 common words; none is a digit, sounds like one, or sounds like another of them."""

PARTS = {"words/train": 30, "words/validation": 10, "digits/train": 22, "digits/validation": 10, "digits/test": 28}
"""Shares of the voices, per cent, in the order in which :func:`voices` assigns them."""

STEP = round(0.2 * espeak.SAMPLE_RATE)
"""Samples. Sounds last a multiple of it, so that many have one length and networks that never pad can batch them."""


OFF_SPEED = 1.2
"""Maximum factor by which speech from far is faster or slower."""
SNR, FAR_SNR = (15, 40), (0, 15)
"""Power of speech over noise, dB, from near and from far."""


def speaker(voice: str) -> str:
    """Name the speaker of a voice: voices whose names differ by a number only (``m1``, ``m2``) are variants of one."""
    return voice.rstrip("0123456789")


def voices() -> dict[str, list[str]]:
    """Assign voices to splits.

    Speakers (see :func:`speaker`), in the order of the SHA-256 of their names, are cut by the shares of :data:`PARTS`.

    Returns:
        Sorted variants of :mod:`tlzoo.data.rendered.espeak` for each ``<data set>/<split>``; none is in two of them.
    """
    speakers: dict[str, list[str]] = {}
    for variant in espeak.variants():
        speakers.setdefault(speaker(variant), []).append(variant)
    order = sorted(speakers, key=lambda name: hashlib.sha256(name.encode()).digest())
    ends = np.cumsum(list(PARTS.values())) * len(order) // 100
    parts = zip(PARTS, np.split(np.array(order), ends[:-1]), strict=True)
    return {part: sorted(variant for name in chosen for variant in speakers[name]) for part, chosen in parts}


def spoken_digits(seed: int = 0, sizes: tuple[int, int, int] = (800, 200, 1000)) -> DatasetDict:
    """Render the digits, one a clip, heard from far in a room, to be recognised in voices that are not in training.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        Splits ``train``, ``validation`` and ``test`` with the columns of :func:`tlzoo.data.media.audio.labelled_clips`,
        at 22,050 Hz; ``group`` is the :func:`speaker`.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    parts = dict(zip(("train", "validation", "test"), sizes, strict=True))
    return _render("digits", DIGITS, parts, seed, speaker)


def spoken_words(seed: int = 0, sizes: tuple[int, int] = (12_000, 400)) -> DatasetDict:
    """Render common words, one a clip, to pretrain nano models of speech for the digits.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, as of :func:`spoken_digits`, but ``group`` is the voice.

    Raises:
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    return _render("words", WORDS, dict(zip(("train", "validation"), sizes, strict=True)), seed, str)


VOICE_WORDS = {
    "train": "monday journey purple thunder velvet copper whisper lantern harbour meadow pepper ribbon saddle timber",
    "validation": "castle feather ginger hammer jungle",
    "test": "anchor blanket candle dolphin engine falcon goblin helmet insect jacket kettle lemon marble napkin",
}
"""Words that the voices to classify speak; no split shares words with another, nor with :data:`WORDS`."""


def spoken_voices(seed: int = 0, sizes: tuple[int, int, int] = (400, 100, 400)) -> DatasetDict:
    """Render words in twenty voices, to be classified by voice whatever the word, accent and pitch.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train, validation and test.

    Returns:
        As of :func:`spoken_digits`, but a class is a voice, and ``group`` the word: all voices are in all splits, and
        no word is in two. No voice of :func:`spoken_words` is among them.
    """
    who = voices()["digits/test"][:20]
    with tqdm(total=sum(sizes), desc="spoken voices", unit="clip", disable=None) as progress:
        return DatasetDict(
            {
                split: labelled_clips(
                    _voice_clips(f"spoken-voices/{split}", VOICE_WORDS[split].split(), who, size, seed, progress),
                    who,
                    espeak.SAMPLE_RATE,
                    split,
                )
                for (split, size) in zip(VOICE_WORDS, sizes, strict=True)
            }
        )


def other_voices(seed: int = 0, sizes: tuple[int, int] = (1600, 200)) -> DatasetDict:
    """Render words in the voices of :func:`spoken_words`, to pretrain models that classify voices.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation`` as of :func:`spoken_voices`, with which they share no voice and no word.
    """
    who, half = voices()["words/train"], 2 * len(WORDS) // 3
    words = {"train": WORDS[:half], "validation": WORDS[half:]}
    with tqdm(total=sum(sizes), desc="other voices", unit="clip", disable=None) as progress:
        return DatasetDict(
            {
                split: labelled_clips(
                    _voice_clips(f"other-voices/{split}", words[split], who, size, seed, progress),
                    who,
                    espeak.SAMPLE_RATE,
                    split,
                )
                for (split, size) in zip(words, sizes, strict=True)
            }
        )


def _voice_clips(
    part: str, words: Sequence[str], who: Sequence[str], size: int, seed: int, progress: tqdm[Any]
) -> Iterator[Clip]:
    key = (seed, zlib.crc32(part.encode()))
    for index in range(size):
        label = balanced_choice(len(who), index, (*key, 0))
        generator = np.random.default_rng((*key, 1, index))
        word = str(generator.choice(words))
        yield Clip(speak(word, who[label], generator), label, word, f"{part}/{seed}/{index:04}")
        progress.update()


def _render(
    name: str, words: Sequence[str], sizes: dict[str, int], seed: int, unit: Callable[[str], str]
) -> DatasetDict:
    """Render words in voices, of which ``unit`` gives the group."""
    who = voices()
    with tqdm(total=sum(sizes.values()), desc=f"spoken {name}", unit="clip", disable=None) as progress:
        return DatasetDict(
            {
                split: labelled_clips(
                    _clips(f"{name}/{split}", words, who[f"{name}/{split}"], size, seed, unit, progress),
                    words,
                    espeak.SAMPLE_RATE,
                    split,
                )
                for split, size in sizes.items()
            }
        )


def _clips(
    part: str,
    words: Sequence[str],
    who: Sequence[str],
    size: int,
    seed: int,
    unit: Callable[[str], str],
    progress: tqdm[Any],
) -> Iterator[Clip]:
    for index in range(size):
        label = balanced_choice(len(words), index, (seed, zlib.crc32(part.encode()), 0))
        voice = who[balanced_choice(len(who), index, (seed, zlib.crc32(part.encode()), 1))]
        generator = np.random.default_rng((seed, zlib.crc32(part.encode()), 2, index))
        sound = speak(words[label], voice, generator, far=True)
        yield Clip(sound, label, unit(voice), f"spoken-{part}/{seed}/{index:04}")
        progress.update()


def speak(
    words: str,
    variant: str,
    generator: np.random.Generator,
    speeds: tuple[int, int] = (110, 231),
    far: bool = False,
) -> NDArray[np.float32]:
    """Speak with a random accent, speed and pitch, at a random loudness and in noise.

    Args:
        words: The text.
        variant: One of :func:`tlzoo.data.rendered.espeak.variants`.
        generator: Draws accent, speed, pitch, loudness, the silence around, and the noise.
        speeds: Range of words a minute, the end excluded.
        far: Whether it is heard from far away in a room, off speed: played faster or slower, formants and all, by up to
            :data:`OFF_SPEED`, with an echo (:func:`echoing`), and in more noise.

    Returns:
        Samples at 22,050 Hz, float32 of shape ``(samples,)``; a multiple of :data:`STEP`, by silence after the words.
    """
    spoken = espeak.render(
        words,
        f"{generator.choice(list(espeak.ACCENTS))}+{variant}",
        speed=int(generator.integers(*speeds)),
        pitch=int(generator.integers(25, 76)),
        intonation=int(generator.integers(25, 76)),
        volume=50,  # at 100 the loudest variants run into eSpeak's limiter
    )
    audible = np.flatnonzero(np.abs(spoken) > 0.01 * np.abs(spoken).max())
    spoken = spoken[audible[0] : audible[-1] + 1]
    if far:
        length = round(len(spoken) * OFF_SPEED ** generator.uniform(-1, 1))
        places = np.linspace(0, len(spoken) - 1, length)
        spoken = np.interp(places, np.arange(len(spoken)), spoken).astype(np.float32)
    before, after = (generator.uniform(0.02, 0.25, 2) * espeak.SAMPLE_RATE).astype(int)
    after += -(before + len(spoken) + after) % STEP
    peak = 10 ** (generator.uniform(-18, -3) / 20)
    clip = np.pad(spoken * (peak / np.abs(spoken).max()), (before, after))
    if far:
        clip = echoing(clip, generator.uniform(0.2, 0.7), generator.uniform(-3, 6), generator)
        clip *= peak / np.abs(clip).max()
    snr = generator.uniform(*(FAR_SNR if far else SNR))
    noisy = add_noise(clip, snr, generator, pink=bool(generator.integers(2)))
    return noisy * np.float32(min(1, 0.95 / np.abs(noisy).max()))


def echoing(
    samples: NDArray[np.floating[Any]], seconds: float, direct: float, generator: np.random.Generator
) -> NDArray[np.floating[Any]]:
    """Sound in a room: itself, and noise-like reflections that die away exponentially (Polack 1988).

    Args:
        samples: At :data:`tlzoo.data.rendered.espeak.SAMPLE_RATE`, ``(samples,)``.
        seconds: Time in which the reflections fall by 60 dB.
        direct: Energy of what comes directly over that of the reflections, dB.
        generator: Draws the reflections.

    Returns:
        ``(samples,)``; the echo is cut off where the sound ends.
    """
    time = np.arange(round(seconds * espeak.SAMPLE_RATE)) / espeak.SAMPLE_RATE
    reflections = generator.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    reflections *= 10 ** (-direct / 20) / np.sqrt(np.square(reflections).sum())
    reflections[0] = 1
    echo: NDArray[np.floating[Any]] = oaconvolve(samples, reflections)[: len(samples)]
    return echo
