"""Checkpoints of others, read without running what they say."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.errors import InputError
from tlzoo.pickles import load_arrays, restricted_load, state_dict

ARRAYS: dict[str, Any] = {
    "weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "turned": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
    "half": np.ones((2,), dtype=np.float16),
    "number": np.array(3.0),
    "none": np.zeros((0, 4), dtype=np.uint8),
    "big-endian": np.arange(4, dtype=">f8"),
    "yes": np.array([True, False]),
}


def write(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("below", [True, False])
def test_arrays_are_read_as_they_were(tmp_path: Path, protocol: int, below: bool) -> None:
    value = {"model": ARRAYS, "__author__": "somebody"} if below else ARRAYS
    found = load_arrays(write(tmp_path / "model.pkl", value, protocol))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape and found[name].dtype == array.dtype.newbyteorder("=")
    found["weight"][0, 0] = 1  # may be written to


class Runs:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"model": {"weight": Runs()}}, "it names posix.system"),
        ({"weight": np.array([object()], dtype=object)}, "an array of type 'O8'"),
        ({"weight": "text"}, "expected arrays by name, found a dict of weight"),
        ([1, 2], "found list"),
        ({}, "found a dict of"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, value: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_arrays(write(tmp_path / "model.pkl", value))


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
def test_a_damaged_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path / "model.pkl", ARRAYS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"model\.pkl: damaged"):
        load_arrays(path)


def test_tensors_of_torchscript_are_read_by_name(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
            self.last = nn.Linear(2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x).mean((2, 3)))

    network = Twice().eval()
    torch.jit.trace(network, torch.zeros(1, 1, 5, 5)).save(str(tmp_path / "weights.pt"))
    found = state_dict(restricted_load(tmp_path / "weights.pt"))
    wanted = {k: v for k, v in network.state_dict().items() if k in found}
    assert set(network.state_dict()) - set(found) <= {"first.1.num_batches_tracked"}
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor)
