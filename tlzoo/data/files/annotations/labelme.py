"""LabelMe's layout: a JSON file beside each picture, with its shapes (https://github.com/wkentaro/labelme)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from tlzoo.data.files.annotations.content import Builder, Finder, Part, by_split, outline, part_of, seen_size
from tlzoo.data.files.text_files import read_json
from tlzoo.data.files.walk import walk
from tlzoo.errors import InputError

CIRCLE = 32
"""Corners of the polygon that stands for a circle."""


def matches(folder: Path) -> bool:
    """Whether a JSON file below the folder holds the shapes of one picture."""
    return any(True for _ in _files(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each split, by the folders that they are in."""
    return [part_of(folder, split, files, _picture) for split, files in by_split(_files(folder), folder).items()]


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in walk(folder) if file.suffix.lower() == ".json" and _is_shapes(file))


def _is_shapes(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return '"shapes"' in text and '"imagePath"' in text


def _picture(folder: Path, file: Path, builder: Builder, finder: Finder) -> None:
    content = read_json(file)
    name = str(content.get("imagePath") or "")
    picture = finder.of(file, name)
    if picture is None:
        raise InputError(f"{name or file.stem}: no such picture ({file.relative_to(folder)})")
    objects = []
    for position, shape in enumerate(content["shapes"], start=1):
        where = f"{file}: shape {position}"
        if not isinstance(shape, Mapping) or not str(shape.get("label") or "").strip():
            raise InputError(f"{where}: has no label")
        objects.append((where, str(shape["label"]).strip(), _outline(shape, where)))
    image = builder.picture(picture.relative_to(folder).as_posix(), seen_size(picture))
    for where, category, corners in objects:
        builder.add(image, category, where, **outline(corners))


def _outline(shape: Mapping[str, object], where: str) -> list[float]:
    """The corners of a shape, ``[x, y, ...]``."""
    kind, points = shape.get("shape_type") or "polygon", shape.get("points")
    try:
        pairs = [(float(x), float(y)) for x, y in points]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(f"{where}: its points are no pairs of numbers") from None
    if kind == "rectangle" and len(pairs) == 2:
        (left, top), (right, bottom) = pairs
        pairs = [(left, top), (right, top), (right, bottom), (left, bottom)]
    elif kind == "circle" and len(pairs) == 2:
        (x, y), edge = pairs
        radius = math.dist((x, y), edge)
        turns = [2 * math.pi * each / CIRCLE for each in range(CIRCLE)]
        pairs = [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    elif kind not in ("polygon", "rectangle") or len(pairs) < 3:
        raise InputError(f"{where}: is a {kind} of {len(pairs)} points; polygons, rectangles and circles are read")
    return [value for pair in pairs for value in pair]
