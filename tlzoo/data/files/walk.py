"""Files below a folder, and a hash of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tlzoo.errors import InputError


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


def is_file(path: Path) -> bool:
    """Whether there is a file; not, if a table or annotations give a name that no file can have."""
    return os.path.isfile(path)


def check_folder(path: Path, expected: str) -> None:
    """Refuse what is no folder.

    Args:
        path: The path.
        expected: What was expected in it.

    Raises:
        InputError: It is missing, or is a file; says so.
    """
    if not path.is_dir():
        also = f", but a file; name the folder that it is in: try --data {path.parent}" if path.is_file() else ""
        raise InputError(f"{path}: no such folder{also}; expected {expected}")


def walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted, without hidden ones; links are followed, but not in a circle."""
    top = folder.resolve()
    seen = {top, *top.parents}
    files: list[str] = []  # a path takes six times as much memory
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        real = {name: (here / name).resolve() for name in sorted(folders) if not _is_hidden(name)}
        folders[:] = [name for name, target in real.items() if target not in seen]
        seen.update(real.values())
        files += [path for name in names if not _is_hidden(name) and os.path.isfile(path := os.path.join(place, name))]
    yield from map(Path, sorted(files, key=lambda path: path.replace(os.sep, "\0")))  # folder by folder


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))
