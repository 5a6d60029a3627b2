"""Baselines of detection: nothing; a linear classifier of oriented gradients in a window that slides over the picture.

Source: Dalal 2005, doi:10.1109/CVPR.2005.177 (gradients, sliding window); Girshick 2014, 1311.2524, appendix C (boxes
by ridge regression).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted
from tlzoo.baselines.pictures import CELL, blocks, picture, scaled
from tlzoo.core.predictions import Boxes
from tlzoo.tasks.detection import iou

if TYPE_CHECKING:
    from PIL.Image import Image

    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_WINDOW = 4  # blocks in height and width
_SIDE = (_WINDOW + 1) * CELL  # of a window, pixels of the scaled picture
_MARGIN = 1.2  # side of a window over the longer side of its object
_STEP = 2**0.5  # from one scale to the next
_POSITIVE, _NEGATIVE = 0.5, 0.2  # least and most overlap of a window with an object, and with none
_NEGATIVES = 20  # windows of a training picture without an object
_MOST_PIXELS = 1_000_000  # of a scaled picture
_PENALTY = 0.003
_MIN_SCORE, _MAX_OVERLAP, _MAX_BOXES = 0.05, 0.4, 100
_COMPARED = 400  # boxes of a picture, best first, of which those that overlap a better one are left out
_SEED = 0


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """No boxes."""
    return Fitted("no boxes", lambda rows: [Boxes([], [], [])] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Logistic regression of the oriented gradients of windows at several scales, and boxes by ridge regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    sides = [side for row in train for side in _boxes(row)[0][:, 2:].max(1, initial=0)]
    if not sides:
        return trivial(task, kind, train)
    scales = _scales(float(np.quantile(sides, 0.02)), float(np.quantile(sides, 0.98)))
    examples = _Examples.of(train, scales, background=len(task.labels))
    objects = examples.classes < len(task.labels)
    if not objects.any():
        return trivial(task, kind, train)
    places = Ridge(100.0).fit(examples.features[objects], examples.offsets[objects])
    classifier = LogisticRegression(C=_PENALTY, max_iter=200)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        classifier.fit(examples.features, examples.classes)
    detect = partial(_detected, task.labels, scales, classifier, places)
    return Fitted(f"sliding window of oriented gradients, logistic regression (C={_PENALTY:g})", detect)


def _scales(smallest: float, largest: float) -> list[float]:
    """Factors of a picture's size with which objects of these sides fill a window."""
    count = 1 + int(np.ceil(np.log(max(largest / smallest, 1.0)) / np.log(_STEP)))
    sides = np.geomspace(smallest, largest, count) if count > 1 else np.array([largest])
    return [float(_SIDE / (_MARGIN * side)) for side in sides]


@dataclass
class _Examples:
    """Windows to learn from.

    Attributes:
        features: ``(windows, features)``.
        classes: Class of each; one more than the last for the background, ``(windows,)``.
        offsets: From a window's middle to that of its object, and the logarithm of its width and height over those of
            the window, all in the window's side, ``(windows, 4)``.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.int64]
    offsets: Array

    @classmethod
    def of(cls, train: Rows, scales: Sequence[float], background: int) -> _Examples:
        """Every window on an object of training, and some on none."""
        rng = np.random.default_rng(_SEED)
        features, classes, offsets = [], [], []
        for row in train:
            boxes, labels = _boxes(row)
            corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
            around = _around(boxes)
            empty: list[NDArray[np.float32]] = []
            for windows, values in _windows(picture(row), scales):
                overlaps = iou(windows, around) if len(boxes) else np.zeros((len(windows), 1))
                nearest, most = overlaps.argmax(1), overlaps.max(1)
                hit = np.flatnonzero(most >= _POSITIVE)
                if len(hit) and len(boxes):
                    features.append(values[hit])
                    classes.append(labels[nearest[hit]])
                    offsets.append(_offsets(windows[hit], corners[nearest[hit]]))
                empty.append(values[most < _NEGATIVE])
            others = np.concatenate(empty) if empty else np.zeros((0, 0), np.float32)
            if len(others):
                chosen = others[rng.choice(len(others), min(_NEGATIVES, len(others)), replace=False)]
                features.append(chosen)
                classes.append(np.full(len(chosen), background))
                offsets.append(np.zeros((len(chosen), 4)))
        if not features:
            return cls(np.zeros((0, 0), np.float32), np.zeros(0, np.int64), np.zeros((0, 4)))
        return cls(np.concatenate(features), np.concatenate(classes), np.concatenate(offsets))


def _boxes(row: Row) -> tuple[Array, NDArray[np.int64]]:
    """Boxes with area, ``(n, 4)`` as x, y, width, height, and their classes, ``(n,)``."""
    boxes = np.asarray(row["objects"]["bbox"], np.float64).reshape(-1, 4)
    has_area = (boxes[:, 2:] > 0).all(1)
    return boxes[has_area], np.asarray(row["objects"]["category"], np.int64)[has_area]


def _around(boxes: Array) -> Array:
    """The squares that windows on objects should be, as corners."""
    half = boxes[:, 2:].max(1, keepdims=True, initial=0) * _MARGIN / 2
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    return np.concatenate([middles - half, middles + half], 1)


def _windows(image: Image, scales: Sequence[float]) -> Iterator[tuple[Array, NDArray[np.float32]]]:
    """Yield the windows of each scale: corners in the picture, ``(windows, 4)``, and features."""
    for scale in scales:
        width, height = (round(side * scale) for side in image.size)
        if min(width, height) < _SIDE or width * height > _MOST_PIXELS:
            continue
        grid = blocks(scaled(image, width, height)).astype(np.float32)
        values = sliding_window_view(grid, (_WINDOW, _WINDOW), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
        high, wide = values.shape[:2]
        top, left = (each.ravel() * CELL for each in np.mgrid[:high, :wide])
        corners = np.stack([left, top, left + _SIDE, top + _SIDE], 1) / np.tile([width, height], 2)
        yield corners * np.tile(image.size, 2), values.reshape(high * wide, -1)


def _offsets(windows: Array, corners: Array) -> Array:
    side = windows[:, 2:] - windows[:, :2]
    middle, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    return np.concatenate([(middle - windows[:, :2]) / side - 0.5, np.log(size / side)], 1)


def _placed(windows: Array, offsets: Array) -> Array:
    """Boxes as corners; the inverse of :func:`_offsets`."""
    side = windows[:, 2:] - windows[:, :2]
    middle, half = windows[:, :2] + (offsets[:, :2] + 0.5) * side, np.exp(np.minimum(offsets[:, 2:], 1.0)) * side / 2
    return np.concatenate([middle - half, middle + half], 1)


def _detected(labels: Sequence[str], scales: Sequence[float], classifier: Any, places: Any, rows: Rows) -> list[Boxes]:
    return [_detected_in(picture(row), labels, scales, classifier, places) for row in rows]


def _detected_in(image: Image, labels: Sequence[str], scales: Sequence[float], classifier: Any, places: Any) -> Boxes:
    import torch
    from torchvision.ops import batched_nms

    candidates: list[tuple[float, int, Array]] = []
    for windows, values in _windows(image, scales):
        scores = classifier.predict_proba(values)
        for column, label in enumerate(classifier.classes_.tolist()):
            sure = np.flatnonzero(scores[:, column] >= _MIN_SCORE)
            if label < len(labels) and len(sure):
                boxes = np.clip(_placed(windows[sure], places.predict(values[sure])), 0, np.tile(image.size, 2))
                candidates += zip(scores[sure, column].tolist(), [label] * len(sure), boxes, strict=True)
    if not candidates:
        return Boxes([], [], [])
    candidates.sort(key=lambda each: -each[0])
    certainty, classes, corners = zip(*candidates[:_COMPARED], strict=True)
    given = (torch.from_numpy(np.stack(corners)), torch.tensor(certainty, dtype=torch.float64), torch.tensor(classes))
    best = batched_nms(*given, _MAX_OVERLAP)[:_MAX_BOXES].tolist()
    return Boxes([corners[i].tolist() for i in best], [certainty[i] for i in best], [labels[classes[i]] for i in best])
