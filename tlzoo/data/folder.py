"""A person's own folder, after the conventions of ``datasets``' AudioFolder, ImageFolder and VideoFolder."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tlzoo.data.dataset import Listing
from tlzoo.errors import InputError

SUFFIXES = {
    "audio": frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff", ".au"}),
    "image": frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}),
    "video": frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".gif"}),
    "text": frozenset({".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet"}),
}
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}
LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
GROUP_COLUMNS = ("group", "speaker", "speaker_id", "voice", "subject", "document", "scene", "patient")


def digest(root: Path, files: Iterable[Path]) -> str:
    """Hash of the names, from ``root`` on, and contents of files; of one that cannot be read, of its name alone."""
    found = hashlib.sha256()
    for path in files:
        found.update(os.path.relpath(path, root).encode() + b"\0")
        try:
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            continue
    return found.hexdigest()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON: {' '.join(str(error).split())}") from None


def listing(folder: Path, kind: str) -> Listing:
    """List a folder of labelled files.

    Either class subfolders, or ``metadata.csv`` with ``file_name`` and a label column; each at the top, or inside
    ``train``, ``validation`` and ``test``.

    Args:
        folder: The folder.
        kind: ``"audio"``, ``"image"`` or ``"video"``.

    Raises:
        InputError: No such folder, no files of that kind, no labels, or fewer than two classes.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; --data takes auto, a data set's name, hub:ID[@revision] or a folder"
        )
    parts = {
        p.name: SPLIT_NAMES[p.name.lower()]
        for p in sorted(folder.iterdir())
        if p.is_dir() and p.name.lower() in SPLIT_NAMES
    }
    found = Listing(kind, [], [], [], [], [] if parts else None)
    for name in parts or [""]:
        _list_part(folder, folder / name, parts.get(name), found)
    if not found.inputs:
        raise InputError(f"{folder}: no {kind} files ({', '.join(sorted(SUFFIXES[kind]))}) with a label")
    classes = set(found.labels)
    if len(classes) < 2:
        raise InputError(
            f"{folder}: only one class ({found.labels[0]!r}); at least two are needed, as subfolders named after the "
            "classes or as values of the label column of metadata.csv"
        )
    if not any(found.groups or []):
        found.groups = None
    found.files = list(_walk(folder, kind))
    return found


def _list_part(root: Path, part: Path, split: str | None, found: Listing) -> None:
    metadata = part / "metadata.csv"
    rows = _from_metadata(metadata, found) if metadata.is_file() else _from_subfolders(part, found.kind)
    for path, label, group in rows:
        found.inputs.append({"bytes": None, "path": str(path)})
        found.labels.append(label)
        found.names.append(str(path.relative_to(root)))
        if found.groups is not None:
            found.groups.append(group)
        if found.splits is not None and split is not None:
            found.splits.append(split)


def _from_metadata(path: Path, found: Listing) -> Iterator[tuple[Path, str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if "file_name" not in columns:
            raise InputError(f"{path}: no column 'file_name'; columns: {', '.join(columns)}")
        label = next((c for c in LABEL_COLUMNS if c in columns), None)
        if label is None:
            raise InputError(f"{path}: no label column ({', '.join(LABEL_COLUMNS)}); columns: {', '.join(columns)}")
        group = next((c for c in GROUP_COLUMNS if c in columns), None)
        notice = f"metadata.csv: label from column {label!r}" + (f", groups from column {group!r}" if group else "")
        if notice not in found.notices:
            found.notices.append(notice)
        for line, row in enumerate(reader, start=2):
            target = path.parent / row["file_name"]
            if not target.resolve().is_relative_to(path.parent.resolve()):
                raise InputError(f"{path}:{line}: file_name {row['file_name']!r} leaves the folder")
            if not row[label]:
                raise InputError(f"{path}:{line}: field {label!r} is empty")
            yield target, row[label], row[group] if group else ""


def _from_subfolders(part: Path, kind: str) -> Iterator[tuple[Path, str, str]]:
    for path in _walk(part, kind):
        relative = path.relative_to(part)
        if len(relative.parts) > 1:
            yield path, relative.parts[0], ""


def _walk(folder: Path, kind: str) -> Iterator[Path]:
    """Files of a kind and metadata, sorted; without those that a system hides."""
    for path in sorted(folder.rglob("*")):
        listed = path.suffix.lower() in SUFFIXES.get(kind, ()) or path.name == "metadata.csv"
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
        if listed and not hidden and path.is_file():
            yield path
