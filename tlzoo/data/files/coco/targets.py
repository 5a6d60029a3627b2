"""Masks and poses from COCO's annotations, drawn when a picture is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from datasets import ClassLabel, Features, List, Value
from numpy.typing import NDArray

from tlzoo.data.dataset import Target
from tlzoo.data.files.boxes import Size, tidy
from tlzoo.data.media.image import IGNORED, annotated, encode_png
from tlzoo.data.media.stored import Stored
from tlzoo.data.schemas import mask_features
from tlzoo.errors import InputError


class MaskColumns(TypedDict):
    """Columns of a mask in their storage form: the PNG, and the indices of the classes in it."""

    mask: Stored
    classes: list[int]


def mask_columns(mask: NDArray[np.uint8]) -> MaskColumns:
    """Columns of a mask of class indices, shape ``(height, width)``."""
    present = [int(c) for c in np.unique(mask) if c != IGNORED]
    return {"mask": {"bytes": encode_png(mask), "path": None}, "classes": present}


@dataclass(frozen=True)
class Area:
    """One annotation's pixels.

    Attributes:
        where: Name of the annotation in messages.
        value: Value of its pixels in the mask.
        segmentation: COCO's field: polygons, or a run-length encoding whose counts may be packed.
    """

    where: str
    value: int
    segmentation: Any


@dataclass(frozen=True)
class Masks:
    """Areas of each picture, later ones over earlier ones, as :class:`~tlzoo.data.dataset.Targets`."""

    names: Sequence[str]
    areas: Sequence[Sequence[Area]]
    sizes: Sequence[Size | None]

    @property
    def features(self) -> Features:
        """``mask`` and ``classes``."""
        return mask_features(self.names)

    def of(self, index: int, value: Stored) -> Target:
        """The mask of one picture."""
        place = annotated(value, self.sizes[index])
        mask = np.zeros((place.height, place.width), dtype=np.uint8)
        remarks: Counter[str] = Counter()
        for area in self.areas[index]:
            inside = pixels(area, place.height, place.width)
            mask[inside] = area.value
            remarks["annotations without an area, left out"] += int(not inside.any())
        return Target(mask_columns(place.pixels(mask)), +remarks)


def pixels(area: Area, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of an annotation, shape ``(height, width)``.

    Raises:
        InputError: The segmentation is not in one of COCO's forms, or has another size.
    """
    given = area.segmentation
    if not given:
        return np.zeros((height, width), dtype=bool)
    if isinstance(given, Mapping):
        return _runs(area, given, height, width)
    from pycocotools import mask as coco

    polygons = []
    for polygon in given if isinstance(given, list) else [given]:
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.zeros(0)
        if points.ndim != 1 or len(points) % 2 or not len(points):
            raise InputError(f"{area.where}: field 'segmentation' is not a list of polygons [x1, y1, x2, y2, ...]")
        if len(points) >= 6 and np.isfinite(points).all():
            far = np.tile([width, height], len(points) // 2)
            polygons.append(np.clip(points, -far, 2 * far).tolist())
    if not polygons:
        return np.zeros((height, width), dtype=bool)
    united = coco.merge(coco.frPyObjects(polygons, height, width))
    return _runs(area, {"size": [height, width], "counts": united["counts"].decode("ascii")}, height, width)


def _runs(area: Area, given: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    """A mask from the lengths of alternating runs of 0 and 1, down the columns."""
    counts = given.get("counts")
    if isinstance(counts, str):
        counts = _unpacked(counts)
    if list(given.get("size") or ()) != [height, width]:
        raise InputError(f"{area.where}: its mask is of size {given.get('size')}, its picture {[height, width]}")
    if not isinstance(counts, list) or not all(isinstance(c, int) and 0 <= c <= height * width for c in counts):
        raise InputError(f"{area.where}: the counts of its mask are not run lengths")
    if sum(counts) != height * width:
        raise InputError(f"{area.where}: its mask has {sum(counts)} pixels, its picture {height * width}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T


def _unpacked(text: str) -> list[int] | None:
    """Run lengths from COCO's packed form (``pycocotools``, rleFrString); None if the text is cut off or malformed.

    ``pycocotools`` itself leaves memory uninitialised where counts fall short, so they are checked first.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 60:
            return None
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return None if shift else counts


@dataclass(frozen=True)
class People:
    """Keypoints of the people in each picture, as :class:`~tlzoo.data.dataset.Targets`.

    Attributes:
        parts: Names of the keypoints.
        points: x, y and visibility of each, one flat list a person.
        boxes: x, y, width, height of each person, where given.
        sizes: Size at which each picture was annotated, where known.
    """

    parts: Sequence[str]
    points: Sequence[Sequence[Sequence[float]]]
    boxes: Sequence[Sequence[Sequence[float] | None]]
    sizes: Sequence[Size | None]

    @property
    def features(self) -> Features:
        """``people`` with ``bbox`` and ``keypoints``, and ``parts``."""
        points = List(List(List(Value("float32"))))
        people = {"bbox": List(List(Value("float32"))), "keypoints": points}
        return Features({"people": people, "parts": List(ClassLabel(names=list(self.parts)))})

    def of(self, index: int, value: Stored) -> Target:
        """The people of one picture; points outside it count as absent, and people without points are left out."""
        place = annotated(value, self.sizes[index])
        annotated_points = np.array(self.points[index], dtype=np.float64).reshape(-1, len(self.parts), 3)
        points, seen = place.points(annotated_points[..., :2]), annotated_points[..., 2] > 0
        inside = seen & ((points >= 0) & (points <= place.seen)).all(-1)
        remarks = Counter({"keypoints outside their picture, taken for absent": int((seen & ~inside).sum())})
        # Where no box is given, the points' own box is taken.
        low, high = (np.where(inside[..., None], points, far) for far in (np.inf, -np.inf))
        around = np.concatenate([low.min(1), np.maximum(high.max(1) - low.min(1), 1)], axis=1)
        given = np.array([b or [np.nan] * 4 for b in self.boxes[index]], dtype=np.float64).reshape(-1, 4)
        boxes, has_area, _ = tidy(given, place)
        boxes = np.where(has_area[:, None], boxes, around)
        is_labelled = np.asarray(inside.any(1))
        remarks["people without keypoints inside their picture, left out"] += int((~is_labelled).sum())
        if not is_labelled.any():
            raise InputError("no person has keypoints inside the picture")
        shown = np.where(inside[..., None], np.concatenate([points, np.clip(annotated_points[..., 2:], 0, 2)], -1), 0.0)
        people = {"bbox": boxes[is_labelled].tolist(), "keypoints": shown[is_labelled].tolist()}
        return Target({"people": people, "parts": list(range(len(self.parts)))}, +remarks)
