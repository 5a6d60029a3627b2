"""COCO's form of annotations (https://cocodataset.org/#format-data), which every layout is read into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NotRequired, TypedDict

from tlzoo.data.files.names import SUFFIXES
from tlzoo.data.files.split_names import split_in
from tlzoo.data.files.walk import is_file, walk
from tlzoo.data.media.image import placement
from tlzoo.errors import InputError

Id = int | str
PICTURE_FOLDERS = ("JPEGImages", "images", "Images", "imgs")
"""Folders of pictures, as layouts name them."""


class Category(TypedDict):
    """An entry of ``categories``."""

    id: Id
    name: Id
    keypoints: NotRequired[Sequence[object]]


class ImageEntry(TypedDict):
    """An entry of ``images``; it may have more, such as a group."""

    id: Id
    file_name: Id
    width: NotRequired[object]
    height: NotRequired[object]


class Annotation(TypedDict):
    """An entry of ``annotations``; ``where`` is what errors call it, and is not in the file."""

    image_id: Id
    category_id: Id
    id: NotRequired[Id]
    iscrowd: NotRequired[object]
    bbox: NotRequired[object]
    segmentation: NotRequired[object]
    keypoints: NotRequired[object]
    where: NotRequired[str]


class Content(TypedDict):
    """A file of annotations."""

    images: list[ImageEntry]
    annotations: list[Annotation]
    categories: list[Category]


@dataclass
class Part:
    """Annotations of one split, or of all.

    Attributes:
        file: What messages call them.
        split: The split, if the layout says so.
        content: The annotations.
        places: Folders that the names of pictures are relative to.
        files: Files that decide them, besides the pictures.
        problems: One line for each picture that is left out, since what is said of it cannot be read.
        notices: What a person should know of the rest.
    """

    file: Path
    split: str | None
    content: Content
    places: Sequence[Path]
    files: Sequence[Path] = ()
    problems: list[str] = field(default_factory=list)
    notices: Sequence[str] = ()


class Builder:
    """Collects pictures with what is on them, in COCO's form.

    Attributes:
        names: Names of the classes by index, where the layout lists them; else a class's name is its id.
    """

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        """Begin without pictures."""
        self.names = names
        self._images: list[ImageEntry] = []
        self._annotations: list[Annotation] = []

    def picture(self, name: str, size: tuple[int, int] | None) -> int:
        """Add a picture, by its name and its width and height where they are known; gives its id."""
        entry: ImageEntry = {"id": len(self._images) + 1, "file_name": name}
        if size is not None:
            entry |= {"width": size[0], "height": size[1]}
        self._images.append(entry)
        return len(self._images)

    def add(self, image: int, category: Id, where: str, **fields: object) -> None:
        """Add an annotation of a picture: its class, and ``bbox``, ``segmentation`` or ``keypoints``."""
        annotation: Annotation = {"image_id": image, "category_id": category, "where": where}
        self._annotations.append(annotation | fields)  # type: ignore[arg-type]

    def content(self, keypoints: Sequence[str] = ()) -> Content:
        """Everything, in COCO's form; all classes have the same keypoints, if any."""
        used = {annotation["category_id"] for annotation in self._annotations}
        named: Iterable[tuple[Id, str]] = (
            ((key, str(key)) for key in used) if self.names is None else self.names.items()
        )
        categories: list[Category] = [{"id": key, "name": name} for key, name in named]
        for category in categories if keypoints else ():
            category["keypoints"] = keypoints
        return {"images": self._images, "annotations": self._annotations, "categories": categories}


def outline(corners: Sequence[float]) -> dict[str, object]:
    """The fields of an annotation with a polygon, ``[x, y, ...]``: itself, and the box around it."""
    xs, ys = corners[::2], corners[1::2]
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    return {"bbox": box, "segmentation": [list(corners)]}


def part_of(
    folder: Path, split: str | None, files: Sequence[Path], add: Callable[[Path, Path, Builder, Finder], None]
) -> Part:
    """A split with a file for each picture.

    Args:
        folder: The folder of the data.
        split: The split.
        files: The files.
        add: Adds the picture of a file; takes the folder, the file, and what collects and finds pictures. Where it
            raises an ``InputError``, the picture is left out and named.
    """
    builder, problems, finder = Builder(), [], Finder()
    for file in files:
        try:
            add(folder, file, builder, finder)
        except InputError as error:
            problems.append(str(error))
    return Part(folder, split, builder.content(), [folder], files, problems)


def pictures(folder: Path) -> Iterator[Path]:
    """Pictures below a folder, sorted."""
    return (path for path in walk(folder) if path.suffix.lower() in SUFFIXES["image"])


def seen_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture as it is seen, the camera's rotation applied; None if it cannot be read."""
    try:
        return placement({"bytes": None, "path": str(path)}).seen
    except InputError:
        return None


class Finder:
    """Finds pictures by name in folders; case, and a suffix that the name lacks, may differ from the file's."""

    def __init__(self) -> None:
        """Begin without folders, each of which is read once."""
        self._folders: dict[Path, Mapping[str, Path]] = {}

    def find(self, path: Path) -> Path | None:
        """The picture at a path, or the one that is named alike there."""
        if is_file(path):
            return path
        if path.parent not in self._folders:
            self._folders[path.parent] = _by_name(path.parent)
        return self._folders[path.parent].get(path.name.casefold())

    def of(self, file: Path, name: str) -> Path | None:
        """The picture that a file of annotations is of: by the name it gives, else by its own.

        It is looked for beside the file, in a folder of pictures beside that one's folder, and there only.
        """
        home = file.parent
        folders = [home, *(top / folder for top in (home, home.parent) for folder in PICTURE_FOLDERS)]
        names = [Path(name.replace("\\", "/")).name, file.stem] if name else [file.stem]
        paths = (self.find(folder / each) for each in names for folder in folders)
        return next((path for path in paths if path is not None), None)


def _by_name(folder: Path) -> Mapping[str, Path]:
    """The pictures in a folder by their names in small letters, with and, where it is of one alone, without suffix."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    images = [file for file in files if file.suffix.lower() in SUFFIXES["image"]]
    stems = Counter(file.stem.casefold() for file in images)
    short = {file.stem.casefold(): file for file in images if stems[file.stem.casefold()] == 1}
    return short | {file.name.casefold(): file for file in images}


def by_split(files: Iterable[Path], folder: Path) -> dict[str | None, list[Path]]:
    """Files by the split that a folder above them is named after."""
    parts: dict[str | None, list[Path]] = {}
    for file in files:
        parts.setdefault(split_in(file, folder), []).append(file)
    return parts
