"""COCO's own code, as a reference."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


def truth(images: int, classes: int, annotations: Sequence[dict[str, Any]]) -> Any:
    """Ground truth of images and classes that are numbered from 1."""
    made = pytest.importorskip("pycocotools.coco").COCO()
    made.dataset = {
        "info": {},
        "images": [{"id": i + 1} for i in range(images)],
        "categories": [{"id": c + 1} for c in range(classes)],
        "annotations": [mark | {"id": number} for number, mark in enumerate(annotations, 1)],
    }
    made.createIndex()
    return made


def corner_and_size(x1: float, y1: float, x2: float, y2: float) -> list[float]:
    """COCO's form of a box."""
    return [x1, y1, x2 - x1, y2 - y1]


def average_precisions(truth: Any, detections: Sequence[dict[str, Any]], kind: str = "bbox") -> NDArray[np.float64]:
    """AP, AP50, and so on."""
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = cocoeval.COCOeval(truth, truth.loadRes(detections), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats
