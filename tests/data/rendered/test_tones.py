from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, begin, share_nothing
from tlzoo.data.media.audio import decode
from tlzoo.data.rendered import pitches
from tlzoo.data.rendered.tones import FAMILIES, FORMANTS, NOTES, SAMPLE_RATE, SNRS, notes, play, tones


@pytest.fixture(scope="module")
def single() -> DatasetDict:
    return tones(sizes=(144, 36))


def test_rows_are_different_notes_as_long_and_loud_as_each_other(single: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in single.items()} == {"train": 144, "validation": 36}
    for rows in single.values():
        assert list(rows.features) == ["audio", "label", "group", "id"]
        assert rows.features["audio"].sampling_rate == SAMPLE_RATE
        assert rows.features["label"].names == list(NOTES)
        assert rows["group"][:] == rows["id"][:]
    assert (len(NOTES), NOTES[0], NOTES[33], NOTES[-1]) == (36, "C2", "A4", "B4")
    assert set(Counter(single["train"]["label"]).values()) == {4}
    assert len(set(single["train"]["label"][:36])) == 36
    for rows in single.values():
        for sound in rows["audio"]:
            samples = decode(sound, SAMPLE_RATE)
            assert samples.shape == (4800,)
            assert 0.1 < np.abs(samples).max() < 0.99
    sounds = [
        sound["bytes"] for rows in (*single.values(), *tones(seed=1, sizes=(20, 5)).values()) for sound in rows["audio"]
    ]
    assert len(set(sounds)) == len(sounds)


def test_the_pitch_is_that_of_the_class(single: DatasetDict) -> None:
    """The period, by autocorrelation, is within 50 cents of the note; octaves aside, for noise can hide every other."""
    near = []
    for sound, label in zip(single["train"]["audio"], single["train"]["label"], strict=True):
        power = np.abs(np.fft.rfft(decode(sound, SAMPLE_RATE), 1 << 15)) ** 2
        correlation = np.fft.irfft(power)
        expected = SAMPLE_RATE / (440 * 2 ** ((36 + label - 69) / 12))
        lags = np.arange(int(expected / 2 ** (4 / 12)), int(expected * 2 ** (4 / 12)) + 2)
        best = lags[np.argmax(correlation[lags])]
        before, here, after = correlation[best - 1 : best + 2]
        exact = best + 0.5 * (before - after) / (before - 2 * here + after)
        near.append(abs(1200 * np.log2(exact / expected)) < 50)
    assert np.mean(near) > 0.95


@pytest.fixture(scope="module")
def melodies() -> DatasetDict:
    return notes(sizes=(56, 16))


def test_melodies_take_turns_in_timbre_and_noise_and_begin_those_of_more(melodies: DatasetDict) -> None:
    rows = melodies["train"]
    assert rows["snr"][:7] == [np.inf, *SNRS]
    families = [group.split("/")[1].rstrip("0123456789") for group in rows["group"]]
    assert Counter(families) == dict.fromkeys(FAMILIES, 7)
    assert len(set(zip(families, rows["snr"], strict=True))) == 56, "each family with each noise"
    for row in rows:
        samples = decode(row["audio"], SAMPLE_RATE)
        hz = np.array(row["f0"]["hz"])
        assert samples.shape == (SAMPLE_RATE,) and 0.05 < np.abs(samples).max() < 1
        assert hz.shape == (100,) and hz.max() > 0 and ((hz == 0) | ((hz >= 65) & (hz <= 1000))).all()
    assert begin(notes(sizes=(9, 3)), melodies)
    assert notes(seed=1, sizes=(2, 1))["train"]["audio"][:] != rows["audio"][:2]


def test_melodies_share_neither_timbre_nor_vowel_nor_sound_with_what_is_tested(melodies: DatasetDict) -> None:
    targets = [pitches.pitches(sizes=(8, 4, 8)), pitches.noisy_pitches(sizes=(10, 5, 10))]
    parts = [rows for data in (melodies, *targets) for rows in data.values()]
    assert are_apart([sound["bytes"] for sound in rows["audio"]] for rows in parts)
    assert share_nothing(melodies)
    names = {group.split("/")[1] for data in targets for rows in data.values() for group in rows["group"]}
    assert not names & {group.split("/")[1] for rows in melodies.values() for group in rows["group"]}
    assert not set(FORMANTS) & set(pitches.FORMANTS)


def beat(samples: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Instantaneous frequency of the fundamental over f0: its phase in a band around f0, of four periods."""
    shifted = samples * np.exp(-1j * pitches.phase_of(hz))
    width = round(4 * SAMPLE_RATE / hz.min())
    slow = np.convolve(shifted, np.hanning(width) / width, mode="valid")
    drift = np.diff(np.unwrap(np.angle(slow))) * SAMPLE_RATE / (2 * np.pi)
    return np.asarray(1 + drift / hz[width // 2 :][: len(drift)])


@pytest.mark.parametrize("index", range(2 * len(FAMILIES)))
def test_the_phase_of_a_clean_melody_moves_as_f0_says(index: int) -> None:
    melody, timbre = play((0, len(SNRS), 0), index)
    edges = np.flatnonzero(np.diff((melody.hz > 0).astype(int), prepend=0, append=0)).reshape(-1, 2)
    begins, ends = max(edges, key=lambda pair: pair[1] - pair[0])
    samples, hz = melody.samples[begins:ends].astype(float), melody.hz[begins:ends]
    assert np.abs(np.median(beat(samples, hz)) - 1) < 1e-3, timbre
    assert np.quantile(np.abs(beat(samples, hz) - 1), 0.8) < 1e-2, timbre
    assert np.abs(np.median(beat(samples, hz * 1.003)) - 1) > 2e-3, "the test tells a twentieth of a semitone"
