"""Weights and activations of an exported graph in 8 bits; preprocessing stays as it is.

Networks of convolutions are quantised with ranges that calibration examples show, weights channel by channel (Jacob
2018, 1712.05877; Krishnamoorthi 2018, 1806.08342, section 3); of transformers the matrix products are quantised as they
run, since ranges of their activations differ from input to input.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from tlzoo.export.session import Feed

if TYPE_CHECKING:
    from onnx import ModelProto

    from tlzoo.core.batch import Row
    from tlzoo.export.graph import Graph

CALIBRATION = 100
"""Training examples whose ranges are taken."""


class _Examples(CalibrationDataReader):  # type: ignore[misc]
    """Calibration examples, one after another."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self._feeds = feeds

    def get_next(self) -> Feed | None:
        """The next one."""
        return next(self._feeds, None)


def quantised(graph: Graph, feeds: Callable[[Row], list[Feed]], train: Sequence[Row]) -> ModelProto:
    """Quantise a graph.

    Args:
        graph: The graph.
        feeds: What it takes of a row.
        train: Training examples to calibrate on, of which some are taken, spread evenly.
    """
    import onnx

    front = [node.name for node in graph.proto.graph.node if node.name not in graph.network]
    with TemporaryDirectory() as place, _quiet():
        before, after = Path(place) / "float.onnx", Path(place) / "int8.onnx"
        onnx.save(graph.proto, before)
        if is_convolutional(graph):
            every = max(1, len(train) // CALIBRATION)
            chosen = (feed for i in range(0, len(train), every) for feed in feeds(train[i]))
            quantize_static(
                before,
                after,
                _Examples(chosen),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Gemm", "MatMul"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=front,
            )
        else:
            quantize_dynamic(
                before,
                after,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=front,
            )
        return onnx.load(after)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of ONNX Runtime's quantiser, which are for who calls it, from the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)


def is_convolutional(graph: Graph) -> bool:
    """Whether a network convolves and attends to nothing: which takes a softmax."""
    kinds = [node.op_type for node in graph.proto.graph.node if node.name in graph.network]
    return "Conv" in kinds and "Softmax" not in kinds
