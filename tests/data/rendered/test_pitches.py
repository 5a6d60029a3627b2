import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.media.audio import decode
from tlzoo.data.rendered.pitches import SAMPLE_RATE, noisy_pitches, pitches, render

SIZES = (12, 4, 8)


@pytest.fixture(scope="module")
def clean() -> DatasetDict:
    return pitches(sizes=SIZES)


def test_shape_and_splits_apart_by_timbre(clean: DatasetDict) -> None:
    assert [len(clean[s]) for s in ("train", "validation", "test")] == list(SIZES)
    groups = [set(rows["group"]) for rows in clean.values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2]
    for rows in clean.values():
        for row in rows:
            samples = decode(row["audio"], SAMPLE_RATE)
            assert samples.shape == (SAMPLE_RATE,) and 0.05 < np.abs(samples).max() < 1
            assert len(row["f0"]["hz"]) == len(row["f0"]["time"]) == 100
            sounding = np.array(row["f0"]["hz"])
            assert ((sounding == 0) | ((sounding >= 65) & (sounding <= 1000))).all() and sounding.max() > 0


@pytest.mark.parametrize("index", [0, 1, 6, 7])
def test_the_period_is_that_of_f0(index: int) -> None:
    melody, _ = render((0, 0, 0), index)
    steady = np.flatnonzero(melody.hz > 0)
    at = steady[len(steady) // 2]
    period = SAMPLE_RATE / melody.hz[at]
    width = int(4 * period)
    here = melody.samples[at - width // 2 : at + width // 2].astype(float)
    lags = np.arange(int(period * 0.6), int(period * 1.4) + 2)
    alike = [np.corrcoef(here[:-lag], here[lag:])[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(alike))] - period) <= max(1.5, 0.03 * period)


def test_noise_is_as_loud_as_it_is_said() -> None:
    rows = noisy_pitches(sizes=(1, 1, 10))["test"]
    assert rows["snr"][:5] == [np.inf, 20, 10, 0, -10]
    quiet, loud = (decode(rows[i]["audio"], SAMPLE_RATE) for i in (0, 4))
    flat = [np.exp(np.mean(np.log(p))) / np.mean(p) for p in (np.abs(np.fft.rfft(s)) + 1e-9 for s in (quiet, loud))]
    assert flat[1] > 3 * flat[0], "the spectrum of noise is flat"
