"""Detection: boxes with a class and a score, compared with reference boxes as COCO does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from torch import Tensor

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Boxes
from tlzoo.core.task import HeadTask
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import boxes_from_input, boxes_to_input
from tlzoo.errors import InputError
from tlzoo.leaderboard.detection_metrics import UNCOUNTED
from tlzoo.tasks.heads import BoxHead, Locations

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""The IoUs that COCO's AP is the mean over."""
_MAX_DETECTIONS = 100  # of a class that count in one image, as in COCO


class Detection(HeadTask):
    """Boxes of the objects in an image; a backbone's head is FCOS.

    A row is ``{"image", "objects": {"bbox": [[x, y, width, height], ...], "category": [class, ...]}}``, boxes in pixels
    as COCO writes them. ``objects`` may have ``crowd``, a ``bbox`` and ``category`` of the same form: regions with too
    many objects of a class to mark each, in which detections of that class count neither as right nor as wrong.
    """

    output = "pyramid"
    framing = "letterbox"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        objects = features.get("objects")
        category = objects.get("category") if isinstance(objects, Mapping) else None
        label = category.feature if isinstance(category, List) else None
        if not isinstance(features.get("image"), ImageFeature):
            raise InputError(f"{self.name} needs a column 'image' of images; columns: {', '.join(features)}")
        if not isinstance(label, ClassLabel) or "bbox" not in objects:
            raise InputError(
                f"{self.name} needs a column 'objects' with lists 'bbox' (x, y, width, height) and 'category' "
                f"(classes); columns: {', '.join(features)}"
            )
        self._label = label

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names."""
        return tuple(self._label.names)

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Pictures with boxes of these classes."""
        objects = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=list(labels)))}
        return Features({"image": ImageFeature(decode=False), "objects": objects})

    def head(self, spec: Spec) -> BoxHead:
        """FCOS on the last three maps."""
        return BoxHead(spec, len(self.labels))

    def has_target(self, row: Row) -> bool:
        """Whether the row has objects."""
        return "objects" in row

    def target(self, row: Row, example: Example) -> dict[str, Tensor]:
        """Boxes in the input and their classes.

        Returns:
            ``boxes``, float32 of shape ``(n, 4)``, x1, y1, x2, y2; ``labels``, int64 of shape ``(n,)``. Boxes without
            area are left out.
        """
        boxes = torch.tensor(row["objects"]["bbox"], dtype=torch.float32).reshape(-1, 4)
        labels = torch.tensor(row["objects"]["category"], dtype=torch.int64)
        boxes = boxes_to_input(torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1), example["frame"])
        has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
        return {"boxes": boxes[has_area], "labels": labels[has_area]}

    def augment(self, batch: Batch) -> Batch:
        """Mirrored, moved, scaled, coloured."""
        return varied(batch, flip=True)

    def loss(self, output: Locations, batch: Batch) -> Tensor:
        """FCOS's."""
        return output.loss(batch["target"])

    def decode(self, output: Locations, batch: Batch) -> list[Boxes]:
        """Boxes in the picture, best first: at most 100, with scores above 0.05."""
        names = self.labels
        return [
            Boxes(
                boxes=boxes_from_input(detected["boxes"], frame).tolist(),
                scores=detected["scores"].tolist(),
                labels=[names[i] for i in detected["labels"].tolist()],
            )
            for detected, frame in zip(output.detections(), batch["frame"], strict=True)
        ]

    def is_right(self, prediction: Boxes, row: Row, statistic: Sequence[float]) -> bool:
        """Whether the headline metric is at least 0.5; without objects, whether no box has a score of 0.5 or more."""
        if len(row["objects"]["bbox"]):
            return super().is_right(prediction, row, statistic)
        return all(score < 0.5 for score in prediction.scores)

    def statistics(self, prediction: Boxes, row: Row) -> dict[str, list[float]]:
        """Statistics for ``mean_average_precision``, at IoU 0.5 for ``ap50`` and at COCO's ten thresholds for ``ap``.

        Each detection, best first, is matched with the free reference of its class that has the highest IoU, if that
        reaches the threshold (``pycocotools.cocoeval.COCOeval.evaluateImg``). One that has none, but lies in a crowd
        of its class with a share of its area that reaches the threshold, counts in nothing there. Detections of
        classes that the data set does not have are left out.
        """
        names = self.labels
        truth, classes = _corners(row["objects"])
        crowds, crowd_classes = _corners(row["objects"].get("crowd") or {"bbox": [], "category": []})
        boxes = np.reshape(np.asarray(prediction.boxes, dtype=np.float64), (-1, 4))
        scores = np.asarray(prediction.scores, dtype=np.float64)
        index = {name: i for i, name in enumerate(names)}
        guesses = np.array([index.get(name, -1) for name in prediction.labels], dtype=np.int64)
        ap = [len(names), len(THRESHOLDS), *np.bincount(classes, minlength=len(names))]
        ap50 = [len(names), 1, *ap[2:]]
        for c in np.unique(guesses[guesses >= 0]):
            places = np.flatnonzero(guesses == c)
            places = places[np.argsort(-scores[places], kind="stable")][:_MAX_DETECTIONS]
            hits = match(iou(boxes[places], truth[classes == c]), THRESHOLDS).astype(np.int64)
            inside = share(boxes[places], crowds[crowd_classes == c]).max(axis=1, initial=0.0)
            hits[(hits == 0) & (inside[:, None] >= THRESHOLDS)] = UNCOUNTED
            for score, hit in zip(scores[places], hits, strict=True):
                ap += [c, score, *hit]
                ap50 += [c, score, hit[0]]
        return {"ap50": [float(x) for x in ap50], "ap": [float(x) for x in ap]}


class ObjectDetection(Detection):
    """Detection of things of any classes."""

    name = "object-detection"


class FaceDetection(Detection):
    """Detection of faces: the class ``face``."""

    name = "face-detection"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        if "face" not in self.labels:
            raise InputError(f"{self.name} needs a class 'face' in 'objects'; classes: {', '.join(self.labels)}")


def _corners(objects: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Boxes as x1, y1, x2, y2, ``(n, 4)``, and classes ``(n,)``."""
    boxes, classes = np.asarray(objects["bbox"], np.float64), np.asarray(objects["category"], np.int64)
    boxes = boxes.reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1), classes


def iou(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union.

    Args:
        boxes: Shape ``(n, 4)``, each ``(x1, y1, x2, y2)``.
        others: Shape ``(m, 4)``.

    Returns:
        Shape ``(n, m)``; 0 for boxes without area.
    """
    shared = _shared(boxes, others)
    united = _areas(boxes)[:, None] + _areas(others)[None] - shared
    return np.asarray(shared / np.maximum(united, np.finfo(np.float64).tiny))


def share(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over the area of the first box, which takes the place of :func:`iou` in crowds; shapes as there."""
    return np.asarray(_shared(boxes, others) / np.maximum(_areas(boxes), np.finfo(np.float64).tiny)[:, None])


def _shared(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=2))


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def match(overlaps: NDArray[np.float64], thresholds: Sequence[float] | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Assign detections to references greedily, for each threshold by itself.

    Args:
        overlaps: IoU of detections, best first, with references, shape ``(detections, references)``.
        thresholds: The IoU that counts as a hit.

    Returns:
        Which detections hit a reference, shape ``(detections, thresholds)``.
    """
    hits = np.zeros((len(overlaps), len(thresholds)), dtype=bool)
    for t, threshold in enumerate(thresholds):
        free = np.ones(overlaps.shape[1], dtype=bool)
        for d, row in enumerate(overlaps):
            candidates = np.flatnonzero(free & (row >= threshold))
            if len(candidates):
                free[candidates[row[candidates].argmax()]] = False
                hits[d, t] = True
    return hits
