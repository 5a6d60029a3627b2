"""Files of weights that are damaged, or ask for more than they hold: each is refused in one line."""

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.support import keras_files, samples, tflite_files
from tests.support.prepared import refused
from tlzoo.checkpoints import damage, keras, tfjs, tflite
from tlzoo.checkpoints.pickles import load_arrays, load_torch
from tlzoo.errors import InputError


def test_any_exception_becomes_a_line_but_a_lack_of_memory_stays(tmp_path: Path) -> None:
    with refused(r"a.bin: damaged, or not a cake \(KeyError: 'x'\)"), damage.refused("a.bin", "a cake"):
        {}["x"]
    with refused("a.bin: cannot be read: No such file"), damage.refused("a.bin", "a cake"):
        (tmp_path / "none").read_bytes()
    with refused("^mine$"), damage.refused("a.bin", "a cake"):
        raise InputError("mine")
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        with pytest.raises(type(error)), damage.refused("a.bin", "a cake"):
            raise error


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_place_in_the_memory_of_a_pickle_is_no_reason_to_allocate_it(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({}, protocol)[:-1] + b"r" + struct.pack("<I", 2**31) + b".")
    with refused("more than 500,000 instructions"):
        load_arrays(path)


@pytest.mark.parametrize(
    "content", [b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.", b"\x80\x04\x95" + b"\xff" * 8, b""]
)
def test_bytes_that_a_pickle_does_not_have_are_not_allocated(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    for read in (load_arrays, load_torch):
        with refused("a.pkl: "):
            read(path)


def test_tensorflow_lite(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    kernel = np.zeros((64, 3, 3, 64), np.float32)
    tflite_files.write(path, [(tflite_files.CONV, kernel, np.zeros(64))])
    assert len(list(tflite.layers(path))) == 1
    content = path.read_bytes()
    for place in (0, 4):
        path.write_bytes(content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :])
        with refused("a.tflite: "):
            list(tflite.layers(path))
    path.write_bytes(content)
    layer = next(tflite.layers(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "_layers", lambda path: iter([layer] * 200))  # as operators may share a kernel
        with refused("holds more than [0-9,]+ bytes, over 4 times its size"):
            list(tflite.layers(path))


def test_hdf5_whose_arrays_are_not_in_it(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    keras_files.write(path, {"conv/kernel": np.zeros(3)})
    with h5py.File(path, "a") as file:
        file.create_dataset("huge", shape=(10**12,), dtype="f4", chunks=(1000,))
    assert path.stat().st_size < 50_000
    with refused("holds more than 16,000,000 bytes"):
        keras.layers(path)


def test_tensorflow_js(tmp_path: Path) -> None:
    samples.weights(tmp_path)
    folder = tmp_path / "tfjs"
    files = {path.name: path for path in folder.iterdir()}
    model = json.loads(files["model.json"].read_text())
    assert len(tfjs.layers(files)) == 1
    manifest = model["weightsManifest"][0]
    changes = (
        ({"paths": manifest["paths"] * 1000}, "lists a shard twice"),
        ({"weights": [{"name": "k", "shape": None, "dtype": "float32"}]}, r"graph model \(TypeError"),
        ({"weights": 3}, r"graph model \(TypeError"),
        ({"paths": ["x" * 10_000]}, "lists the shards"),
    )
    for change, message in changes:
        files["model.json"].write_text(json.dumps(model | {"weightsManifest": [manifest | change]}))
        with refused(message):
            tfjs.weights(files)
    for topology in ({}, {"node": [{"op": "Conv2D"}]}, {"node": [{"op": "Conv2D", "input": ["x", "none"]}]}):
        files["model.json"].write_text(json.dumps(model | {"modelTopology": topology}))
        with refused("graph model"):
            tfjs.layers(files)
