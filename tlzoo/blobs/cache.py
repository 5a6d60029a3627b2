"""What is in the cache: its kinds, sizes and last use; and how it is emptied without harm to a running process.

Only what tlzoo wrote is counted and deleted: entries with checksums beside them, files under their hash, packages
under their place. What a process took from the cache stays until that process ends: each marks the cache as used
(`tlzoo.locks.mark_use`), and an entry is in use if it was last used after the oldest of these processes began.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tlzoo.errors import UnavailableError
from tlzoo.files import CHECKSUMS, forget
from tlzoo.locks import used_since

_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.part")
"""Name of the unfinished work of a process, on the entry of a name."""
_CLOCK_SECONDS = 60.0
"""Difference of two machines' clocks that is allowed for."""


@dataclass(frozen=True)
class Kind:
    """A folder of the cache.

    Attributes:
        name: Of the folder.
        content: What it holds, in a few words.
        pattern: Of the paths of its entries, below it.
        is_own: Whether a path is an entry that tlzoo wrote.
        is_pruned: Whether its entries are deleted without being asked for.
    """

    name: str
    content: str
    pattern: str
    is_own: Callable[[Path], bool]
    is_pruned: bool = True


def _has_checksums(path: Path) -> bool:
    return path.with_name(path.name + CHECKSUMS).is_file()


def _has_hash(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}(\..*)?", path.name) is not None


def _has_place(path: Path) -> bool:
    return path.is_dir() and re.match(r"pypi_|npm_", path.name) is not None


_PLAIN = ("blobs", "parts", "packages", "training", "tried")
"""Kinds whose entries have no checksums beside them."""
KINDS = (
    Kind("blobs", "downloaded weights and data", "*", _has_hash),
    Kind("parts", "interrupted downloads", "*", _has_hash),
    Kind("packages", "wheels and npm tarballs", "*", _has_place),
    Kind("datasets", "prepared data sets", "*", _has_checksums),
    Kind("unpacked", "unpacked archives of own data", "*", _has_checksums),
    Kind("archives", "unpacked archives of the Hub", "*", _has_checksums),
    Kind("stand-ins", "stand-in weights trained here", "*", _has_checksums),
    Kind("features", "features of frozen networks", "*", _has_checksums),
    Kind("training", "states of interrupted fine-tunings", "*", _has_hash),
    Kind("served", "models that are served", "*/*", _has_checksums),
    Kind("tried", "models fine-tuned for visitors of a Space", "*", _has_hash),
    Kind("answers", "answers of paid APIs; pruned only by name", "*", _has_checksums, is_pruned=False),
)


@dataclass(frozen=True)
class Entry:
    """One file or folder of the cache.

    Attributes:
        kind: Name of its kind.
        path: Where it is.
        bytes: Its size.
        used: When it was last used, seconds since the epoch.
    """

    kind: str
    path: Path
    bytes: int
    used: float


def entries(cache: Path, kinds: Collection[str] = ()) -> Iterator[Entry]:
    """Entries of a cache, and what killed processes left of unfinished ones.

    Args:
        cache: The cache; it need not exist.
        kinds: Only these; all by default.

    Raises:
        UnavailableError: It cannot be read.
    """
    try:
        for kind in KINDS:
            if not kinds or kind.name in kinds:
                for path in sorted((cache / kind.name).glob(kind.pattern)):
                    if not path.is_symlink() and (kind.is_own(path) or _LEFTOVER.fullmatch(path.name)):
                        yield _entry(kind.name, path)
    except OSError as error:
        raise UnavailableError(f"{error.filename or cache}: cannot be read ({error.strerror})") from None


def _entry(kind: str, path: Path) -> Entry:
    sums = path.with_name(path.name + CHECKSUMS)
    size, used = 0, 0.0
    for each in (path, sums, *(path.rglob("*") if path.is_dir() else ())):
        with contextlib.suppress(OSError):  # deleted meanwhile, or without checksums
            facts = each.lstat()
            size += facts.st_size if not each.is_dir() else 0
            used = max(used, facts.st_mtime)
    return Entry(kind, path, size, used)


def prune(entry: Entry, since: float, *, dry_run: bool = False) -> bool:
    """Delete an entry, unless it is in use.

    Args:
        entry: The entry.
        since: When the oldest process that uses the cache began (`users_since`).
        dry_run: Whether it stays.

    Returns:
        Whether it is deleted, or would be.

    Raises:
        UnavailableError: It cannot be deleted.
    """
    from filelock import FileLock, Timeout

    if entry.used >= since - _CLOCK_SECONDS:
        return False
    try:
        with contextlib.ExitStack() as held:
            for lock in _locks(entry):
                held.enter_context(FileLock(lock, timeout=0))
            if not dry_run:
                if entry.kind in _PLAIN or _LEFTOVER.fullmatch(entry.path.name):
                    _delete(entry.path)
                else:
                    forget(entry.path)
            return True
    except Timeout:  # an OSError, but not of the file
        return False
    except OSError as error:
        raise UnavailableError(f"{error.filename or entry.path}: cannot be deleted ({error.strerror})") from None


def users_since(cache: Path) -> float:
    """When the oldest process, other than this one, began to use a cache; infinity where none does."""
    return used_since(cache / "locks")


def _locks(entry: Entry) -> list[Path]:
    """Locks of those who write an entry, as far as there are any."""
    leftover = _LEFTOVER.fullmatch(entry.path.name)
    name = leftover["name"] if leftover else entry.path.name
    hashed = entry.path.parents[1] / "locks" / f"{name.partition('.')[0]}.lock"
    return [path for path in (entry.path.with_name(f"{name}.lock"), hashed) if path.is_file()]


def _delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
