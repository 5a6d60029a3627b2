"""HDF5 files as Keras writes them."""

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write weights, gzipped if the name says so, with the numbers that a second model of a process has.

    Args:
        path: ``.h5`` or ``.h5.gz``.
        arrays: By ``layer/parameter``, in the order of the model.
    """
    h5py = pytest.importorskip("h5py")
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        layer, _, parameter = name.partition("/")
        layers.setdefault(f"{layer}_{len(arrays)}", {})[parameter] = array
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["layer_names"] = [b"input_1", *(layer.encode() for layer in layers)]
        file.create_group("input_1").attrs["weight_names"] = []
        for layer, parts in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{parameter}:0".encode() for parameter in parts]
            for parameter, array in parts.items():
                group[f"{layer}/{parameter}:0"] = array
    data = content.getvalue()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
