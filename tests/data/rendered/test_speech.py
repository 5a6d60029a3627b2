import hashlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart
from tlzoo.data.media.audio import decode
from tlzoo.data.rendered import espeak, speech

SMALL = (100, 30, 100)


@pytest.fixture(scope="module")
def digits() -> DatasetDict:
    return speech.spoken_digits(sizes=SMALL)


@pytest.fixture(scope="module")
def words() -> DatasetDict:
    return speech.spoken_words(sizes=(400, 100))


def keys(data: DatasetDict) -> list[str]:
    return [hashlib.sha256(sound["bytes"]).hexdigest() for rows in data.values() for sound in rows["audio"]]


def test_rows_are_speech_that_is_not_clipped(digits, words):
    assert {split: len(rows) for split, rows in digits.items()} == {"train": 100, "validation": 30, "test": 100}
    assert {split: len(rows) for split, rows in words.items()} == {"train": 400, "validation": 100}
    for rows in (*digits.values(), *words.values()):
        assert list(rows.features) == ["audio", "label", "group", "id"]
        assert rows.features["audio"].sampling_rate == espeak.SAMPLE_RATE
    assert digits["train"].features["label"].names == list(speech.DIGITS)
    assert words["train"].features["label"].names == list(speech.WORDS)
    ids = [name for data in (digits, words) for rows in data.values() for name in rows["id"]]
    assert len(set(ids)) == len(ids)
    for rows in (*digits.values(), *words.values()):
        for sound in rows["audio"]:
            samples = decode(sound, espeak.SAMPLE_RATE)
            assert 0.15 < len(samples) / espeak.SAMPLE_RATE < 2.5
            assert 0.1 < np.abs(samples).max() < 0.99
            assert np.sqrt(np.mean(samples**2)) > 0.005


def test_voices_are_dealt_out_once_and_families_stay_together(digits, words):
    parts = speech.voices()
    assert sorted(voice for part in parts.values() for voice in part) == espeak.variants()
    assert len(parts["digits/test"]) >= 20
    assert min(map(len, parts.values())) >= 5
    assert are_apart({voice.rstrip("0123456789") for voice in part} for part in parts.values())
    for split, rows in words.items():
        assert set(rows["group"]) <= set(parts[f"words/{split}"])
    for split, rows in digits.items():
        assert set(rows["group"]) <= {voice.rstrip("0123456789") for voice in parts[f"digits/{split}"]}


def test_variants_of_a_voice_are_one_unit(digits):
    """Scores on ``robosoft4`` and ``robosoft5`` say little more than on one of them."""
    speakers = set(digits["test"]["group"])
    assert {"robosoft", "RicishayMax", "adam"} <= speakers and len(speakers) == 18
    assert not any(name[-1].isdigit() for name in speakers)
    counts = Counter(digits["test"]["group"])
    assert counts["robosoft"] > 5 * counts["adam"]


def test_no_two_rows_are_equal_of_any_seed(digits, words):
    made = keys(digits) + keys(words) + keys(speech.spoken_digits(seed=1, sizes=(10, 5, 5)))
    assert len(set(made)) == len(made)


def test_every_beginning_is_balanced(digits, words):
    for rows, classes in ((digits["train"], 10), (digits["test"], 10), (words["train"], len(speech.WORDS))):
        for end in range(10, len(rows), 10):
            counts = Counter(rows["label"][:end])
            assert max(counts.values()) - min(counts[label] for label in range(classes)) <= 1
    assert digits["train"]["label"][:10] != digits["train"]["label"][10:20]  # shuffled, not in turn


def test_another_process_gives_the_same_rows():
    code = (
        "import hashlib; from tlzoo.data.rendered import speech\n"
        "for rows in speech.spoken_digits(sizes=(12, 4, 8)).values():\n"
        "    for sound in rows['audio']: print(hashlib.sha256(sound['bytes']).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == keys(speech.spoken_digits(sizes=(12, 4, 8)))


def test_no_word_sounds_like_a_digit_or_another_word():
    assert len(set(speech.WORDS)) == len(speech.WORDS)
    assert not set(speech.WORDS) & {word for words in speech.VOICE_WORDS.values() for word in words.split()}
    for accent in espeak.ACCENTS:
        said = {word: espeak.render(word, accent).tobytes() for word in (*speech.DIGITS, *speech.WORDS)}
        assert len(set(said.values())) == len(said), accent


def mean_spectra(rows) -> np.ndarray:
    """Mean log power of 64 bands of four quarters of each clip, float of shape ``(rows, 256)``."""
    features = []
    for sound in rows["audio"]:
        frames = np.lib.stride_tricks.sliding_window_view(decode(sound, 16000), 512)[::160] * np.hanning(512)
        power = np.abs(np.fft.rfft(frames)) ** 2
        bands = np.log(np.stack([band.sum(axis=1) for band in np.array_split(power[:, 3:], 64, axis=1)], axis=1) + 1e-4)
        features.append(np.concatenate([quarter.mean(axis=0) for quarter in np.array_split(bands, 4)]))
    return np.array(features)


def test_digits_can_be_learnt_but_are_not_trivial():
    discriminant_analysis = pytest.importorskip("sklearn.discriminant_analysis")
    data = speech.spoken_digits(sizes=(300, 0, 200))
    model = discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
    model.fit(mean_spectra(data["train"]), data["train"]["label"][:])
    assert 0.4 < model.score(mean_spectra(data["test"]), data["test"]["label"][:]) < 0.95


def test_voices_are_told_apart_by_words_of_their_own():
    data, source = speech.spoken_voices(sizes=(60, 20, 60)), speech.other_voices(sizes=(60, 20))
    who = data["test"].features["label"].names
    assert len(who) == 20 and set(who) <= set(speech.voices()["digits/test"])
    assert set(source["train"].features["label"].names) == set(speech.voices()["words/train"])
    assert are_apart(rows["group"][:] for rows in (*data.values(), *source.values()))
    for rows in data.values():
        assert set(Counter(rows["label"]).values()) == {len(rows) // 20}
    assert len(set(keys(data) + keys(source))) == 220
    assert are_apart([name] for rows in (*data.values(), *source.values()) for name in rows["id"])
