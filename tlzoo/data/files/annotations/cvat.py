"""CVAT's layout: one XML file for all pictures (https://docs.cvat.ai, "CVAT for images")."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.data.files.annotations.content import Builder, Part, outline
from tlzoo.data.files.annotations.xml import elements, root_of
from tlzoo.data.files.split_names import split_of
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CORNERS = ("xtl", "ytl", "xbr", "ybr")


def matches(folder: Path) -> bool:
    """Whether an XML file at the top, or one folder down, is of this form."""
    return any(True for _ in _files(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each split: that of CVAT's own ``subset``, else that of the file's name."""
    read = []
    for file in _files(folder):
        builders: dict[str | None, Builder] = {}
        problems: list[str] = []
        for each in elements(file).iterfind("image"):
            split = split_of(each.get("subset") or "") or split_of(file.stem)
            try:
                _picture(each, file, builders.setdefault(split, Builder()))
            except InputError as error:
                problems.append(str(error))
        places = [file.parent / "images", file.parent, folder / "images", folder]
        for split, builder in builders.items():
            read.append(Part(file, split, builder.content(), places, [file], problems))
            problems = []
    return read


def _files(folder: Path) -> Iterator[Path]:
    candidates = (*sorted(folder.glob("*.xml")), *sorted(folder.glob("*/*.xml")))
    return (file for file in candidates if root_of(file) == "annotations")


def _picture(each: Element, file: Path, builder: Builder) -> None:
    name = each.get("name") or ""
    objects = []
    for position, shape in enumerate((shape for shape in each if shape.tag in ("box", "polygon")), start=1):
        where = f"{file}: picture {name!r}, shape {position}"
        if not (label := (shape.get("label") or "").strip()):
            raise InputError(f"{where}: has no label")
        objects.append((where, label, _fields(shape, where)))
    width, height = each.get("width") or "", each.get("height") or ""
    size = (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None
    image = builder.picture(name, size)
    for where, category, fields in objects:
        builder.add(image, category, where, **fields)


def _fields(shape: Element, where: str) -> dict[str, object]:
    try:
        if shape.tag == "box":
            left, top, right, bottom = (float(shape.get(corner) or "") for corner in CORNERS)
            return {"bbox": [left, top, right - left, bottom - top]}
        pairs = [pair.split(",") for pair in (shape.get("points") or "").split(";")]
        return outline([value for x, y in pairs for value in (float(x), float(y))])
    except ValueError:
        raise InputError(f"{where}: its corners are no numbers") from None
