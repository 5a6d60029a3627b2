"""Files that are written whole or not at all, and kept files that show when they were damaged.

What is kept to be used again, a file or a folder of files, has its checksums beside it, in ``NAME.sha256``, as
``sha256sum`` writes and checks them. What differs from them, or has none, is deleted and made anew. That heals a disk
that is full or faulty, a process that was killed, a file that was edited, and a file of an earlier version; who may
write a cache on purpose can write the checksums too.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tlzoo.errors import InputError, UnavailableError
from tlzoo.locks import locked

CHECKSUMS = ".sha256"
DISK_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hash a file.

    Args:
        path: The file.

    Returns:
        Its sha256, 64 lower-case hex digits.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file, or a folder of files, so that it is there whole or not at all, even after a power cut.

    Args:
        path: Where to; an earlier file there is replaced, an earlier folder is not. Its folder exists.
        write: Writes to the path that it gets, which has the same name.

    Raises:
        OSError: It cannot be written; then nothing has changed.
    """
    with _unfinished(path) as temporary:
        write(temporary)
        settle(temporary)
        os.replace(temporary, path)
        _sync(path.parent)


def settle(path: Path) -> None:
    """See a file, or all of a folder, to the disk, with the permissions that new files have."""
    mode = path.parent.stat().st_mode & 0o666
    for each in _tree(path):
        if each.is_file():
            each.chmod(mode)  # some writers make what they write private
        _sync(each)


def kept(path: Path, make: Callable[[Path], object], what: str) -> Path:
    """A file or folder that is kept to be used again: intact as it was written, or made now.

    Where it is intact no lock is needed, so that a full cache may be read-only.

    Args:
        path: Where it is kept.
        make: Writes it to the path that it gets, which has the same name.
        what: What it is, as messages call it.

    Returns:
        The path.

    Raises:
        UnavailableError: It has to be made, and cannot be written.
    """
    if path.exists() and damage(path) is None:
        return path
    try:
        with locked(path.with_name(f"{path.name}.lock"), what):
            reason = damage(path) if path.exists() else None
            if reason is None and path.exists():
                return path  # another process made it meanwhile
            if reason is not None:
                print(f"{path}: {reason}; {what}: made anew", file=sys.stderr)
            _make(path, make)
    except OSError as error:
        if error.errno in (*DISK_FULL, errno.EACCES, errno.EPERM, errno.EROFS):
            reason = "the disk is full" if error.errno in DISK_FULL else error.strerror
            raise UnavailableError(f"{path}: cannot be written ({reason}); set TLZOO_CACHE to another folder") from None
        raise
    return path


def damage(path: Path) -> str | None:
    """What is wrong with a kept file or folder, in a few words; ``None`` where it is as it was written."""
    try:
        wanted, there = _checksums(path).read_bytes(), _sums(path)
    except FileNotFoundError:
        return "it has no checksum"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    if wanted == there:
        return None
    lines = (set(wanted.splitlines()), set(there.splitlines()))
    names = sorted({os.fsdecode(line[66:]) for line in lines[0] ^ lines[1]})
    return f"{', '.join(names[:3])} differs from its checksum" if names else "its checksum is damaged"


def forget(path: Path) -> None:
    """Delete a kept file or folder, and its checksums."""
    _delete(path)
    _delete(_checksums(path))


def writable_folder(path: Path, option: str) -> Path:
    """Make a folder, and try to write to it, before work is done whose results it is for.

    Args:
        path: The folder; a leading ``~`` is expanded.
        option: How a person named it, such as ``"--out"``.

    Returns:
        The folder.

    Raises:
        InputError: It cannot be made or written.
    """
    with contextlib.suppress(RuntimeError):  # no such person
        path = path.expanduser()
    probe = path / f".{secrets.token_hex(4)}.part"
    try:
        path.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"tlzoo")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        reason = "the disk is full" if error.errno in DISK_FULL else error.strerror or str(error)
        raise InputError(f"{option} {path}: cannot be written ({reason}); name a folder that can be") from None
    return path


def _make(path: Path, make: Callable[[Path], object]) -> None:
    """Make what is kept; the checksums are there first, so that who finds it finds them."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.part"):
        _delete(leftover)  # of a process that was killed
    with _unfinished(path) as temporary:
        make(temporary)
        settle(temporary)
        _delete(path)
        sums = _sums(temporary)
        write_whole(_checksums(path), lambda file: file.write_bytes(sums))
        os.replace(temporary, path)
        _sync(path.parent)


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A path of the same name in a new folder beside it, which is removed in the end."""
    folder = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    folder.mkdir()
    try:
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checksums(path: Path) -> Path:
    return path.with_name(path.name + CHECKSUMS)


def _sums(path: Path) -> bytes:
    """Checksums of a file, or of all files of a folder, as ``sha256sum`` writes them."""
    lines = []
    for file in (each for each in _tree(path) if each.is_file()):
        name = os.fsencode(file.relative_to(path.parent).as_posix())
        escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        lines.append((b"\\" if escaped != name else b"") + sha256_of(file).encode() + b"  " + escaped + b"\n")
    return b"".join(sorted(lines))


def _tree(path: Path) -> list[Path]:
    """A file or folder, and all below it, the deepest first."""
    below = sorted(path.rglob("*"), reverse=True) if path.is_dir() else []
    return [*(each for each in below if not each.is_symlink()), path]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
