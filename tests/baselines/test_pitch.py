"""YIN on tones whose pitch is known."""

import numpy as np
import pytest

from tlzoo.baselines.pitch import yin

RATE = 16_000


@pytest.mark.parametrize("hertz", [61.0, 110.0, 220.5, 441.7, 987.0])
def test_the_pitch_of_a_tone(hertz: float) -> None:
    time = np.arange(RATE // 2) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in (1, 2, 3))
    hz, aperiodic = yin(tone, RATE, 50, 1200, 0.1)
    inside = slice(8, -8)  # the ends are half silence
    assert len(hz) == 51
    assert np.abs(1200 * np.log2(hz[inside] / hertz)).max() < 12, "cents"
    assert aperiodic[inside].max() < 0.05


def test_noise_and_silence_do_not_repeat() -> None:
    noise = np.random.default_rng(0).normal(size=RATE)
    assert np.median(yin(noise, RATE, 50, 1000, 0.1)[1]) > 0.5
    hz, aperiodic = yin(np.zeros(RATE), RATE, 50, 1000, 0.1)
    assert np.isfinite(hz).all() and (aperiodic == 1).all()
