"""YOLO's layout: a text file beside each picture, a line an object, all numbers relative to the picture.

A line holds the class's number and a box (centre x, centre y, width, height), a polygon (x, y of each corner), or a box
and keypoints, as https://docs.ultralytics.com/datasets says; the labels of ``images/a.jpg`` are in ``labels/a.txt``,
or beside it. Classes are named in a YAML file (``names``), in ``classes.txt`` or in ``obj.names``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tlzoo.data.files.annotations.content import Builder, Part, by_split, outline, pictures, seen_size
from tlzoo.data.files.names import SUFFIXES
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.text_files import OLD, read_text
from tlzoo.data.files.walk import walk
from tlzoo.errors import InputError

NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels")
BOX = 4
"""Numbers of a box."""


def matches(folder: Path) -> bool:
    """Whether a YAML file names classes, or a picture has a text file of numbers of its name."""
    if _description(folder) is not None:
        return True
    return any((label := _label(picture)) is not None and _is_label(label) for picture in pictures(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each split, with their boxes; pictures without a text file have no object."""
    described = _description(folder) or _description(folder, "*/*")
    file, description = described or (folder, {})
    names = _names(file, description, folder)
    points = _points(file, description)
    read = []
    for split, files in _splits(folder).items():
        builder, problems, labels = Builder(names), [], []
        for picture in files:
            label = _label(picture)
            name = picture.relative_to(folder).as_posix()
            size = seen_size(picture)
            try:
                objects = _objects(label, size, points) if label is not None and size is not None else []
                _check_known(objects, names, label)
            except InputError as error:
                problems.append(f"{name}: {error}")
                continue
            labels += [label] if label is not None else []
            image = builder.picture(name, size)
            for where, category, fields in objects:
                builder.add(image, category, where, **fields)
        keypoints = [f"point {number + 1}" for number in range(points[0])] if points else ()
        own = [*labels, *([file] if described else [])]
        missing = sum(_label(picture) is None for picture in files)
        where = f"{split}: " if split else ""
        notices = [f"{where}pictures without a text file, taken to have no object: {missing:,}"] if missing else []
        read.append(Part(file, split, builder.content(keypoints), [folder], own, problems, notices))
    return read


def _splits(folder: Path) -> dict[str | None, list[Path]]:
    """The pictures of each split: by the folders that they are in, else by lists such as ``train.txt``."""
    splits = by_split(pictures(folder), folder)
    if splits.keys() != {None} or not (listed := _listed(folder)):
        return splits
    splits = {}
    for picture in pictures(folder):
        splits.setdefault(listed.get(picture.name), []).append(picture)
    return splits


def _listed(folder: Path) -> dict[str, str]:
    """The split of each picture by its name, as text files of paths say that are named after splits."""
    listed: dict[str, str] = {}
    for file in (*sorted(folder.glob("*.txt")), *sorted(folder.glob("*/*.txt"))):
        if (split := split_of(file.stem)) is None:
            continue
        names = [Path(line.strip().replace("\\", "/")) for line in read_text(file, OLD).splitlines() if line.strip()]
        if names and all(name.suffix.lower() in SUFFIXES["image"] for name in names):
            listed |= {name.name: split for name in names}
    return listed if "train" in listed.values() else {}


def _description(folder: Path, place: str = "*") -> tuple[Path, Mapping[str, object]] | None:
    """The YAML file that names classes, by the pattern of its place in the folder, with its content.

    Raises:
        InputError: One at the top is no YAML; those of folders in it may be of anything.
    """
    for file in sorted((*folder.glob(f"{place}.yaml"), *folder.glob(f"{place}.yml"))):
        try:
            content = yaml.safe_load(read_text(file))
        except yaml.YAMLError as error:
            if place != "*":
                continue
            raise InputError(f"{file}: {error}") from None
        if isinstance(content, dict) and "names" in content:
            return file, content
    return None


def _names(file: Path, description: Mapping[str, object], folder: Path) -> dict[int, str] | None:
    """Names of the classes by number; None where the layout names none: a class's number is its name then."""
    given = description.get("names")
    if isinstance(given, list):
        return {number: str(name) for number, name in enumerate(given)}
    if isinstance(given, Mapping):
        try:
            return {int(number): str(name) for number, name in given.items()}
        except (TypeError, ValueError):
            raise InputError(f"{file}: field 'names' has a key that is no number") from None
    for path in walk(folder):
        if path.name in NAME_FILES:
            return dict(enumerate(read_text(path).split("\n"))) if "\n" in read_text(path).strip() else None
    return None


def _points(file: Path, description: Mapping[str, object]) -> tuple[int, int] | None:
    """Number of keypoints of an object, and of numbers of each: 2, or 3 with its visibility."""
    shape = description.get("kpt_shape")
    if shape is None:
        return None
    if isinstance(shape, Sequence) and len(shape) == 2 and isinstance(shape[0], int) and shape[1] in (2, 3):
        return shape[0], shape[1]
    raise InputError(f"{file}: field 'kpt_shape' is {shape!r}; expected [points, 2] or [points, 3]")


def _label(picture: Path) -> Path | None:
    """The text file of a picture: in ``labels`` instead of the last ``images`` of its path, or beside it."""
    places = [picture.with_suffix(".txt")]
    folders = picture.parts
    for place in reversed(range(len(folders) - 1)):
        if folders[place].lower() == "images":
            places.insert(0, Path(*folders[:place], "labels", *folders[place + 1 :]).with_suffix(".txt"))
            break
    return next((path for path in places if path.is_file()), None)


def _is_label(file: Path) -> bool:
    """Whether the first line that is not blank is of numbers, the first of them whole."""
    try:
        first = next((line.split() for line in read_text(file).splitlines() if line.strip()), [])
        return len(first) > BOX and int(first[0]) >= 0 and all(map(_is_number, first))
    except (InputError, ValueError):
        return False


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


Object = tuple[str, int, dict[str, object]]
"""Where an object is said, its class, and its fields in COCO's form."""


def _objects(file: Path, size: tuple[int, int], points: tuple[int, int] | None) -> list[Object]:
    """The objects of a text file.

    Raises:
        InputError: A line is wrong; gives its number.
    """
    objects: list[Object] = []
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if not (words := line.split()):
            continue
        where = f"{file}:{number}"
        try:
            category, values = int(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            raise InputError(f"{where}: {line.strip()[:60]!r}; expected the class's number and numbers") from None
        objects.append((where, category, _fields(values, size, points, where)))
    return objects


def _fields(
    values: Sequence[float], size: tuple[int, int], points: tuple[int, int] | None, where: str
) -> dict[str, object]:
    if max(values, default=0) > 2:  # a box may reach a little beyond its picture
        raise InputError(f"{where}: {max(values):g} is not relative to the picture, from 0 to 1")
    width, height = size
    if points is not None:
        count, each = points
        if len(values) != BOX + count * each:
            raise InputError(f"{where}: {len(values)} numbers after the class; expected {BOX + count * each}")
        return {"bbox": _box(values[:BOX], size), "keypoints": _keypoints(values[BOX:], each, size)}
    if len(values) == BOX:
        return {"bbox": _box(values, size)}
    if len(values) < 6 or len(values) % 2:
        raise InputError(f"{where}: {len(values)} numbers after the class; expected 4 of a box or pairs of a polygon")
    return outline([value * (height if place % 2 else width) for place, value in enumerate(values)])


def _box(values: Sequence[float], size: tuple[int, int]) -> list[float]:
    """A relative centre and size as ``[x, y, width, height]``, pixels."""
    x, y, width, height = values
    return [(x - width / 2) * size[0], (y - height / 2) * size[1], width * size[0], height * size[1]]


def _keypoints(values: Sequence[float], each: int, size: tuple[int, int]) -> list[float]:
    """``[x, y, visibility]`` of each point, in pixels; a point at 0, 0 is not annotated."""
    points: list[float] = []
    for x, y, *seen in (values[i : i + each] for i in range(0, len(values), each)):
        visible = seen[0] if seen else 2.0 * bool(x or y)
        points += [x * size[0], y * size[1], visible]
    return points


def _check_known(objects: Sequence[Object], names: Mapping[int, str] | None, file: Path | None) -> None:
    for where, category, _ in objects:
        if names is not None and category not in names:
            raise InputError(f"{where}: class {category} has no name; named: {min(names)} to {max(names)}")
