"""Weights of Keras: HDF5 files, gzipped or not, read without building the model that they name.

The format is Keras' own (keras, ``src/legacy/saving/legacy_h5_format.py``): the attribute ``layer_names`` of the group
of weights gives the layers in the order of the model, the attribute ``weight_names`` of each layer its arrays.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.checkpoints.damage import MAX_RATIO, MIN_LIMIT_BYTES, check_content, refused
from tlzoo.errors import InputError

Layer = tuple[str, dict[str, NDArray[Any]]]
"""Name of a layer, and its arrays by parameter: ``kernel``, ``bias``, ``gamma``, ``moving_mean``..."""
_GZIP = b"\x1f\x8b"


def layers(path: Path) -> list[Layer]:
    """Read the layers of a Keras HDF5 file, in the order of the model; layers without arrays are left out.

    The names of layers end in numbers that depend on what else was built in the process that wrote the file: order
    and shapes are what a network is recognised by.

    Args:
        path: A file of weights or of a whole model; it may be gzipped.

    Raises:
        InputError: The file is not Keras HDF5, is damaged, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: reading Keras' HDF5 needs h5py: pip install '.[keras]' in a clone") from None
    arrays: dict[str, NDArray[Any]] = {}
    content, count = _content(path), 0

    def collect(name: str, item: object) -> None:  # links to other files are not visited
        nonlocal count
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise InputError(f"{path}: {name} lies in another file, which is not read")
            count += item.nbytes  # what is not in the file is made up when it is read
            check_content(count, len(content), path)
            arrays[name] = item[()]

    with refused(path, "Keras' HDF5"), h5py.File(io.BytesIO(content)) as file:
        root = file.get("model_weights", file)
        if "layer_names" not in root.attrs:
            raise InputError(f"{path}: not Keras' HDF5: without the attribute layer_names")
        root.visititems(collect)
        names = [(str(n), root[n].attrs["weight_names"]) for n in _strings(root.attrs["layer_names"])]
        return [(n, {_parameter(w): arrays[f"{n}/{w}"] for w in _strings(ws)}) for n, ws in names if len(ws)]


def _content(path: Path) -> bytes:
    """The file, unzipped if it is gzipped."""
    data = path.read_bytes()
    if not data.startswith(_GZIP):
        return data
    limit = max(MAX_RATIO * len(data), MIN_LIMIT_BYTES)
    try:
        with gzip.open(io.BytesIO(data)) as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unzipped: {error}") from None
    if len(content) > limit:
        raise InputError(f"{path}: unzipped, it has more than {limit:,} bytes, over {MAX_RATIO} times its size")
    return content


def _strings(values: NDArray[Any]) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in np.asarray(values).ravel()]


def _parameter(name: str) -> str:
    """``kernel`` of ``conv2d_1/kernel:0``."""
    return name.rpartition("/")[2].partition(":")[0]
