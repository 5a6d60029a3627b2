"""Kernels and biases of TensorFlow Lite files, read from the flatbuffer without running the graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlzoo.checkpoints.damage import check_content, refused
from tlzoo.errors import InputError


def read(path: Path) -> Any:
    """The ``tflite.Model`` of a file, an accessor of its flatbuffer.

    Raises:
        InputError: It is not a TensorFlow Lite file.
    """
    import tflite

    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise InputError(f"{path}: not a TensorFlow Lite file")
    return tflite.Model.GetRootAs(data, 0)


def layers(path: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Kernels and biases of a TensorFlow Lite file, dequantised, in the order of the operators.

    Yields:
        Kernel, ``(out, in, height, width)`` or ``(out, in)``, and bias, ``(out,)``: of each convolution, and of each
        dense layer after the first convolution.

    Raises:
        InputError: It is not a TensorFlow Lite file, or is damaged.
    """
    size, count = path.stat().st_size, 0
    with refused(path, "a TensorFlow Lite file"):
        for kernel, bias in _layers(path):
            count += kernel.nbytes + bias.nbytes
            check_content(count, size, path)
            yield kernel, bias


def _layers(path: Path) -> Iterator[tuple[Tensor, Tensor]]:
    import tflite

    model = read(path)
    graph = model.Subgraphs(0)
    dtypes = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.INT8: np.int8, tflite.TensorType.INT32: np.int32}
    axes = {tflite.BuiltinOperator.CONV_2D: (0, 3, 1, 2), tflite.BuiltinOperator.DEPTHWISE_CONV_2D: (3, 0, 1, 2)}

    def values_of(index: int) -> Tensor:
        tensor = graph.Tensors(index)
        if tensor.Type() not in dtypes:
            raise InputError(f"{path}: a kernel or bias is neither float32, int8 nor int32: another file is expected")
        values = np.frombuffer(model.Buffers(tensor.Buffer()).DataAsNumpy(), dtypes[tensor.Type()])
        values = values.reshape(tensor.ShapeAsNumpy())
        quantization = tensor.Quantization()
        if quantization is not None and not quantization.ScaleIsNone():
            channels = [-1 if axis == quantization.QuantizedDimension() else 1 for axis in range(values.ndim)]
            zero, scale = quantization.ZeroPointAsNumpy(), quantization.ScaleAsNumpy()
            if {zero.size, scale.size} - {1, *values.shape}:  # the result would be larger
                raise ValueError("the numbers of scales and channels differ")
            values = (values - zero.reshape(channels)) * scale.reshape(channels)
        return torch.from_numpy(values.astype(np.float32))

    convolved = False
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        kind = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if kind in axes:
            convolved = True
            yield values_of(operator.Inputs(1)).permute(axes[kind]), values_of(operator.Inputs(2))
        elif kind == tflite.BuiltinOperator.FULLY_CONNECTED and convolved:
            yield values_of(operator.Inputs(1)), values_of(operator.Inputs(2))
