"""Tables of boxes: a row a box (``filename,xmin,ymin,xmax,ymax,class``), or a row a picture with its ``objects``.

The first is that of TensorFlow's detection tutorials and of many CSV exports, also with ``x,y,width,height``; the
second is ``metadata.jsonl``, ``metadata.parquet`` or a Parquet file of ``datasets``' ImageFolder, whose boxes are x, y,
width and height.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tlzoo.data.files.annotations.content import Builder, Part, seen_size
from tlzoo.data.files.names import FILE_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.split_names import split_in, split_of
from tlzoo.data.files.tables.formats import Values, holds_rows, read_columns, suffix_of
from tlzoo.data.files.text_files.delimited import column_named
from tlzoo.data.files.walk import is_file, walk
from tlzoo.errors import InputError

PICTURE_COLUMNS = (*FILE_COLUMNS, "image", "image_path", "img", "image_id", "image_name")
CLASS_COLUMNS = (*LABEL_COLUMNS, "class_name", "name", "category_name")
CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("x_min", "y_min", "x_max", "y_max"))
SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))
OBJECTS = "objects"
KINDS = ("category", "categories", "label", "labels", "class", "classes")
"""Fields of ``objects`` that may hold the classes."""
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def matches(folder: Path) -> bool:
    """Whether a table below the folder holds boxes."""
    return any(True for _ in _tables(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each table, in the split that it, or the folder that it is in, is named after."""
    read = []
    for file, columns in _tables(folder):
        split = split_of(file.stem) or split_in(file, folder)
        builder, problems, places = Builder(), [], [*_places(file), *_of_split(file, split)]
        pictures = _grouped(file, columns) if OBJECTS not in columns else _listed(file, columns)
        for name, boxes in pictures:
            try:
                _add(places, name, boxes, builder)
            except InputError as error:
                problems.append(f"{name}: {error}")
        read.append(Part(file, split, builder.content(), places, [file], problems))
    return read


Boxes = list[tuple[str, str, object]]
"""Where each box of a picture is said, its class, and x, y, width and height."""


def _tables(folder: Path) -> Iterator[tuple[Path, Values]]:
    """Tables with boxes, with their columns."""
    for file in walk(folder):
        if suffix_of(file) not in SUFFIXES or (suffix_of(file) == ".jsonl" and not holds_rows(file)):
            continue
        try:
            columns = read_columns(file)
        except InputError:
            continue
        if OBJECTS in columns or (column_named(columns, PICTURE_COLUMNS) and _sides(columns)):
            yield file, columns


def _sides(columns: Values) -> tuple[list[str], bool] | None:
    """The four columns of a box, and whether they are corners."""
    for names, corners in [(names, True) for names in CORNERS] + [(names, False) for names in SIZES]:
        places = [column_named(columns, [name]) for name in names]
        if all(places):
            return [place for place in places if place], corners
    return None


def _places(file: Path) -> list[Path]:
    return [file.parent, file.parent / "images", file.parent.parent, file.parent.parent / "images"]


def _of_split(file: Path, split: str | None) -> list[Path]:
    """Folders beside a table, or in ``images`` there, that are named after its split."""
    near = [place for place in (file.parent, file.parent / "images") if split and place.is_dir()]
    return [
        inner for place in near for inner in sorted(place.iterdir()) if inner.is_dir() and split_of(inner.name) == split
    ]


def _grouped(file: Path, columns: Values) -> Iterator[tuple[str, Boxes]]:
    """The boxes of each picture, from a table with a row a box."""
    picture, kind, sides = column_named(columns, PICTURE_COLUMNS), column_named(columns, CLASS_COLUMNS), _sides(columns)
    if kind is None:
        raise InputError(f"{file}: no column of classes ({', '.join(CLASS_COLUMNS)}); columns: {', '.join(columns)}")
    assert picture is not None and sides is not None
    names, corners = sides
    boxes: dict[str, Boxes] = {}
    rows = zip(columns[picture], columns[kind], *(columns[name] for name in names), strict=True)
    for number, (name, category, *values) in enumerate(rows, start=1):
        own = boxes.setdefault(str(name), [])
        if all(value in ("", None) for value in values):
            continue  # a picture without objects
        own.append((f"{file}: row {number}", str(category), _box(values, corners)))
    yield from boxes.items()


def _box(values: Sequence[object], corners: bool) -> object:
    try:
        x, y, third, fourth = (float(str(value)) for value in values)
    except ValueError:
        return list(values)  # which is no box, as its picture's line says
    return [x, y, third - x, fourth - y] if corners else [x, y, third, fourth]


def _listed(file: Path, columns: Values) -> Iterator[tuple[str, Boxes]]:
    """The boxes of each picture, from a table with a row a picture."""
    picture = column_named(columns, PICTURE_COLUMNS)
    if picture is None:
        raise InputError(f"{file}: no column 'file_name'; columns: {', '.join(columns)}")
    for number, (name, objects) in enumerate(zip(columns[picture], columns[OBJECTS], strict=True), start=1):
        where = f"{file}: row {number}"
        given = objects if isinstance(objects, Mapping) else _turned(objects)
        kind = next((field for field in KINDS if field in given), None)
        boxes, kinds = given.get("bbox") or [], (given.get(kind) or []) if kind else []
        if len(boxes) != len(kinds):
            raise InputError(f"{where}: {len(boxes)} boxes and {len(kinds)} classes ({' or '.join(KINDS)})")
        yield str(name), [(where, str(category), box) for box, category in zip(boxes, kinds, strict=True)]


def _turned(objects: object) -> Mapping[str, list[object]]:
    """A list of objects as lists of their fields."""
    rows = [each for each in objects if isinstance(each, Mapping)] if isinstance(objects, list) else []
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _add(places: Sequence[Path], name: str, boxes: Boxes, builder: Builder) -> None:
    path = next((place / name for place in places if is_file(place / name)), None)
    image = builder.picture(name, seen_size(path) if path else None)
    for where, category, box in boxes:
        builder.add(image, category, where, bbox=box)
