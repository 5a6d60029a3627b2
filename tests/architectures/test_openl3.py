"""OpenL3: the front end against its definition, and the layers of the published Keras file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchaudio.functional import melscale_fbanks

from tests.architectures.parity import seeded, tensorflow_files
from tests.support import keras_files
from tlzoo.architectures.openl3 import OpenL3, decibels
from tlzoo.errors import InputError

RATE = 48_000


def published() -> dict[str, np.ndarray]:
    """Arrays with the layers and shapes of the published file, values always the same."""
    return seeded.arrays(tensorflow_files.openl3(), 0)


def filters(bands: int) -> np.ndarray:
    """Mel filters of HTK's scale and Slaney's norm, ``(1025, bands)``."""
    return np.asarray(melscale_fbanks(1025, 0.0, RATE / 2, bands, RATE, "slaney", "htk"))


def test_decibels_are_those_of_kapre() -> None:
    """Frame by frame, as kapre 0.1.4 defines it with ``power_melgram=1`` and Keras' padding ``same``."""
    wave = np.random.default_rng(0).normal(0, 0.1, RATE)
    found = decibels(torch.tensor(wave[None], dtype=torch.float32), 64)[0, 0]
    assert found.shape == (64, 199)
    padded = np.pad(wave, (982, 982))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    power = np.stack([np.abs(np.fft.rfft(padded[i * 242 :][:2048] * window)) ** 2 for i in range(199)])
    level = 10 * np.log10(np.maximum(np.sqrt(power @ filters(64)), 1e-10)).T
    np.testing.assert_allclose(found, np.maximum(level - level.max(), -80), atol=1e-3)


def test_silence_and_level() -> None:
    wave = torch.randn(1, RATE)
    torch.testing.assert_close(decibels(wave, 32), decibels(wave / 8, 32), atol=1e-3, rtol=0)
    assert (decibels(torch.zeros(1, RATE), 32) == 0).all()


def test_a_tone_lies_in_its_band() -> None:
    tone = torch.sin(2 * np.pi * 1000 * torch.arange(RATE) / RATE)
    middle = decibels(tone[None], 256)[0, 0, :, 20:-20]
    band = int(filters(256)[round(1000 * 2048 / RATE)].argmax())
    assert set(middle.argmax(0).tolist()) <= {band - 1, band, band + 1}


def test_windows_are_whole() -> None:
    model = OpenL3(32, 64, 0.125, hop_seconds=0.5)
    for seconds, count in ((0.0, 1), (0.4, 1), (1.0, 1), (1.4, 1), (1.5, 2), (3.0, 5)):
        assert model.encode(np.zeros(int(seconds * RATE), np.float32))["patches"].shape == (count, 1, 32, 199)
    assert (model.spec.hop_seconds, model.spec.start_seconds) == (0.5, 0.5)


@pytest.mark.parametrize(("size", "pool"), [(512, (32, 24)), (6144, (8, 8))])
def test_published_layers_and_sizes(tmp_path: Path, size: int, pool: tuple[int, int]) -> None:
    path = tmp_path / "openl3.h5.gz"
    arrays = published()
    keras_files.write(path, arrays)
    model = OpenL3(embedding_size=size)
    model.load_official({path.name: path})
    kernel = arrays["conv2d_3/kernel"]
    np.testing.assert_array_equal(model.conv2d_3.weight.detach(), kernel.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(
        model.batch_normalization_8.running_var, arrays["batch_normalization_8/moving_variance"]
    )
    assert {m.eps for m in model.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}
    wide: Any = []
    model.audio_embedding_layer.register_forward_hook(lambda _, __, output: wide.append(output))
    with torch.no_grad():
        found = model.eval().embed(torch.rand(1, 1, 256, 199) * -80)
    assert wide[0].shape == (1, 512, 32, 24) and found.shape == (1, size)
    corner = wide[0][0, :, : pool[0], : pool[1]].amax((1, 2))
    torch.testing.assert_close(found[0, :512], corner)  # channels vary fastest, as Keras flattens


def test_other_files(tmp_path: Path) -> None:
    path, arrays = tmp_path / "openl3.h5", published()
    for change, message in (
        ({"conv2d_5/bias": None}, "not OpenL3: without conv2d_5_.*/bias"),
        ({"conv2d_1/kernel": np.zeros((3, 3, 1, 8))}, r"kernel is \(8, 1, 3, 3\), expected \(64, 1, 3, 3\)"),
        ({"audio_embedding_layer/kernel": None, "audio_embedding_layer/bias": None}, "15 layers .*, expected 16"),
    ):
        keras_files.write(path, {n: a for n, a in (arrays | change).items() if a is not None})
        with pytest.raises(InputError, match=message):
            OpenL3().load_official({path.name: path})
    with pytest.raises(InputError, match="known: 512, 6144"):
        OpenL3(embedding_size=100)
