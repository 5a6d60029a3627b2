"""Sounds of any length become what the networks' own ``encode`` makes of them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.architectures.crepe import CREPE
from tlzoo.architectures.openl3 import OpenL3
from tlzoo.architectures.trill import TRILL, TRILLsson
from tlzoo.architectures.wav2vec import Wav2Vec, at_least
from tlzoo.architectures.yamnet import YAMNet
from tlzoo.export.sound import Decibels, Frames, MirroredPatches, Patches, Samples

LENGTHS = (1, 399, 15_599, 15_600, 15_601, 23_280, 33_120, 48_000, 60_001)
FRONTS: dict[str, Callable[[], tuple[nn.Module, nn.Module]]] = {
    "yamnet": lambda: (YAMNet(width=0.1, classes=0), Patches()),
    "trill": lambda: (TRILL((1, 1, 1, 1), 0.1, 16), Patches()),
    "trillsson": lambda: (network := TRILLsson(frames=96, mel_bands=32, embedding_size=8), MirroredPatches(network)),
    "openl3": lambda: (network := OpenL3(32, 512, 0.1), Decibels(network)),
    "crepe": lambda: (network := CREPE("nano", 0.07), Frames(network)),
    "wav2vec": lambda: (network := Wav2Vec(8, (10, 8, 4), (5, 4, 2), (2,)), Samples(network.least, False)),
}


@pytest.mark.parametrize("name", FRONTS)
def test_samples_become_what_the_network_makes_of_them(name: str) -> None:
    network, front = FRONTS[name]()
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        sound = np.float32(0.1 * rng.standard_normal(length) * np.linspace(0, 1, length))
        (expected,) = network.encode(sound).values()  # type: ignore[operator]
        actual = front(torch.from_numpy(sound))
        assert torch.allclose(actual if name != "wav2vec" else actual[0], expected, atol=2e-5), length


@pytest.mark.parametrize("length", [3, 400, 5000])
def test_samples_are_levelled_as_wav2vec_2_levels_them(length: int) -> None:
    sound = np.float32(0.2 + 0.01 * np.random.default_rng(0).standard_normal(length))
    expected = at_least((sound - sound.mean()) / np.sqrt(sound.var() + 1e-7), 400)
    assert torch.allclose(Samples(400, True)(torch.from_numpy(sound))[0], expected, atol=1e-5)


def test_silence_is_no_division_by_zero() -> None:
    for network, front in (FRONTS["openl3"](), FRONTS["crepe"]()):
        (expected,) = network.encode(np.zeros(50_000, np.float32)).values()  # type: ignore[operator]
        assert torch.equal(front(torch.zeros(50_000)), expected)
