"""wav2vec: its sums, its times, and fairseq's checkpoint by names."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tlzoo.architectures.wav2vec import RESIDUAL_SCALE, Wav2Vec, receptive_field
from tlzoo.errors import InputError

KERNELS, STRIDES = [10, 8, 4, 4, 4, 1, 1], [5, 4, 2, 2, 2, 1, 1]


def network(channels: int = 8, context: tuple[int, ...] = (2, 3)) -> Wav2Vec:
    torch.manual_seed(0)
    return Wav2Vec(channels, KERNELS, STRIDES, context).eval()


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def published(channels: int, context: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """A state dict as fairseq's ``Wav2VecModel`` names it (``fairseq/models/wav2vec/wav2vec.py``)."""
    torch.manual_seed(1)
    found = {}
    for i, kernel in enumerate(KERNELS):
        found[f"feature_extractor.conv_layers.{i}.0.weight"] = torch.randn(channels, channels if i else 1, kernel)
        found[f"feature_extractor.conv_layers.{i}.2.weight"] = torch.rand(channels)
        found[f"feature_extractor.conv_layers.{i}.2.bias"] = torch.randn(channels)
    for i, kernel in enumerate(context):
        found[f"feature_aggregator.conv_layers.{i}.1.weight"] = torch.randn(channels, channels, kernel)
        found[f"feature_aggregator.conv_layers.{i}.1.bias"] = torch.randn(channels)
        found[f"feature_aggregator.conv_layers.{i}.3.weight"] = torch.rand(channels)
        found[f"feature_aggregator.conv_layers.{i}.3.bias"] = torch.randn(channels)
    found["wav2vec_predictions.project_to_steps.weight"] = torch.randn(channels, channels, 1, 12)
    found["wav2vec_predictions.project_to_steps.bias"] = torch.randn(channels)
    return found


def by_hand(weights: dict[str, torch.Tensor], samples: torch.Tensor, context: tuple[int, ...]) -> torch.Tensor:
    """The same network in plain functions: the sums of fairseq's ``forward``, one sound."""
    x = samples[None, None]
    for i, stride in enumerate(STRIDES):
        name = f"feature_extractor.conv_layers.{i}"
        x = F.conv1d(x, weights[f"{name}.0.weight"], stride=stride)
        x = (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()
        x = (x * weights[f"{name}.2.weight"][:, None] + weights[f"{name}.2.bias"][:, None]).relu()
    x = (x.abs() + 1).log()
    for i, kernel in enumerate(context):
        name = f"feature_aggregator.conv_layers.{i}"
        y = torch.cat([x[..., :1].expand(-1, -1, kernel - 1), x], -1)
        y = F.conv1d(y, weights[f"{name}.1.weight"], weights[f"{name}.1.bias"])
        y = (y - y.mean()) / (y.var(correction=0) + 1e-5).sqrt()
        y = (y * weights[f"{name}.3.weight"][:, None] + weights[f"{name}.3.bias"][:, None]).relu()
        x = (x + y) * 0.5**0.5
    return x[0].T


@pytest.mark.parametrize("rewritten", [False, True], ids=["fairseq", "s3prl"])
@pytest.mark.parametrize("zipped", [False, True], ids=["2019", "zip"])
def test_a_published_checkpoint_gives_the_published_sums(tmp_path: Path, rewritten: bool, zipped: bool) -> None:
    weights = published(8, (2, 3))
    config = {"task_cfg": {"sample_rate": 16_000}, "model_cfg": {"aggregator": "cnn"}}
    held = (
        config | {"model_weight": weights}
        if rewritten
        else {"args": argparse.Namespace(arch="wav2vec"), "model": weights}
    )
    path = tmp_path / "wav2vec_large.pt"
    torch.save(held, path, _use_new_zipfile_serialization=zipped)
    model = network()
    model.load_official({path.name: path})
    example = model.encode(sound(3000))
    with torch.inference_mode():
        found = model({"samples": example["samples"], "samples_lengths": torch.tensor([3000])})["tokens"]
    torch.testing.assert_close(found, by_hand(weights, example["samples"], (2, 3)), rtol=1e-3, atol=1e-4)


def test_another_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "wav2vec_large.pt"
    torch.save({"model": published(8, (2, 3, 4))}, path)
    with pytest.raises(InputError, match=r"unknown feature_aggregator\.conv_layers\.2") as error:
        network().load_official({path.name: path})
    assert "\n" not in str(error.value)
    torch.save({"optimizer": 1}, path)
    with pytest.raises(InputError, match="expected 'model' or 'model_weight'"):
        network().load_official({path.name: path})
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        network().load_official({path.name: path})


def test_times_are_those_of_the_convolutions() -> None:
    assert receptive_field(KERNELS, STRIDES) == (160, 465)
    model = network()
    assert model.spec.hop_seconds == 0.01 and model.spec.start_seconds == pytest.approx(232 / 16_000)
    assert len(model.encode(sound(10))["samples"]) == 465
    example = torch.zeros(16_000)
    example[8000] = 1.0
    with torch.inference_mode():
        loud = model.feature_extractor(example[None])[0]
    at = (loud - loud[:, :1]).abs().sum(0).argmax() * model.spec.hop_seconds + model.spec.start_seconds
    assert at == pytest.approx(0.5, abs=0.015)


def test_context_looks_back_only() -> None:
    context = network().feature_aggregator.conv_layers[1]
    x = torch.randn(1, 8, 20)
    y = x.clone()
    y[..., 10:] += 1
    for layer in context[:2]:  # the norms see the whole sound
        x, y = layer(x), layer(y)
    torch.testing.assert_close(x[..., :10], y[..., :10])
    assert pytest.approx(0.7071, abs=1e-4) == RESIDUAL_SCALE
