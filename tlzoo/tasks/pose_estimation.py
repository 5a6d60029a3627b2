"""Pose estimation: named points of people, compared as PCK and COCO do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from datasets import ClassLabel, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from torch import Tensor

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Poses
from tlzoo.core.task import HeadTask
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import boxes_to_input, points_from_input, points_to_input
from tlzoo.data.media.keypoints import COCO_NAMES, COCO_SIGMAS, mirrored
from tlzoo.errors import InputError
from tlzoo.tasks.detection import THRESHOLDS, match
from tlzoo.tasks.heads import PointHead, PointMaps

Array = NDArray[np.float64]

NEAR = 0.2
"""Maximum distance of a right point for PCK, as a share of the longer side of its person's box."""
BODY = 0.53
"""Share of a person's box that the body covers, where its area is unknown: the mean in COCO, as in MMPose."""
_MAX_PEOPLE = 20  # of one picture that count, as in COCO


class Pose(HeadTask):
    """Named points of the people in a picture; a backbone's head finds those of one, the largest.

    A row is ``{"image", "people": {"bbox": [[x, y, width, height], ...], "keypoints": [[[x, y, visibility], ...],
    ...]}, "parts"}``: visibility is 0 for a point without label, 1 hidden, 2 visible; ``people`` may have ``area``, of
    each body, pixels; parts are the points' names, in their order.
    """

    name = "pose-estimation"
    output = "pyramid"
    framing = "letterbox"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        people, parts = features.get("people"), features.get("parts")
        label = parts.feature if isinstance(parts, List) else None
        if not isinstance(features.get("image"), ImageFeature):
            raise InputError(f"{self.name} needs a column 'image' of images; columns: {', '.join(features)}")
        if not isinstance(people, Mapping) or not {"bbox", "keypoints"} <= set(people):
            raise InputError(
                f"{self.name} needs a column 'people' with lists 'bbox' (x, y, width, height) and 'keypoints' "
                f"(x, y, visibility of each point); columns: {', '.join(features)}"
            )
        if not isinstance(label, ClassLabel):
            raise InputError(
                f"{self.name} needs a column 'parts' with a list of classes (the points' names); "
                f"columns: {', '.join(features)}"
            )
        self._label = label

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Pictures of people with these points."""
        number = Value("float32")
        people = {"bbox": List(List(number)), "keypoints": List(List(List(number)))}
        parts = List(ClassLabel(names=list(labels)))
        return Features({"image": ImageFeature(decode=False), "people": people, "parts": parts})

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the points."""
        return tuple(self._label.names)

    @property
    def sigmas(self) -> Array:
        """Standard deviation of each point's labels: COCO's, by name; for points of other names, the mean of COCO's."""
        known = dict(zip(COCO_NAMES, COCO_SIGMAS, strict=True))
        if set(self.labels) <= set(known):
            return np.array([known[name] for name in self.labels])
        return np.full(len(self.labels), np.mean(COCO_SIGMAS))

    def head(self, spec: Spec) -> PointHead:
        """A map of scores for each point, and one of the way from each cell to it."""
        return PointHead(spec, len(self.labels))

    def has_target(self, row: Row) -> bool:
        """Whether the row has people."""
        return "people" in row

    def target(self, row: Row, example: Example) -> dict[str, Tensor]:
        """People in the input, largest first.

        Returns:
            ``boxes``, float32 of shape ``(n, 4)``, x1, y1, x2, y2; ``keypoints`` ``(n, points, 3)``, x, y, visibility;
            ``areas`` ``(n,)``, of the bodies, pixels of the input.
        """
        frame = example["frame"]
        boxes, points, areas = (torch.from_numpy(a).float() for a in self.people(row))
        order = areas.argsort(descending=True)
        return {
            "boxes": boxes_to_input(boxes, frame)[order],
            "keypoints": torch.cat([points_to_input(points[..., :2], frame), points[..., 2:]], -1)[order],
            "areas": (areas * frame[0] * frame[1])[order],
        }

    def people(self, row: Row) -> tuple[Array, Array, Array]:
        """Boxes ``(n, 4)`` as x1, y1, x2, y2, points ``(n, points, 3)`` and areas of bodies ``(n,)`` of a row."""
        people = row["people"]
        boxes = np.reshape(np.asarray(people["bbox"], dtype=np.float64), (-1, 4))
        points = np.reshape(np.asarray(people["keypoints"], dtype=np.float64), (-1, len(self.labels), 3))
        areas = people.get("area")
        areas = BODY * boxes[:, 2:].prod(1) if areas is None else np.asarray(areas, dtype=np.float64)
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1), points, areas

    def augment(self, batch: Batch) -> Batch:
        """Mirrored, with left and right exchanged, moved, scaled, coloured."""
        return varied(batch, flip=True, mirror=mirrored(self.labels))

    def loss(self, output: PointMaps, batch: Batch) -> Tensor:
        """Focal loss of the maps and L1 loss of the offsets, for the largest person of each picture."""
        nobody = torch.tensor([0.0, 0.0, -1.0]).expand(1, len(self.labels), 3)
        largest = [torch.cat([t["keypoints"], nobody.to(t["keypoints"].device)])[0] for t in batch["target"]]
        return output.loss(torch.stack(largest))

    def decode(self, output: PointMaps, batch: Batch) -> list[Poses]:
        """The points of one person a picture; its score is the mean of theirs."""
        points, scores = output.points()
        return [
            Poses(
                keypoints=[points_from_input(places, frame).tolist()],
                keypoint_scores=[point_scores.tolist()],
                scores=[float(point_scores.mean())],
                names=list(self.labels),
            )
            for places, point_scores, frame in zip(points, scores, batch["frame"], strict=True)
        ]

    def statistics(self, prediction: Poses, row: Row) -> dict[str, list[float]]:
        """Statistics of ``mean_average_precision`` for ``oks_ap``; right and labelled points for ``pck``.

        A point is near enough within ``NEAR`` times the longer side of its person's box (Yang & Ramanan 2013, section
        6.1). As many predicted people count for PCK as there are true ones, those with the highest scores: a
        false one costs what it keeps out. In the order of their scores each is matched with the free person of
        whom it has most points near; all points of a person that is left count as wrong. Predicted points are
        matched by name. For OKS-AP (``pycocotools.cocoeval``, of all areas) each threshold is a class of its
        own with one hit a prediction, since a prediction of a person without labelled points counts at none
        that it reaches.
        """
        boxes, true, areas = self.people(row)
        guesses, scores = self._guesses(prediction)
        labelled = true[..., 2] > 0
        apart = np.linalg.norm(guesses[:, None] - true[None, ..., :2], axis=-1)  # (predicted, true, points)
        reach = NEAR * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
        near = ((apart <= reach[None, :, None]) & labelled).sum(-1)
        return {
            "oks_ap": self._matches(guesses, scores, boxes, true, areas),
            "pck": [float(_matched(near)), float(labelled.sum())],
        }

    def _guesses(self, prediction: Poses) -> tuple[Array, Array]:
        """Predicted points ``(n, points, 2)``, infinitely far where not predicted, and scores, best first."""
        names = prediction.names
        points = np.reshape(np.asarray(prediction.keypoints, dtype=np.float64), (-1, len(names), 2))
        scores = np.asarray(prediction.scores, dtype=np.float64)
        order = np.argsort(-scores, kind="stable")[:_MAX_PEOPLE]
        guesses = np.full((len(order), len(self.labels), 2), np.inf)
        for i, name in enumerate(self.labels):
            if name in names:
                guesses[:, i] = points[order, list(names).index(name)]
        return guesses, scores[order]

    def _matches(self, guesses: Array, scores: Array, boxes: Array, true: Array, areas: Array) -> list[float]:
        """A class for each threshold: references, then class, score and hit of each prediction that counts."""
        likeness = oks(guesses, true, boxes, areas, self.sigmas)
        empty = np.asarray((true[..., 2] <= 0).all(axis=1))
        hits = match(likeness[:, ~empty], THRESHOLDS)
        statistic = [float(len(THRESHOLDS)), 1.0, *[float((~empty).sum())] * len(THRESHOLDS)]
        for t, threshold in enumerate(THRESHOLDS):
            missed = np.flatnonzero(~hits[:, t])
            left_out = set(missed[match(likeness[missed][:, empty], [threshold])[:, 0]])
            for i, score in enumerate(scores):
                if i not in left_out:
                    statistic += [float(t), float(score), float(hits[i, t])]
        return statistic


def _matched(near: NDArray[np.int64]) -> int:
    """Points that are right where predicted and true people are matched one to one.

    Args:
        near: Points of each predicted person, best first, that are near those of each true one, ``(predicted, true)``.
    """
    right, free = 0, np.ones(near.shape[1], dtype=bool)
    for points in near[: near.shape[1]]:
        candidates = points * free
        if candidates.any():
            best = candidates.argmax()
            free[best] = False
            right += int(points[best])
    return right


def oks(guesses: Array, true: Array, boxes: Array, areas: Array, sigmas: Array) -> Array:
    """Likeness of people by their points (object keypoint similarity), as ``pycocotools.cocoeval`` computes it.

    Args:
        guesses: Predicted points, shape ``(n, points, 2)``.
        true: Labelled points with visibility, shape ``(m, points, 3)``. Of a person without any it counts how far
            points lie from the box, doubled on all sides.
        boxes: Of the people, x1, y1, x2, y2, shape ``(m, 4)``.
        areas: Of their bodies, square pixels, shape ``(m,)``.
        sigmas: How exactly each point can be labelled, shape ``(points,)``.

    Returns:
        Shape ``(n, m)``, 0 to 1.
    """
    labelled = true[..., 2] > 0
    some = np.asarray(labelled.any(axis=1))
    sides = boxes[:, 2:] - boxes[:, :2]
    low, high = (boxes[:, :2] - sides)[:, None], (boxes[:, 2:] + sides)[:, None]
    points = guesses[:, None]
    outside = np.maximum(low - points, 0) + np.maximum(points - high, 0)
    away = np.where(some[:, None, None], points - true[..., :2], outside)
    error = (away**2).sum(-1) / (2 * sigmas) ** 2 / (areas[:, None] + np.spacing(1)) / 2
    counted = labelled | ~some[:, None]
    return np.asarray((np.exp(-error) * counted).sum(-1) / counted.sum(-1))
