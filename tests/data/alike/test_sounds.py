from collections.abc import Callable

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from tlzoo.data.alike.sounds import RADIUS, RATE, describe, is_same

Samples = NDArray[np.float32]


def voiced(seed: int, seconds: float = 0.6) -> Samples:
    """Harmonics that glide, with some noise: like a vowel."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = np.cumsum(rng.uniform(90, 220) * (1 + rng.uniform(-0.3, 0.3) * time / seconds)) / RATE
    tones = sum(rng.uniform(0.1, 1) * np.sin(2 * np.pi * k * pitch + rng.uniform(0, 6)) for k in range(1, 14))
    return np.float32(0.05 * (tones + 0.05 * rng.normal(size=len(time))))


@pytest.mark.parametrize(
    "change",
    [
        lambda sound: 0.5 * sound,
        lambda sound: sound[RATE // 50 :],
        lambda sound: np.concatenate([np.zeros(RATE // 50, np.float32), sound]),
        lambda sound: soxr.resample(soxr.resample(sound, RATE, 7350), 7350, RATE),
        lambda sound: np.float32(np.round(sound * 2048) / 2048),
    ],
    ids=["softer", "cut", "late", "rate", "coarse"],
)
def test_a_sound_saved_again_is_the_same(change: Callable[[Samples], Samples]) -> None:
    for seed in range(10):
        sound, other = voiced(seed), change(voiced(seed))
        one, two = describe(sound), describe(other)
        assert is_same(sound, other) and one is not None and two is not None
        assert np.linalg.norm(one - two) <= RADIUS


def test_similar_sounds_are_others() -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        sound = voiced(seed)
        faster = soxr.resample(sound, RATE, 7800)
        assert not is_same(sound, voiced(seed + 100)) and not is_same(sound, faster)
        assert not is_same(sound, np.concatenate([sound, sound])), "lengths differ"
    time = np.arange(RATE // 2) / RATE
    tones = [np.float32(0.5 * np.sin(2 * np.pi * 440 * time) + rng.normal(0, 0.01, len(time))) for _ in range(2)]
    assert not is_same(*tones), "takes of one tone"


def test_what_tells_too_little_has_no_descriptor() -> None:
    time = np.arange(RATE // 2) / RATE
    assert describe(np.zeros(RATE, np.float32)) is None
    assert describe(voiced(0)[:100]) is None
    assert describe(np.float32(0.5 * np.sin(2 * np.pi * 440 * time))) is None
