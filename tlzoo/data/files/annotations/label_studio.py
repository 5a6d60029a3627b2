"""Label Studio's own JSON export: a list of tasks with results in per cent of the picture.

The form is that of https://labelstud.io/guide/export: ``rectanglelabels`` and ``polygonlabels`` are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from tlzoo.data.files.annotations.content import Builder, Part, outline, pictures
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.text_files import read_json
from tlzoo.errors import InputError

KINDS = ("rectanglelabels", "polygonlabels")
_BEGINNING = 65_536
_PREFIX = 8
"""Letters that Label Studio puts before the name of an uploaded picture, with a hyphen."""


def matches(folder: Path) -> bool:
    """Whether a JSON file at the top holds tasks with results."""
    return any(True for _ in _files(folder))


def parts(folder: Path) -> list[Part]:
    """The pictures of each file, in the split that it is named after."""
    known = {path.name: path.relative_to(folder).as_posix() for path in pictures(folder)}
    read = []
    for file in _files(folder):
        builder, problems = Builder(), []
        for task in read_json(file):
            try:
                _picture(task, file, known, builder)
            except InputError as error:
                problems.append(str(error))
        read.append(Part(file, split_of(file.stem), builder.content(), [folder], [file], problems))
    return read


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.glob("*.json")):
        try:
            beginning = file.open(encoding="utf-8", errors="replace").read(_BEGINNING)
        except OSError:
            continue
        if beginning.lstrip().startswith("[") and any(f'"{kind}"' in beginning for kind in KINDS):
            yield file


def _picture(task: object, file: Path, known: Mapping[str, str], builder: Builder) -> None:
    where = f"{file}: task {task.get('id', '')}" if isinstance(task, Mapping) else str(file)
    if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
        raise InputError(f"{where}: has no data")
    address = next((value for value in task["data"].values() if isinstance(value, str)), "")
    name = unquote(address).replace("\\", "/").rpartition("/")[2]
    picture = known.get(name) or known.get(name[_PREFIX + 1 :] if name[_PREFIX : _PREFIX + 1] == "-" else "")
    if picture is None:
        raise InputError(f"{where}: no such picture: {name or 'none is named'}")
    results = [result for each in task.get("annotations") or [] for result in each.get("result") or []]
    objects, size = [], None
    for result in results:
        kind = result.get("type")
        if kind not in KINDS:
            continue
        value, labels = result.get("value") or {}, (result.get("value") or {}).get(kind) or []
        try:
            size = int(result["original_width"]), int(result["original_height"])
            fields = _fields(kind, value, size)
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{where}: a result lacks its numbers") from None
        if len(labels) != 1:
            raise InputError(f"{where}: a result has {len(labels)} labels; expected one")
        objects.append((str(labels[0]), fields))
    image = builder.picture(picture, size)
    for category, fields in objects:
        builder.add(image, category, where, **fields)


def _fields(kind: str, value: Mapping[str, object], size: tuple[int, int]) -> dict[str, object]:
    """A result's box or polygon in pixels."""
    across, down = size[0] / 100, size[1] / 100
    if kind == "rectanglelabels":
        if float(value.get("rotation") or 0):  # type: ignore[arg-type]
            raise ValueError
        x, y, width, height = (float(value[name]) for name in ("x", "y", "width", "height"))  # type: ignore[arg-type]
        return {"bbox": [x * across, y * down, width * across, height * down]}
    pairs = [(float(x) * across, float(y) * down) for x, y in value["points"]]  # type: ignore[attr-defined]
    return outline([each for pair in pairs for each in pair])
