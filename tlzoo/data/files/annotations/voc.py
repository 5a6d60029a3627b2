"""Pascal VOC's layout: an XML file for each picture (its development kit, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.data.files.annotations.content import Builder, Finder, Part, by_split, part_of
from tlzoo.data.files.annotations.xml import elements, number, root_of
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.text_files import read_text
from tlzoo.data.files.walk import walk
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIDES = ("xmin", "ymin", "xmax", "ymax")


def matches(folder: Path) -> bool:
    """Whether an XML file below the folder describes a picture."""
    return any(root_of(file) == "annotation" for file in _files(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each split: by ``ImageSets/Main``, else by the folders that the files are in."""
    files = [file for file in _files(folder) if root_of(file) == "annotation"]
    sets = _sets(folder)
    splits: dict[str | None, list[Path]] = {}
    if sets:
        for file in files:
            if (split := sets.get(file.stem)) is not None:
                splits.setdefault(split, []).append(file)
    else:
        splits = by_split(files, folder)
    return [part_of(folder, split, own, _picture) for split, own in splits.items()]


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in walk(folder) if file.suffix.lower() == ".xml")


def _sets(folder: Path) -> dict[str, str]:
    """The split of each picture by the lists in ``ImageSets/Main``, where they are; ``trainval`` names none."""
    listed: dict[str, str] = {}
    for file in sorted(folder.glob("**/ImageSets/Main/*.txt")):
        split = split_of(file.stem)
        if split is not None:
            listed |= {line.split()[0]: split for line in read_text(file).splitlines() if line.strip()}
    return listed


def _picture(folder: Path, file: Path, builder: Builder, finder: Finder) -> None:
    """Add the picture of a file.

    Corners are pixels that belong to the object, counted from 1. What is ``difficult`` counts neither way, as in the
    challenge.
    """
    root = elements(file)
    name = (root.findtext("filename") or "").strip()
    picture = finder.of(file, name)
    if picture is None:
        raise InputError(f"{name or file.stem}: no such picture ({file.relative_to(folder)})")
    objects = []
    for position, each in enumerate(root.iterfind("object"), start=1):
        where = f"{file}: object {position}"
        category = (each.findtext("name") or "").strip()
        if not category:
            raise InputError(f"{where}: has no name")
        left, top, right, bottom = (number(each, f"bndbox/{side}", where) for side in SIDES)
        box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
        if right <= left or bottom <= top:
            box = [left - 1, top - 1, 0, 0]
        crowd = (each.findtext("difficult") or "").strip() == "1"
        objects.append((category, where, box, crowd))
    image = builder.picture(picture.relative_to(folder).as_posix(), _size(root))
    for category, where, box, crowd in objects:
        builder.add(image, category, where, bbox=box, iscrowd=int(crowd))


def _size(root: Element) -> tuple[int, int] | None:
    width, height = (root.findtext(f"size/{side}") or "" for side in ("width", "height"))
    return (
        (int(width), int(height)) if width.isdecimal() and height.isdecimal() and int(width) and int(height) else None
    )
