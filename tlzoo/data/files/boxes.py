"""Boxes of objects from users' annotations: corrected where the intent is clear, and the corrections counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from datasets import ClassLabel, Features, List, Value
from numpy.typing import NDArray

from tlzoo.data.dataset import Target
from tlzoo.data.media.image import Placement, annotated
from tlzoo.data.media.stored import Stored

CUT = "boxes that reached beyond their picture and were cut off at its edges"
DROPPED = "boxes without area inside their picture, left out"
CROWDS = "regions of crowds, in which detections count neither way"
FACE = "face"
"""The one class of boxes of faces."""
Size = tuple[int, int]
"""Width and height, pixels."""


def tidy(
    boxes: NDArray[np.float64], place: Placement
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Mapping[str, int]]:
    """Clip boxes to their picture.

    Args:
        boxes: ``(x, y, width, height)`` in the file's pixels, shape ``(n, 4)``, unchecked.
        place: How the file's pixels lie in the picture.

    Returns:
        The boxes clipped to the picture, shape ``(n, 4)``; which of them have an area there; and how many were
        corrected, by correction. Boxes less than half a pixel beyond an edge are not counted.
    """
    sound = np.asarray((np.isfinite(boxes) & (boxes > [-np.inf, -np.inf, 0, 0])).all(axis=1))
    given = np.where(sound[:, None], boxes, 0.0)
    corners = place.points(np.stack([given[:, :2], given[:, :2] + given[:, 2:]], axis=1))
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside_low, inside_high = np.clip(low, 0, place.seen), np.clip(high, 0, place.seen)
    has_area = sound & (inside_high > inside_low).all(axis=1)
    moved = np.maximum(inside_low - low, high - inside_high).max(axis=1, initial=0.0)
    remarks = {CUT: int((has_area & (moved > 0.5)).sum()), DROPPED: int((~has_area).sum())}
    clipped = np.concatenate([inside_low, inside_high - inside_low], axis=1)
    return clipped, has_area, {what: count for what, count in remarks.items() if count}


@dataclass(frozen=True)
class Crowds:
    """Regions with too many objects of a class to mark each, which are no objects themselves.

    Attributes:
        boxes: As of :class:`Objects`.
        classes: As of :class:`Objects`.
    """

    boxes: Sequence[NDArray[np.float64]]
    classes: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Objects:
    """Boxes with classes, as :class:`~tlzoo.data.dataset.Targets`.

    Attributes:
        names: Class names.
        boxes: Boxes of each example, shape ``(n, 4)``: x, y, width, height in the file's pixels.
        classes: Index of each box's class.
        sizes: Size of the picture that each example's boxes were annotated at, where known.
        crowds: Regions of crowds, if the data have any.
    """

    names: Sequence[str]
    boxes: Sequence[NDArray[np.float64]]
    classes: Sequence[Sequence[int]]
    sizes: Sequence[Size | None]
    crowds: Crowds | None = None

    @property
    def features(self) -> Features:
        """``objects`` with ``bbox`` and ``category``; if the data have crowds, with the same of each ``crowd``."""
        columns = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=list(self.names)))}
        return Features({"objects": columns if self.crowds is None else {**columns, "crowd": columns}})

    def of(self, index: int, value: Stored) -> Target:
        """The boxes of one picture."""
        place = annotated(value, self.sizes[index])
        objects, remarks = _columns(self.boxes[index], self.classes[index], place)
        if self.crowds is None:
            return Target({"objects": objects}, remarks)
        crowd, _ = _columns(self.crowds.boxes[index], self.crowds.classes[index], place)
        counts = Counter(remarks) + Counter({CROWDS: len(crowd["category"])})
        return Target({"objects": {**objects, "crowd": crowd}}, counts)


class _Columns(TypedDict):
    bbox: list[list[float]]
    category: list[int]


def _columns(
    boxes: NDArray[np.float64], classes: Sequence[int], place: Placement
) -> tuple[_Columns, Mapping[str, int]]:
    """The boxes with an area in their picture, with their classes; and how many were corrected, by correction."""
    inside, has_area, remarks = tidy(boxes, place)
    categories = [c for c, has in zip(classes, has_area, strict=True) if has]
    return {"bbox": inside[has_area].tolist(), "category": categories}, remarks


def rarest(present: Sequence[Sequence[str]]) -> list[str]:
    """The rarest class of each example, by which splits are stratified: the one that the fewest examples have."""
    count = Counter(name for names in present for name in set(names))
    return [min(set(names), key=lambda name: (count[name], name), default="") for names in present]
