"""A person's own pictures with boxes, masks or keypoints, in COCO's form (Lin 2014, 1405.0312) or one read into it.

The form is that of https://cocodataset.org/#format-data: one JSON file a split, or one in all. Coordinates refer to
the pixels as they are stored, before the camera's rotation (EXIF) is applied, unless the file's ``width`` and
``height`` say otherwise. Annotations with ``iscrowd`` are no objects: detections in their boxes, and pixels in their
masks, count neither way; people among them are left out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, Targets
from tlzoo.data.files.annotations import KNOWN, other_layout
from tlzoo.data.files.annotations.content import Annotation, Category, Content, Finder, Id, ImageEntry, Part
from tlzoo.data.files.boxes import FACE, Crowds, Objects, Size, rarest
from tlzoo.data.files.coco.targets import Area, Masks, People
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.split_names import by_folder, split_of
from tlzoo.data.files.text_files import read_json
from tlzoo.data.media.image import IGNORED
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.errors import InputError
from tlzoo.vocabulary import task_facts

PARTS = ("images", "annotations", "categories")
MIN_SIDE = 8
"""Pixels of a side; boxes in smaller pictures may be of one pixel."""
MAX_BEYOND = 0.1
"""Share of boxes that may reach beyond their pictures."""
MAX_PIXELS = 1e9
"""Of a whole number; larger ones may not fit a float."""
E = TypeVar("E", bound=Mapping[str, object])


Categories = dict[Id, Category]
Annotated = Sequence[Sequence[Annotation]]
"""The annotations of each picture."""


@dataclass
class _Picture:
    """One entry of ``images``."""

    name: str
    path: Path
    size: Size | None
    group: str | None
    split: str | None
    annotations: list[Annotation] = field(default_factory=list)


def listing(path: Path, task: str) -> Listing:
    """List pictures with COCO annotations.

    Args:
        path: A JSON file, its pictures beside it, in ``images`` or one folder up; or a folder with one such file, or
            one for each split, named after it (``train.json``, ``instances_val2017.json``, ``valid/*.json``).
        task: A task whose data are annotated with boxes, faces, masks or keypoints.

    Raises:
        InputError: The file does not exist, or an annotation is invalid; names file, annotation and alternatives.
    """
    examples = Listing("image", [], [], [], [], [])
    categories: Categories = {}
    pictures: list[_Picture] = []
    root = path if path.is_dir() else path.parent
    parts = _parts(path, task, examples.notices)
    boxed = task_facts(task).annotation in ("boxes", "faces")
    for part in parts:
        examples.files += part.files
        examples.problems += part.problems
        examples.notices += part.notices
        pictures += _pictures(part, parts[0].file, categories, root, examples, boxed)
    if not pictures:
        why = f"such as {examples.problems[0]}" if examples.problems else "none is named"
        looked = ", ".join(map(str, parts[0].places))
        raise InputError(f"{parts[0].file}: no picture that can be used, {why}; looked in {looked}")
    if not any(p.split for p in pictures):
        splits = [split for split, _ in by_folder([Path(p.name) for p in pictures])]
        if len({*splits} - {None}) > 1:
            pictures = [replace(p, split=split) for p, split in zip(pictures, splits, strict=True)]
    if any(p.split for p in pictures) and (loose := sum(p.split is None for p in pictures)):
        examples.notices.append(f"pictures outside of the splits, left out: {loose:,}")
        pictures = [p for p in pictures if p.split]
    if boxed:
        _check_plausible(pictures, parts[0].file)
    examples.targets, present = _targets(task, pictures, categories, examples, parts[0].file)
    examples.labels = rarest(present)
    examples.inputs = [{"bytes": None, "path": str(p.path)} for p in pictures]
    examples.names = [p.name for p in pictures]
    examples.groups = [p.group or p.name for p in pictures] if any(p.group for p in pictures) else None
    examples.splits = [p.split for p in pictures if p.split] or None
    examples.files += [p.path for p in pictures]
    return examples


def candidates(path: Path) -> list[Path]:
    """JSON files in a folder and one folder down."""
    return [f for f in (*sorted(path.glob("*.json")), *sorted(path.glob("*/*.json"))) if f.name[0] != "."]


def _parts(path: Path, task: str, notices: list[str]) -> list[Part]:
    """Files of annotations with the split that each is; of another layout, in COCO's form."""
    if path.is_file():
        try:
            return [_part(path, None, _read(path))]
        except InputError as error:
            raise InputError(f"{error}; of another layout name the folder: try --data {path.parent}") from None
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; --data takes auto, a data set's name, hub:ID or a path")
    contents: dict[Path, Content] = {}
    reasons = []
    for file in candidates(path):
        try:
            contents[file] = _read(file)
        except InputError as error:
            reasons.append(str(error))
    if not contents:
        if others := other_layout(path):
            return others
        why, masks = f"; {reasons[0]}" if reasons else "", ""
        if task_facts(task).annotation == "mask":
            masks = "no folders 'images' and 'masks', and "
            why += _with_masks(path)
        raise InputError(f"{path}: {masks}no annotations in a layout that is read: {KNOWN}{why}")
    if len(contents) == 1:
        return [_part(file, None, content) for file, content in contents.items()]
    by_split: dict[str | None, list[Path]] = {}
    for file in contents:
        by_split.setdefault(_split(file, path), []).append(file)
    unnamed = by_split.pop(None, [])
    if not by_split:
        raise InputError(f"{path}: which COCO file is which split? name them train.json, val.json...: {_few(unnamed)}")
    if unnamed:
        notices.append(f"{path}: not named after a split, left out: {_few(unnamed)}")
    chosen = {}
    for split, files in by_split.items():
        word = "keypoints" if task_facts(task).annotation == "keypoints" else "instances"  # as COCO names its own
        fitting = files if len(files) == 1 else [f for f in files if word in f.stem]
        if len(fitting) != 1:
            raise InputError(f"{path}: several COCO files for {split}: {_few(files)}; leave one of them there")
        chosen[split] = fitting[0]
    return [_part(file, split, contents[file]) for split, file in chosen.items()]


def _with_masks(path: Path) -> str:
    """A hint, where one folder alone in another has masks."""
    from tlzoo.data.files.mask_folder import has_masks

    inner = [place for place in sorted(path.iterdir()) if place.is_dir() and has_masks(place)]
    return f"; try --data {inner[0]}" if len(inner) == 1 else ""


def _part(file: Path, split: str | None, content: Content) -> Part:
    return Part(file, split, content, _places(file), [file])


def _split(file: Path, root: Path) -> str | None:
    return split_of(file.stem) or (split_of(file.parent.name) if file.parent != root else None)


def _read(path: Path) -> Content:
    content = read_json(path)
    given = [name for name in content if isinstance(name, str)] if isinstance(content, dict) else []
    for name in PARTS:
        if name not in given or not isinstance(content[name], list):
            has = f"; it has: {', '.join(given[:8])}" if given else ""
            raise InputError(f"{path}: no COCO annotation: no list {name!r} (needed: {', '.join(PARTS)}){has}")
        for i, entry in enumerate(content[name]):
            if not isinstance(entry, dict):
                raise InputError(f"{path}: {name}[{i}] is {type(entry).__name__}; expected an object")
    return content  # type: ignore[no-any-return]


def _pictures(
    part: Part, first: Path, categories: Categories, root: Path, examples: Listing, boxed: bool
) -> list[_Picture]:
    """The pictures of one file, with their annotations; its categories are added to ``categories``.

    A picture that is missing, or of which an annotation is wrong, is left out and named; every annotation needs a box
    where ``boxed``.
    """
    file, content = part.file, part.content
    own = _by_id(content["categories"], "category", file, "name")
    for key, category in own.items():
        other = categories.setdefault(key, category)
        if other["name"] != category["name"]:
            raise InputError(f"{file}: category {key!r} is {category['name']!r}, but {other['name']!r} in {first}")
    entries = _by_id(content["images"], "image", file, "file_name")
    group = next((c for c in GROUP_COLUMNS if any(c in e for e in entries.values())), None)
    if group and f"groups from field {group!r} of images" not in examples.notices:
        examples.notices.append(f"groups from field {group!r} of images")
    pictures: dict[Id, _Picture] = {}
    paths: dict[Path, Id] = {}
    names = Counter(_given(entry).name for entry in entries.values())
    finder = Finder()
    for key, entry in entries.items():
        path = _located(_given(entry), part.places, names[_given(entry).name] == 1, finder)
        if path is None:
            examples.problems.append(f"{entry['file_name']}: no such picture (image {key!r} of {file.name})")
            continue
        if path in paths:
            raise InputError(f"{file}: images {paths[path]!r} and {key!r} are the same file, {path}; make them one")
        paths[path] = key
        name = os.path.relpath(path, root)
        fields: Mapping[str, object] = entry
        mine = str(fields[group]) if group and fields.get(group) not in (None, "") else None
        pictures[key] = _Picture(name, path, _size(entry), mine, part.split)
    wrong: dict[Id, str] = {}
    for i, annotation in enumerate(content["annotations"]):
        annotation.setdefault("where", f"{file}: annotation {annotation.get('id', f'number {i}')!r}")
        try:
            _check_known(annotation, "image_id", entries)
        except InputError as error:
            examples.problems.append(str(error))
            continue
        try:
            _check_known(annotation, "category_id", own)
            if boxed:
                _numbers(annotation, "bbox", 4)
        except InputError as error:
            wrong.setdefault(annotation["image_id"], str(error))
        if annotation["image_id"] in pictures:
            pictures[annotation["image_id"]].annotations.append(annotation)
    examples.problems += [f"{pictures[key].name}: {reason}" for key, reason in wrong.items() if key in pictures]
    return [picture for key, picture in pictures.items() if key not in wrong]


def _by_id(entries: Sequence[E], kind: str, file: Path, needed: str) -> dict[Id, E]:
    by_id: dict[Id, E] = {}
    for i, entry in enumerate(entries):
        for name in ("id", needed):
            if not isinstance(entry.get(name), str | int):
                raise InputError(f"{file}: {kind} number {i}: field {name!r} is {_shown(entry.get(name))}")
        key = entry["id"]
        assert isinstance(key, str | int)
        if key in by_id:
            raise InputError(f"{file}: two {kind} entries have id {key!r}")
        by_id[key] = entry
    return by_id


def _check_known(annotation: Annotation, name: str, known: Mapping[Id, object]) -> None:
    value = annotation.get(name)
    if isinstance(value, str) and value not in known and value.isdecimal() and int(value) in known:
        annotation.update({name: int(value)})  # type: ignore[misc]
        return
    if not isinstance(value, str | int) or value not in known:
        what = {"category_id": "categories", "image_id": "images"}[name]
        raise InputError(f"{annotation['where']}: {name} {_shown(value)} is not among the {what}: {_few(known)}")


def _size(entry: ImageEntry) -> Size | None:
    width, height = entry.get("width"), entry.get("height")
    if isinstance(width, int | float) and isinstance(height, int | float) and width >= 1 and height >= 1:
        return int(width), int(height)
    return None


def _places(file: Path) -> list[Path]:
    """Where the pictures of a file may be: beside it, in ``images``, one folder up; or there, in the split's own."""
    base = file.parent
    tail = file.stem.rpartition("_")[2]
    near = (base, base / "images", base.parent, base.parent / "images")
    return [*near, *(folder / tail for folder in near if (folder / tail).is_dir())]


def _given(entry: ImageEntry) -> Path:
    """The path that an entry gives."""
    return Path(str(entry["file_name"]).replace("\\", "/"))


def _located(given: Path, places: Iterable[Path], alone: bool, finder: Finder) -> Path | None:
    """A picture by the path that its entry gives, else by its name ``alone``, unless that may be another picture's.

    It is never above the places themselves.
    """
    for relative in dict.fromkeys((given, Path(given.name)) if alone else (given,)):
        if relative.is_absolute() or not relative.name:
            continue
        for place in places:
            path = Path(os.path.normpath(place / relative))
            if path.is_relative_to(os.path.normpath(place)) and (picture := finder.find(path)):
                return picture
    return None


def _check_plausible(pictures: Sequence[_Picture], file: Path) -> None:
    """Refuse boxes that are no ``x, y, width, height`` in pixels.

    Raises:
        InputError: All are relative to their pictures, or corners.
    """
    sized = [(p.size, _numbers(a, "bbox", 4)) for p in pictures if p.size for a in p.annotations]
    if not sized:
        return
    size, box = (np.array(values, np.float64) for values in zip(*sized, strict=True))
    count = f"all {len(box):,} boxes"
    if (box <= 1).all() and (size > MIN_SIDE).all():
        raise InputError(
            f"{file}: {count} lie between 0 and 1, so they are relative to their pictures; pixels are expected: "
            "multiply x and width by a picture's width, y and height by its height"
        )
    beyond = (box[:, :2] + box[:, 2:] > size + 1).any(axis=1)
    corners = (box[:, 2:] > box[:, :2]).all(axis=1) & (box[:, 2:] <= size + 1).all(axis=1)
    if corners.all() and beyond.mean() > MAX_BEYOND:
        raise InputError(
            f"{file}: {count} look like corners (x1, y1, x2, y2): as x, y, width, height, {beyond.sum():,} reach "
            "beyond their pictures; write x2 - x1 for the width and y2 - y1 for the height"
        )


def _targets(
    task: str, pictures: list[_Picture], categories: Categories, examples: Listing, file: Path
) -> tuple[Targets, list[list[str]]]:
    """The targets of each picture, and the names of its classes."""
    annotation = task_facts(task).annotation
    make = {"mask": _masks, "keypoints": _people}.get(annotation or "")
    objects = [[a for a in p.annotations if not a.get("iscrowd")] for p in pictures]
    if not any(objects):
        has_crowds = any(p.annotations for p in pictures)
        raise InputError(f"{file}: {'every annotation is a crowd' if has_crowds else 'no picture has an annotation'}")
    if make is not None:
        return make(pictures, objects, categories, examples, file)
    used = _names(objects, categories)
    if annotation != "faces":
        place = {k: used.index(str(c["name"])) for k, c in categories.items() if str(c["name"]) in used}
    elif FACE in used:
        used = [FACE]
        place = {k: 0 for k, c in categories.items() if c["name"] == FACE}
    elif len(used) > 1:
        raise InputError(f"{file}: {task} needs a category {FACE!r}; those used: {', '.join(used)}")
    else:
        examples.notices.append(f"category {used[0]!r} is taken for {FACE!r}")
        used, place = [FACE], dict.fromkeys(categories, 0)
    boxes, classes = _boxes(objects, place)
    crowds = [[a for a in p.annotations if a.get("iscrowd")] for p in pictures]
    regions = Crowds(*_boxes(crowds, place))
    targets = Objects(used, boxes, classes, [p.size for p in pictures], regions if any(regions.classes) else None)
    return targets, [[used[c] for c in each] for each in classes]


def _boxes(annotations: Annotated, place: Mapping[Id, int]) -> tuple[list[NDArray[np.float64]], list[list[int]]]:
    """Boxes ``(n, 4)`` and classes of each picture, of annotations whose category has a place among the classes."""
    chosen = [[a for a in each if a["category_id"] in place] for each in annotations]
    boxes = [np.array([_numbers(a, "bbox", 4) for a in each], dtype=np.float64).reshape(-1, 4) for each in chosen]
    return boxes, [[place[a["category_id"]] for a in each] for each in chosen]


def _masks(
    pictures: list[_Picture],
    objects: Annotated,
    categories: Categories,
    examples: Listing,
    file: Path,
) -> tuple[Targets, list[list[str]]]:
    if not any(a.get("segmentation") for each in objects for a in each):
        raise InputError(f"{file}: no annotation has a 'segmentation'; masks are made of them")
    names = ["background", *(n for n in _names(objects, categories) if n != "background")]
    if len(names) > 255:
        raise InputError(f"{file}: {len(names)} classes; a mask holds 255 at most")
    place = {key: names.index(str(c["name"])) for key, c in categories.items() if str(c["name"]) in names}
    areas = [
        [
            Area(a["where"], IGNORED if a.get("iscrowd") else place[a["category_id"]], a.get("segmentation"))
            for a in sorted(p.annotations, key=lambda a: not a.get("iscrowd"))
            if a.get("iscrowd") or a["category_id"] in place
        ]
        for p in pictures
    ]
    present = [[names[place[a["category_id"]]] for a in each] for each in objects]
    return Masks(names, areas, [p.size for p in pictures]), present


def _people(
    pictures: list[_Picture],
    objects: Annotated,
    categories: Categories,
    examples: Listing,
    file: Path,
) -> tuple[Targets, list[list[str]]]:
    people = [
        [a for a in each if isinstance(points := a.get("keypoints"), list) and any(points[2::3])] for each in objects
    ]
    used = {a["category_id"] for each in people for a in each}
    kinds = {tuple(map(str, categories[key].get("keypoints") or COCO_NAMES)) for key in used}
    if not kinds:
        hidden = any(a.get("keypoints") for each in objects for a in each)
        why = "all keypoints have visibility 0, not annotated" if hidden else "no annotation has 'keypoints'"
        raise InputError(f"{file}: {why}; poses are made of them")
    if len(kinds) > 1:
        raise InputError(f"{file}: categories with different 'keypoints'; one kind of pose is read")
    parts = kinds.pop()
    for what, count in (
        ("annotations without keypoints, left out", sum(map(len, objects)) - sum(map(len, people))),
        ("pictures without anybody's keypoints, left out", sum(not each for each in people)),
    ):
        if count:
            examples.notices.append(f"{what}: {count}")
    pictures[:] = [p for p, each in zip(pictures, people, strict=True) if each]
    people = [each for each in people if each]
    points = [[_numbers(a, "keypoints", 3 * len(parts)) for a in each] for each in people]
    boxes = [[_numbers(a, "bbox", 4) if a.get("bbox") else None for a in each] for each in people]
    return People(parts, points, boxes, [p.size for p in pictures]), [["person"] for _ in pictures]


def _names(objects: Annotated, categories: Categories) -> list[str]:
    """Names of the categories that occur, in the order of their ids."""
    used = {a["category_id"] for each in objects for a in each}
    ordered = sorted(used, key=lambda key: (isinstance(key, str), key))
    return list(dict.fromkeys(str(categories[key]["name"]) for key in ordered))


def _numbers(annotation: Mapping[str, object], name: str, count: int) -> list[float]:
    values = annotation.get(name)
    if (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, float) or (isinstance(v, int) and abs(v) < MAX_PIXELS) for v in values)
    ):
        return [float(v) for v in values]
    raise InputError(f"{annotation['where']}: field {name!r} is {_shown(values)}; expected {count} numbers")


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _few(items: Iterable[object]) -> str:
    shown = [i.name if isinstance(i, Path) else repr(i) for i in items]
    return ", ".join(shown[:8]) + (f", ... ({len(shown)} in all)" if len(shown) > 8 else "")
