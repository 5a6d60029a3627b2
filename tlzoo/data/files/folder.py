"""A user's own folder of labelled files, laid out like ``datasets``' AudioFolder, ImageFolder and VideoFolder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tlzoo.data.dataset import Listing
from tlzoo.data.files.split_names import is_plain, split_of, splits_among
from tlzoo.data.files.text_files.delimited import Sheet, column_named, read_sheet
from tlzoo.errors import InputError

SUFFIXES = {
    "audio": frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff", ".au"}),
    "image": frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}),
    "video": frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".gif"}),
    "text": frozenset({".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"}),
}
METADATA = "metadata.csv"
LABEL_COLUMNS = (
    "label",
    "labels",
    "class",
    "category",
    "target",
    "label_text",
    "class_label",
    "gold_label",
    "sentiment",
    "airline_sentiment",
    "intent",
    "emotion",
    "topic",
    "tag",
    "rating",
    "stars",
    "y",
)
GROUP_COLUMNS = (
    "group",
    "speaker",
    "speaker_id",
    "voice",
    "subject",
    "document",
    "scene",
    "patient",
    "patient_id",
    "subject_id",
    "participant",
    "participant_id",
    "session",
    "session_id",
)
FILE_COLUMNS = ("file_name", "filename", "file", "path")
"""Columns of ``metadata.csv`` that may name the file."""


def digest(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 of the names, relative to ``root``, and contents of files; of unreadable files only the name counts."""
    sha256 = hashlib.sha256()
    for path in files:
        sha256.update(os.fsencode(os.path.relpath(path, root)) + b"\0")
        try:
            with path.open("rb") as file:
                sha256.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            continue
    return sha256.hexdigest()


def walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted, without hidden ones; links are followed, but not in a circle."""
    top = folder.resolve()
    seen = {top, *top.parents}
    files: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        real = {name: (here / name).resolve() for name in sorted(folders) if not _is_hidden(name)}
        folders[:] = [name for name, target in real.items() if target not in seen]
        seen.update(real.values())
        files += [path for name in names if not _is_hidden(name) and (path := here / name).is_file()]
    yield from sorted(files)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def listing(folder: Path, kind: str) -> Listing:
    """List a folder of labelled files.

    The folder has either subfolders named after classes, or ``metadata.csv`` with ``file_name`` and a label column;
    both lie at the top or inside folders named after splits (``tlzoo.data.files.split_names``), such as ``train``,
    ``validation`` and ``test``.

    Args:
        folder: The folder.
        kind: ``"audio"``, ``"image"`` or ``"video"``.

    Raises:
        InputError: The folder does not exist, or has no files of that kind, no labels, or fewer than two classes.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; --data takes auto, a data set's name, hub:ID[:CONFIG][@REVISION] or a folder"
        )
    files = list(_walk(folder, kind))
    examples = Listing(kind, [], [], [], [], [], files=files)
    parts = _parts(folder, files, examples.notices)
    in_one = (folder / METADATA).is_file() and not any((folder / name / METADATA).is_file() for name in parts)
    for name in ("",) if in_one or not parts else parts:
        _list_part(folder, name, parts, examples)
    if not examples.inputs:
        inside = f" in {', '.join(parts)}, which are read as splits" if parts else ""
        raise InputError(f"{folder}: no {kind} files ({', '.join(sorted(SUFFIXES[kind]))}) with a label{inside}")
    classes = set(examples.labels)
    if len(classes) < 2:
        raise InputError(
            f"{folder}: only one class ({examples.labels[0]!r}); at least two are needed, as subfolders named after "
            f"the classes or as values of the label column of metadata.csv{_instead(folder, files)}"
        )
    if not any(examples.groups or []):
        examples.groups = None
    return examples


def _parts(folder: Path, files: Sequence[Path], notices: list[str]) -> dict[str, str]:
    """The folders at the top that are splits, with the split of each; ambiguous decisions are added to ``notices``.

    Folders named after splits are splits, but not beside classes: if some of them hold files rather than folders of
    classes, they count as classes, unless there are no other folders.
    """
    inside: dict[str, list[Path]] = {}
    for path in files:
        relative = path.relative_to(folder)
        if len(relative.parts) > 1:
            inside.setdefault(relative.parts[0], []).append(relative)
    named = {name: split for name in inside if (split := split_of(name))}
    nested = [name for name in named if any(len(p.parts) > 2 or p.name == METADATA for p in inside[name])]
    beside = [name for name in inside if name not in named]
    is_listed = (folder / METADATA).is_file()
    splits = splits_among(inside)
    if nested and nested == list(named) and len(beside) == 1:
        splits = named  # such as train, beside unlabelled pictures
    elif not nested and not is_listed and (beside or len(set(named.values())) < len(named)):
        splits = {}  # these hold no folders of classes
    if splits and (beside or not all(map(is_plain, splits))):
        also = f"; other folders, left out: {', '.join(beside)}" if beside and not is_listed else ""
        notices.append("splits: " + ", ".join(f"{name} is {split}" for name, split in splits.items()) + also)
    elif not splits and any(map(is_plain, named)):
        notices.append(f"folders read as classes, not as splits: {', '.join(filter(is_plain, named))}")
    return splits


def _instead(folder: Path, files: Sequence[Path]) -> str:
    """Hints for a folder with a single subfolder."""
    inner, names = folder, _folders(folder, files)
    while len(names) == 1:
        inner /= names.pop()
        names = _folders(inner, files)
    tables = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in (".csv", ".tsv") and p.name != METADATA)
    hints = [f"try --data {inner}"] if names else []
    hints += [f"rename {tables[0]} to {METADATA}, with columns file_name and label"] if tables else []
    return "".join(f"; {hint}" for hint in hints)


def _folders(folder: Path, files: Sequence[Path]) -> set[str]:
    """Names of the folders in a folder that hold some of the files."""
    inside = (path.relative_to(folder).parts for path in files if path.is_relative_to(folder))
    return {parts[0] for parts in inside if len(parts) > 1}


def _list_part(root: Path, name: str, parts: Mapping[str, str], examples: Listing) -> None:
    """List the folder of one split, or, if ``name`` is empty, the whole folder."""
    part = root / name
    metadata = part / METADATA
    rows = _from_metadata(metadata, examples) if metadata.is_file() else _from_subfolders(part, examples)
    assert examples.groups is not None and examples.splits is not None
    for path, label, group, beside in rows:
        relative = path.relative_to(root)
        examples.inputs.append({"bytes": None, "path": str(path)})
        examples.labels.append(label)
        examples.names.append(str(relative))
        examples.groups.append(group)
        examples.splits.append(parts.get(relative.parts[0], "train"))
        examples.put_beside(beside)


def _from_metadata(path: Path, examples: Listing) -> Iterator[tuple[Path, str, str, Mapping[str, str]]]:
    sheet = read_sheet(path)
    columns = sheet.columns
    label = column_named(columns, LABEL_COLUMNS)
    files = named_files(path, sheet)
    if label is None:
        raise InputError(f"{path}: no label column ({', '.join(LABEL_COLUMNS)}); columns: {', '.join(columns)}")
    group = column_named(columns, GROUP_COLUMNS)
    notice = f"metadata.csv: label from column {label!r}" + (f", groups from column {group!r}" if group else "")
    if notice not in examples.notices:
        examples.notices.append(notice)
    others = unread(columns, label)
    for row, (line, target) in enumerate(zip(sheet.lines, files, strict=True)):
        if not columns[label][row].strip():
            raise InputError(f"{path}:{line}: field {label!r} is empty")
        beside = {name: columns[name][row] for name in others}
        yield target, columns[label][row].strip(), columns[group][row] if group else "", beside


def unread(columns: Iterable[str], target: str) -> list[str]:
    """Columns of a ``metadata.csv`` that hold neither the target nor the file."""
    file = column_named(columns := list(columns), FILE_COLUMNS)
    return [name for name in columns if name not in (target, file)]


def named_files(path: Path, sheet: Sheet) -> list[Path]:
    """The file that each row of a ``metadata.csv`` names, below the folder of the table.

    Raises:
        InputError: No column names files, or a name is empty or leaves the folder; gives the line.
    """
    column = column_named(sheet.columns, FILE_COLUMNS)
    if column is None:
        raise InputError(f"{path}: no column 'file_name'; columns: {', '.join(sheet.columns)}")
    home = path.parent.resolve()
    files = []
    for line, name in zip(sheet.lines, sheet.columns[column], strict=True):
        if not name.strip():
            raise InputError(f"{path}:{line}: field {column!r} is empty")
        given = home / name.strip().replace("\\", "/")
        whole = given.resolve()
        if not whole.is_relative_to(home):
            raise InputError(f"{path}:{line}: file_name {name!r} leaves the folder")
        files.append(path.parent / (given if given.is_relative_to(home) else whole).relative_to(home))
    return files


def _from_subfolders(part: Path, examples: Listing) -> Iterator[tuple[Path, str, str, Mapping[str, str]]]:
    """Files in subfolders of classes; blanks around a subfolder's name do not make another class."""
    loose = 0
    names: dict[str, set[str]] = {}
    for path in examples.files:
        if not path.is_relative_to(part) or path.name == METADATA:
            continue
        relative = path.relative_to(part)
        if len(relative.parts) == 1:
            loose += 1
            continue
        name = relative.parts[0]
        names.setdefault(name.strip(), set()).add(name)
        yield path, name.strip(), "", {}
    for label, folders in names.items():
        if len(folders) > 1:
            examples.notices.append(f"one class: the folders {' and '.join(map(repr, sorted(folders)))} are {label!r}")
    if loose:
        examples.notices.append(f"{part.name}: files outside the folders of classes, left out: {loose:,}")


def _walk(folder: Path, kind: str) -> Iterator[Path]:
    """Files of a kind and metadata."""
    for path in walk(folder):
        if path.suffix.lower() in SUFFIXES.get(kind, ()) or path.name == METADATA:
            yield path
