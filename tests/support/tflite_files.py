"""TensorFlow Lite files of convolutions and dense layers, as their readers see them: operators, tensors, buffers."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import flatbuffers
import numpy as np
import tflite

CONV, DEPTHWISE, DENSE = (
    tflite.BuiltinOperator.CONV_2D,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D,
    tflite.BuiltinOperator.FULLY_CONNECTED,
)
Layer = tuple[int, np.ndarray, np.ndarray]
"""Operator, kernel in TensorFlow Lite's order of axes, and bias."""


def write(path: Path, layers: Sequence[Layer], labels: Sequence[str] = (), name: str = "labels.txt") -> None:
    """Write float layers in their order; labels are packed into an archive at the end, as in files with metadata."""
    builder = flatbuffers.Builder(1 << 20)
    kinds = [CONV, DEPTHWISE, DENSE]
    arrays = [np.zeros((0,), np.float32)] + [array for _, *pair in layers for array in pair]

    def offsets(start: object, items: Sequence[int]) -> int:
        start(builder, len(items))  # type: ignore[operator]
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return int(builder.EndVector())

    buffers = []
    for array in arrays:
        data = builder.CreateByteVector(np.ascontiguousarray(array, np.float32).tobytes()) if array.size else None
        tflite.BufferStart(builder)
        if data is not None:
            tflite.BufferAddData(builder, data)
        buffers.append(tflite.BufferEnd(builder))
    tensors = []
    for number, array in enumerate(arrays):
        shape = builder.CreateNumpyVector(np.array(array.shape, np.int32))
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, shape)
        tflite.TensorAddType(builder, tflite.TensorType.FLOAT32)
        tflite.TensorAddBuffer(builder, number)
        tensors.append(tflite.TensorEnd(builder))
    operators = []
    for number, (kind, *_) in enumerate(layers):
        inputs = builder.CreateNumpyVector(np.array([0, 1 + 2 * number, 2 + 2 * number], np.int32))
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, kinds.index(kind))
        tflite.OperatorAddInputs(builder, inputs)
        operators.append(tflite.OperatorEnd(builder))
    codes = []
    for kind in kinds:
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, kind)  # the field of kinds below 127
        codes.append(tflite.OperatorCodeEnd(builder))
    all_tensors = offsets(tflite.SubGraphStartTensorsVector, tensors)
    all_operators = offsets(tflite.SubGraphStartOperatorsVector, operators)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, all_tensors)
    tflite.SubGraphAddOperators(builder, all_operators)
    graphs = offsets(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(builder)])
    all_codes = offsets(tflite.ModelStartOperatorCodesVector, codes)
    all_buffers = offsets(tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, all_codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, all_buffers)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    if labels:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, "\n".join(labels))
