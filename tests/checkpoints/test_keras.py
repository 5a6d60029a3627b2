"""Keras' HDF5, gzipped or not, and files that are something else."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.support import keras_files
from tlzoo.checkpoints import keras
from tlzoo.errors import InputError

ARRAYS = {
    "z/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "z/bias": np.ones(3, np.float32),
    "a/gamma": np.zeros(3, np.float32),
}


@pytest.mark.parametrize("name", ["weights.h5", "weights.h5.gz"])
def test_layers_in_the_order_of_the_model(tmp_path: Path, name: str) -> None:
    keras_files.write(tmp_path / name, ARRAYS)
    (first, kernel), (second, norm) = keras.layers(tmp_path / name)
    assert (first, second) == ("z_3", "a_3") and list(kernel) == ["kernel", "bias"] and list(norm) == ["gamma"]
    np.testing.assert_array_equal(kernel["kernel"], ARRAYS["z/kernel"])


def test_a_whole_model(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "model.h5"
    keras_files.write(path, ARRAYS)
    with h5py.File(path, "a") as file:
        group = file.create_group("model_weights")
        for name in ("input_1", "z_3", "a_3"):
            file.move(name, f"model_weights/{name}")
        group.attrs["layer_names"] = [b"input_1", b"z_3", b"a_3"]
        del file.attrs["layer_names"]
    assert [name for name, _ in keras.layers(path)] == ["z_3", "a_3"]


def test_arrays_of_other_files_are_not_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret, path = tmp_path / "secret", tmp_path / "weights.h5"
    secret.write_bytes(bytes(64))
    keras_files.write(path, ARRAYS)
    with h5py.File(path, "a") as file:
        file["a_3"].create_dataset("elsewhere", (16,), "f4", external=[(str(secret), 0, 64)])
    with pytest.raises(InputError, match="a_3/elsewhere lies in another file"):
        keras.layers(path)
    keras_files.write(path, ARRAYS)
    with h5py.File(path, "a") as file:
        del file["a_3/a_3/gamma:0"]
        file["a_3/a_3/gamma:0"] = h5py.ExternalLink(str(path), "/z_3/z_3/bias:0")
    with pytest.raises(InputError, match="KeyError: 'a_3/a_3/gamma:0"):
        keras.layers(path)


def test_damaged_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "weights.h5"
    keras_files.write(path, ARRAYS)
    whole = path.read_bytes()
    bomb = gzip.compress(bytes(2 * keras.MIN_LIMIT_BYTES))
    for content, message in (
        (b"no HDF5", "damaged, or not Keras' HDF5"),
        (whole[:700], "damaged, or not Keras' HDF5"),
        (gzip.compress(whole)[:-50], "cannot be unzipped"),
        (bomb, "over 4 times its size"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            keras.layers(path)
    path.unlink()
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(InputError, match="without the attribute layer_names"):
        keras.layers(path)
