"""TensorFlow Lite files, run by LiteRT: published models as they are, for zero-shot use only."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tlzoo.adapters.torchvision_dense import VOC
from tlzoo.core.batch import Batch
from tlzoo.core.model import Model
from tlzoo.core.segmenter import SegmentationModel
from tlzoo.errors import InputError, UnavailableError, unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.task import Task

SIDE = 257
MODELS = ("deeplabv3.tflite",)


class LiteDeepLab(SegmentationModel):
    """DeepLabv3 on MobileNetV2, 257 x 257 pixels in [-1, 1], with the 21 classes of Pascal VOC."""

    def __init__(self, file: str) -> None:
        """Name the file that :meth:`load_official` will find the network in."""
        super().__init__((SIDE, SIDE), VOC, (0.5,) * 3, (0.5,) * 3)
        self.file = file
        self._interpreter: Any = None

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Read the file.

        Raises:
            InputError: LiteRT cannot read it, or its input is not that of the model.
        """
        from ai_edge_litert.interpreter import Interpreter

        path = files[self.file]
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=torch.get_num_threads())
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be read as a TensorFlow Lite file: {reason}") from None
        self._input, self._output = (
            detail[0] for detail in (self._interpreter.get_input_details(), self._interpreter.get_output_details())
        )
        expected, shape = [1, SIDE, SIDE, 3], list(self._input["shape"])
        if shape != expected:
            raise InputError(f"{path}: takes an input of shape {shape}, expected {expected}")

    def published_model(self) -> Model | None:
        """This model, once its file was read."""
        return self if self._interpreter is not None else None

    def forward(self, batch: Batch) -> Tensor:
        """Logits, ``(batch, 21, 257, 257)``; the file takes one picture at a time."""
        pixels = self.pixels(batch).permute(0, 2, 3, 1).cpu().numpy()
        logits = []
        for picture in pixels:
            self._interpreter.set_tensor(self._input["index"], np.ascontiguousarray(picture[None]))
            self._interpreter.invoke()
            logits.append(torch.from_numpy(self._interpreter.get_tensor(self._output["index"]).copy())[0])
        return torch.stack(logits).permute(0, 3, 1, 2).to(batch["image"].device)


def build(variant: Variant, given: Input, task: Task | None = None) -> LiteDeepLab:
    """Build the model of a known file.

    Raises:
        InputError: The file is not known.
        UnavailableError: LiteRT is not installed.
    """
    if variant.model not in MODELS:
        raise unknown("TensorFlow Lite file", variant.model, MODELS, f"variant {variant.id!r}")
    if find_spec("ai_edge_litert") is None:
        raise UnavailableError(
            f"{variant.model} needs LiteRT, which is not installed: pip install '.[tflite]' in a clone"
        )
    return LiteDeepLab(variant.model)
