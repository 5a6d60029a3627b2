"""Columns of a data set of the Hub: which one is the input, which the target, and how each kind of target is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from datasets import Audio, ClassLabel, Image, Value, Video
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, classes_of
from tlzoo.data.files.boxes import FACE, Objects, rarest
from tlzoo.data.files.coco.targets import People
from tlzoo.data.files.names import LABEL_COLUMNS
from tlzoo.data.files.text_files.delimited import column_named
from tlzoo.data.files.transcripts import TEXT_COLUMNS, Transcripts
from tlzoo.data.media.image import placement
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.errors import InputError
from tlzoo.vocabulary import Annotation

Columns = Mapping[str, object]
"""Features by the name of their column."""
MEDIA = {"audio": Audio, "image": Image, "video": Video}
"""Features whose values are files."""
INPUT_COLUMNS = {
    "audio": ("audio", "sound", "speech", "recording", "wav"),
    "image": ("image", "img", "picture", "photo", "pixel_values"),
    "video": ("video", "clip"),
}
"""Names of the input's column, where several columns hold files of its kind."""
MASK_COLUMNS = ("mask", "masks", "label", "annotation", "segmentation", "segmentation_mask", "semantic_mask", "seg_map")
OBJECT_COLUMNS = ("objects", "faces", "annotations", "annotation", "labels")
CATEGORIES = (*LABEL_COLUMNS, "label_id", "category_id")
"""What the class of an object may be called."""
MANY_BEYOND = 0.05
"""Share of boxes beyond their picture, as x, y, width and height, above which these are taken for two corners."""
MAX_MEASURED = 200
"""Maximum number of pictures whose size is compared with their boxes."""


@dataclass(frozen=True)
class Column:
    """How a column of targets is read.

    Attributes:
        name: What it is called.
        guess: The column among some features; None where none is of this form.
        lacks: Which of its values say that the target is not given; takes the values and their feature.
        strata: What examples are stratified by, where the values say it; without, the column holds files.
        attach: Makes its values the labels or the targets of a listing whose inputs are there; takes the values, their
            feature, and what errors call it.
        is_class: Whether what examples are stratified by is what is learnt.
    """

    name: str
    guess: Callable[[Columns], str | None]
    lacks: Callable[[Sequence[Any], object], list[bool]]
    strata: Callable[[Sequence[Any], object], list[str]] | None
    attach: Callable[[Listing, Sequence[Any], object, str], None]
    is_class: bool = False


def source_of(features: Columns, kind: str) -> str | None:
    """The column of the input: of several with files of its kind the one with a usual name, else the first."""
    fitting = [name for name, f in features.items() if isinstance(f, MEDIA.get(kind, Value))]
    return column_named(fitting, INPUT_COLUMNS.get(kind, ())) or next(iter(fitting), None)


def without_files(features: Columns) -> list[str]:
    """The columns that hold no files."""
    return [name for name, f in features.items() if not isinstance(f, tuple(MEDIA.values()))]


def _is_none(values: Sequence[Any], feature: object) -> list[bool]:
    return [value is None for value in values]


def _no_strata(values: Sequence[Any], feature: object) -> list[str]:
    return [""] * len(values)


def class_column(features: Columns) -> str | None:
    """The column of classes: one value a row, with a usual name."""
    single = {name: f for name, f in features.items() if isinstance(f, ClassLabel | Value)}
    return column_named(single, LABEL_COLUMNS)


def lacks_class(values: Sequence[Any], feature: object) -> list[bool]:
    """Which rows have no class: tests of competitions keep theirs to themselves."""
    secret = (None, -1) if isinstance(feature, ClassLabel) else (None,)
    return [value in secret for value in values]


def _class_names(values: Sequence[Any], feature: object) -> list[str]:
    names = feature.names if isinstance(feature, ClassLabel) else None
    return [names[v] if names else str(v) for v in values]


def _attach_classes(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    examples.labels = _class_names(targets, feature)


def _strings(features: Columns) -> str | None:
    names = [name for name, f in features.items() if getattr(f, "dtype", "") in ("string", "large_string")]
    return column_named(names, TEXT_COLUMNS)


def _attach_transcripts(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    examples.targets, examples.labels = Transcripts(targets), [""] * len(targets)


def _images(features: Columns) -> str | None:
    images = [name for name, f in features.items() if isinstance(f, Image)]
    return column_named(images, MASK_COLUMNS) or next(iter(images), None)


def _attach_masks(
    examples: Listing, targets: Sequence[Any], feature: object, where: str, names: Sequence[str] | None = None
) -> None:
    from tlzoo.data.files.mask_folder import attach

    attach(examples, targets, names, where)


def _members(feature: object) -> Columns:
    """Features of what a column of objects has of each: lists beside each other, or a list of all."""
    if isinstance(feature, Mapping):
        return {name: getattr(f, "feature", None) for name, f in feature.items()}
    inner = getattr(feature, "feature", None)
    return inner if isinstance(inner, Mapping) else {}


def _with_member(features: Columns, member: str) -> str | None:
    names = [name for name, f in features.items() if member in _members(f)]
    return column_named(names, OBJECT_COLUMNS) or next(iter(names), None)


def _objects(features: Columns) -> str | None:
    return _with_member(features, "bbox")


def _lacks_objects(values: Sequence[Any], feature: object) -> list[bool]:
    """Those without a list; and all, where none has an object: tests of competitions keep them to themselves."""
    counts = [_count(value, feature) for value in values]
    return [not any(counts) or value is None for value in values]


def _count(value: Any, feature: object) -> int:
    if not value:
        return 0
    return len(value["bbox"] or ()) if isinstance(value, Mapping) else len(value)


def _member(value: Any, name: str) -> list[Any]:
    """One member of each object of an example."""
    if not value:
        return []
    return list(value[name] or ()) if isinstance(value, Mapping) else [each[name] for each in value]


def _category(members: Columns) -> str | None:
    return next((name for name in CATEGORIES if name in members), None)


def _categories(values: Sequence[Any], feature: object, category: str | None) -> list[list[str]]:
    """Class of each object of each example; without a category each is a face."""
    if category is None:
        return [[FACE] * _count(value, feature) for value in values]
    classes = _members(feature)[category]
    names: list[str] | None = classes.names if isinstance(classes, ClassLabel) else None
    return [[names[v] if names else str(v) for v in _member(value, category)] for value in values]


def _rarest(values: Sequence[Any], feature: object) -> list[str]:
    return rarest(_categories(values, feature, _category(_members(feature))))


def _attach_objects(examples: Listing, objects: Sequence[Any], feature: object, where: str) -> None:
    members = _members(feature)
    category = _category(members)
    if category is None:
        raise InputError(f"{where}: its objects have no category; they have: {', '.join(members)}")
    named = _categories(objects, feature, category)
    classes = members[category]
    known = classes.names if isinstance(classes, ClassLabel) else classes_of(name for each in named for name in each)
    _attach_boxes(examples, known, objects, named, where)


def _attach_faces(examples: Listing, objects: Sequence[Any], feature: object, where: str) -> None:
    named = _categories(objects, feature, _category(_members(feature)))
    names = {name for each in named for name in each}
    if FACE not in names and len(names) > 1:
        raise InputError(f"{where}: faces need a category {FACE!r}; its own: {', '.join(sorted(names))}")
    if FACE not in names:
        named = [[FACE] * len(each) for each in named]
    _attach_boxes(examples, [FACE], objects, named, where)


def _attach_boxes(
    examples: Listing, names: Sequence[str], objects: Sequence[Any], named: Sequence[Sequence[str]], where: str
) -> None:
    place = {name: i for i, name in enumerate(names)}
    boxes = [np.array(_member(value, "bbox"), dtype=np.float64).reshape(-1, 4) for value in objects]
    places = [[i for i, name in enumerate(each) if name in place] for each in named]
    boxes = [own[chosen] for own, chosen in zip(boxes, places, strict=True)]
    if _are_corners(boxes, examples.inputs):
        boxes = [np.concatenate([own[:, :2], own[:, 2:] - own[:, :2]], axis=1) for own in boxes]
        examples.notices.append(f"{where}: 'bbox' is read as two corners, since boxes of that width leave the picture")
    examples.labels = rarest(named)
    classes = [[place[each[i]] for i in chosen] for each, chosen in zip(named, places, strict=True)]
    examples.targets = Objects(names, boxes, classes, [None] * len(boxes))


def _are_corners(boxes: Sequence[NDArray[np.float64]], pictures: Sequence[Any]) -> bool:
    """Whether boxes are x, y of two corners rather than x, y, width and height."""
    if any((own[:, 2:] < own[:, :2]).any() for own in boxes):
        return False
    total = beyond = 0
    for own, picture in [pair for pair in zip(boxes, pictures, strict=True) if len(pair[0])][:MAX_MEASURED]:
        try:
            place = placement(picture)
        except InputError:
            continue
        total += len(own)
        beyond += int((own[:, :2] + own[:, 2:] > np.array([place.width, place.height]) + 1).any(axis=1).sum())
    return beyond > MANY_BEYOND * total


def _keypoints(features: Columns) -> str | None:
    return column_named(features, ("keypoints",)) or _with_member(features, "keypoints")


def _people(value: Any) -> list[list[float]]:
    """Keypoints of each person of an example that has any, as one flat list a person."""
    given = value if isinstance(value, list) and not (value and isinstance(value[0], Mapping)) else None
    people = given if given is not None else _member(value, "keypoints")
    flat = [np.array(each, dtype=np.float64).ravel().tolist() for each in people if each]
    return [each for each in flat if any(each[2::3])]


def _lacks_people(values: Sequence[Any], feature: object) -> list[bool]:
    return [not _people(value) for value in values]


def _attach_people(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    people = [_people(value) for value in targets]
    sizes = {len(each) // 3 for persons in people for each in persons}
    if sizes != {len(COCO_NAMES)}:
        counts = ", ".join(map(str, sorted(sizes))) or "none"
        raise InputError(
            f"{where}: poses of {len(COCO_NAMES)} keypoints are read, COCO's, as x, y, visibility; has {counts}"
        )
    examples.labels = ["person"] * len(people)
    boxes: list[list[None]] = [[None] * len(each) for each in people]
    examples.targets = People(COCO_NAMES, people, boxes, [None] * len(people))


def masks_of(names: Sequence[str]) -> Column:
    """How masks are read whose values have names, from 0 on."""
    return replace(COLUMNS["mask"], attach=partial(_attach_masks, names=names))


COLUMNS: Mapping[Annotation, Column] = {
    "class": Column("label", class_column, lacks_class, _class_names, _attach_classes, is_class=True),
    "transcript": Column("label", _strings, _is_none, _no_strata, _attach_transcripts),
    "boxes": Column("objects", _objects, _lacks_objects, _rarest, _attach_objects),
    "faces": Column("objects", _objects, _lacks_objects, _rarest, _attach_faces),
    "mask": Column("mask", _images, _is_none, None, _attach_masks),
    "keypoints": Column("keypoints", _keypoints, _lacks_people, _no_strata, _attach_people),
}
"""By how a task's data are annotated."""
