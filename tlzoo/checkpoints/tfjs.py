"""Weights of TensorFlow.js graph models: ``model.json`` and its binary shards, read without running the graph.

The format is tfjs-core's ``io/types.ts``: the manifest lists groups of shards, which are joined, and the weights that
lie in them one after the other; half precision and affine quantisation (``value * scale + min``) are undone here.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlzoo.checkpoints.damage import refused
from tlzoo.errors import InputError

_DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_, "uint8": np.uint8}
_PACKED = {"float16": np.float16, "uint8": np.uint8, "uint16": np.uint16}
_CONVOLUTIONS = {
    "Conv2D": (3, 2, 0, 1),
    "_FusedConv2D": (3, 2, 0, 1),
    "DepthwiseConv2dNative": (2, 3, 0, 1),
    "FusedDepthwiseConv2dNative": (2, 3, 0, 1),
}  # where torch's axes (out, in, height, width) are in TensorFlow's kernels


def weights(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """Read all weights of a graph model.

    Args:
        files: The JSON file and the shards that it lists, by name.

    Returns:
        Arrays by name: float32, or int32 and bool as they are.

    Raises:
        InputError: The JSON is not a graph model, or a shard is absent, of another length, or of an unknown type.
    """
    path, model = _read(files)
    with refused(path, "a TensorFlow.js graph model"):
        return _weights(files, path, model)


def _weights(files: Mapping[str, Path], path: Path, model: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    listed = [name for group in model["weightsManifest"] for name in group["paths"]]
    if absent := [name for name in listed if name not in files]:
        raise InputError(f"{path}: lists the shards {', '.join(absent[:3])}; given: {', '.join(files)}")
    if len(set(listed)) < len(listed):
        raise InputError(f"{path}: lists a shard twice: damaged")
    for group in model["weightsManifest"]:
        data, offset = memoryview(b"".join(files[name].read_bytes() for name in group["paths"])), 0
        for entry in group["weights"]:
            values, used = _unpacked(path, entry, data[offset:])
            arrays[entry["name"]] = values
            offset += used
        if offset != len(data):
            raise InputError(f"{path}: {', '.join(group['paths'])} have {len(data)} bytes, expected {offset}")
    return arrays


def layers(files: Mapping[str, Path]) -> dict[str, tuple[Tensor, Tensor | None]]:
    """Read the kernels of a graph model's convolutions, in torch's order of axes.

    Args:
        files: As for :func:`weights`.

    Returns:
        By the name of the kernel: the kernel, float32 of shape ``(out, in, height, width)``, and the bias ``(out,)``
        that is fused with it, if any.

    Raises:
        InputError: As of :func:`weights`.
    """
    tensors, (path, model) = weights(files), _read(files)
    with refused(path, "a TensorFlow.js graph model"):
        return _layers(tensors, model)


def _layers(tensors: Mapping[str, NDArray[Any]], model: Mapping[str, Any]) -> dict[str, tuple[Tensor, Tensor | None]]:
    convolutions: dict[str, tuple[Tensor, Tensor | None]] = {}
    for node in model["modelTopology"]["node"]:
        if node["op"] in _CONVOLUTIONS:
            kernel = torch.from_numpy(tensors[node["input"][1]]).permute(_CONVOLUTIONS[node["op"]])
            fused = [b64decode(name) for name in node["attr"].get("fused_ops", {}).get("list", {}).get("s", ())]
            bias = torch.from_numpy(tensors[node["input"][2]]) if b"BiasAdd" in fused else None
            convolutions[node["input"][1]] = kernel, bias
    return convolutions


def _read(files: Mapping[str, Path]) -> tuple[Path, dict[str, Any]]:
    """The file of the graph and of the manifest, and its content."""
    path = next((path for name, path in files.items() if name.endswith(".json")), None)
    if path is None:
        raise InputError(f"a TensorFlow.js model needs its JSON file; given: {', '.join(files) or 'nothing'}")
    try:
        model = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(model, dict) or model.get("format") != "graph-model" or "weightsManifest" not in model:
        raise InputError(f"{path}: not a TensorFlow.js graph model: expected format 'graph-model', weightsManifest")
    return path, model


def _unpacked(path: Path, entry: Mapping[str, Any], data: memoryview) -> tuple[NDArray[Any], int]:
    """The weight at the start of ``data``, and its size there in bytes."""
    name, packing = entry["name"], entry.get("quantization")
    stored = _PACKED.get(packing["dtype"]) if packing else _DTYPES.get(entry["dtype"])
    if stored is None:
        kind = packing["dtype"] if packing else entry["dtype"]
        raise InputError(f"{path}: weight {name} is of type {kind}; known: {', '.join(_DTYPES | _PACKED)}")
    count = math.prod(entry["shape"])
    used = count * np.dtype(stored).itemsize
    if len(data) < used:
        raise InputError(f"{path}: the shards end within weight {name}")
    values: NDArray[Any] = np.frombuffer(data, stored, count).reshape(entry["shape"])
    if packing:
        affine = values * np.float32(packing.get("scale", 1)) + np.float32(packing.get("min", 0))
        values = np.round(affine).astype(np.int32) if entry["dtype"] == "int32" else affine.astype(np.float32)
    return values.copy(), used
