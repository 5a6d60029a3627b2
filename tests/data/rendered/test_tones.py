from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.media.audio import decode
from tlzoo.data.rendered.tones import NOTES, SAMPLE_RATE, tones


@pytest.fixture(scope="module")
def notes() -> DatasetDict:
    return tones(sizes=(144, 36))


def test_rows_are_different_notes_as_long_and_loud_as_each_other(notes):
    assert {split: len(rows) for split, rows in notes.items()} == {"train": 144, "validation": 36}
    for rows in notes.values():
        assert list(rows.features) == ["audio", "label", "group", "id"]
        assert rows.features["audio"].sampling_rate == SAMPLE_RATE
        assert rows.features["label"].names == list(NOTES)
        assert rows["group"][:] == rows["id"][:]
    assert (len(NOTES), NOTES[0], NOTES[33], NOTES[-1]) == (36, "C2", "A4", "B4")
    assert set(Counter(notes["train"]["label"]).values()) == {4}
    assert len(set(notes["train"]["label"][:36])) == 36
    for rows in notes.values():
        for sound in rows["audio"]:
            samples = decode(sound, SAMPLE_RATE)
            assert samples.shape == (4800,)
            assert 0.1 < np.abs(samples).max() < 0.99
    sounds = [
        sound["bytes"] for rows in (*notes.values(), *tones(seed=1, sizes=(20, 5)).values()) for sound in rows["audio"]
    ]
    assert len(set(sounds)) == len(sounds)


def test_the_pitch_is_that_of_the_class(notes):
    """The period, by autocorrelation, is within 50 cents of the note; octaves aside, for noise can hide every other."""
    near = []
    for sound, label in zip(notes["train"]["audio"], notes["train"]["label"], strict=True):
        power = np.abs(np.fft.rfft(decode(sound, SAMPLE_RATE), 1 << 15)) ** 2
        correlation = np.fft.irfft(power)
        expected = SAMPLE_RATE / (440 * 2 ** ((36 + label - 69) / 12))
        lags = np.arange(int(expected / 2 ** (4 / 12)), int(expected * 2 ** (4 / 12)) + 2)
        best = lags[np.argmax(correlation[lags])]
        before, here, after = correlation[best - 1 : best + 2]
        exact = best + 0.5 * (before - after) / (before - 2 * here + after)
        near.append(abs(1200 * np.log2(exact / expected)) < 50)
    assert np.mean(near) > 0.95
