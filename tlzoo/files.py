"""Files that are written whole or not at all, and cached files whose damage is noticed.

The checksums of a cached file or folder are beside it, in ``NAME.sha256``, as ``sha256sum`` writes and checks them. A
file that differs from its checksum, or has none, is deleted and made again. That repairs the effects of a full or
faulty disk, a killed process, an edit, and an earlier version. It does not protect from a person who may write to the
cache, and can write the checksums too.
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
LOCK = ".lock"
"""Name of the lock of a folder that one process at a time writes to."""
_PARTS = ".together."
DISK_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def shipped(name: str) -> Path:
    """A folder that ships with the package: inside it where it is installed, at the top of a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


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
    """Write a file, or a folder of files, so that it is there completely or not at all, even after a power cut.

    Args:
        path: Where to; an earlier file there is replaced, an earlier folder is not. Its folder exists.
        write: Writes to the path that it gets, which has the same name.

    Raises:
        OSError: It cannot be written; then nothing has changed.
    """
    with _unfinished(path) as temporary:
        write(temporary)
        _publish(temporary)
        for each in _tree(temporary):
            _sync(each)
        os.replace(temporary, path)
        _sync(path.parent)


def write_together(folder: Path, write: Callable[[Path], object], last: str) -> None:
    """Write files that belong together into a folder that exists, in place of earlier ones of their names.

    All are on the disk before the first earlier one is touched. Between the first and the last of them the file that
    tells what the folder holds is absent, so that no mixture of the two passes for either.

    Args:
        folder: The folder.
        write: Writes them into the folder that it gets.
        last: Name of the file that tells what the folder holds.

    Raises:
        OSError: They cannot be written.
    """
    for leftover in folder.glob(f"{_PARTS}*.part"):
        _delete(leftover)  # of a process that was killed
    with _unfinished(folder / _PARTS.strip(".")) as temporary:
        temporary.mkdir()
        write(temporary)
        _publish(temporary)
        for each in _tree(temporary):
            _sync(each)
        (folder / last).unlink(missing_ok=True)
        for path in sorted(temporary.iterdir(), key=lambda path: path.name == last):
            os.replace(path, folder / path.name)
        _sync(folder)


def cached(path: Path, make: Callable[[Path], object], what: str) -> Path:
    """A cached file or folder: intact as it was written, or made now.

    An intact one needs no lock, so that a complete cache may be read-only. The time of its checksums is that of its
    last use.

    Args:
        path: Its path.
        make: Writes it to the given path, which has the same name.
        what: Its name in messages.

    Returns:
        The path.

    Raises:
        UnavailableError: It has to be made, and cannot be written.
    """
    with contextlib.suppress(OSError):
        os.utime(_checksums(path))
    if path.exists() and damage(path) is None:
        return path
    try:
        with locked(path.with_name(f"{path.name}.lock"), what):
            reason = damage(path) if path.exists() else None
            if reason is None and path.exists():
                return path  # another process made it meanwhile
            if reason is not None:
                print(f"{path}: {reason}; {what}: made anew", file=sys.stderr)
            for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.part"):
                _delete(leftover)  # of a process that was killed
            put(path, make)
    except OSError as error:
        if error.errno in (*DISK_FULL, errno.EACCES, errno.EPERM, errno.EROFS):
            reason = "the disk is full" if error.errno in DISK_FULL else error.strerror
            raise UnavailableError(f"{path}: cannot be written ({reason}); set TLZOO_CACHE to another folder") from None
        raise
    return path


def put(path: Path, make: Callable[[Path], object]) -> None:
    """Write a file or folder that is kept, in place of an earlier one; its checksums are there first.

    It is not forced to the disk, which takes seconds for each thousand files: what a power cut tears is made anew.

    Args:
        path: Where it is kept.
        make: Writes it to the path that it gets, which has the same name.

    Raises:
        OSError: It cannot be written.
    """
    with _unfinished(path) as temporary:
        make(temporary)
        _publish(temporary)
        _delete(path)
        sums = temporary.with_name(path.name + CHECKSUMS)
        sums.write_bytes(_sums(temporary))
        os.replace(sums, _checksums(path))
        os.replace(temporary, path)


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
    names = sorted({_shown(line[66:]) for line in lines[0] ^ lines[1]})
    return f"{', '.join(names[:3])} differs from its checksum" if names else "its checksum is damaged"


def forget(path: Path) -> None:
    """Delete a kept file or folder, and its checksums."""
    _delete(path)
    _delete(_checksums(path))


def is_utf8(path: str) -> bool:
    """Whether a path is UTF-8; one of other bytes has half surrogate pairs in their place, as Python reads it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_part(path: Path) -> bool:
    """Whether a file of a folder is no content of it, but a trace of a process that writes there, or was killed."""
    return path.name in (LOCK, f"{LOCK}.holder") or (path.name.startswith(_PARTS) and path.suffix == ".part")


def writable_folder(path: Path, option: str, needed: int = 0) -> Path:
    """Make a folder, and try to write to it, before work is done whose results it is for.

    Args:
        path: The folder; a leading ``~`` is expanded.
        option: How a person named it, such as ``"--out"``.
        needed: Bytes that are going to be written, where that is known.

    Returns:
        The folder.

    Raises:
        InputError: It cannot be made or written.
    """
    path = Path(os.path.expanduser(path))
    probe = path / f".{secrets.token_hex(4)}.part"
    try:
        path.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"tlzoo")
        finally:
            probe.unlink(missing_ok=True)
        free = shutil.disk_usage(path).free
    except OSError as error:
        reason = "the disk is full" if error.errno in DISK_FULL else error.strerror or str(error)
        raise InputError(f"{option} {path}: cannot be written ({reason}); name a folder that can be") from None
    if free < needed:
        lack = f"{free / 1e6:,.0f} MB are free, about {needed / 1e6:,.0f} MB are needed"
        raise InputError(f"{option} {path}: the disk is full ({lack}); free some space, or name another folder")
    return path


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


def _shown(name: bytes) -> str:
    text = name.decode(errors="backslashreplace")
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _tree(path: Path) -> list[Path]:
    """A file or folder, and all below it, the deepest first."""
    below = sorted(path.rglob("*"), reverse=True) if path.is_dir() else []
    return [*(each for each in below if not each.is_symlink()), path]


def _publish(path: Path) -> None:
    """Give files the permissions that new ones have: some writers make what they write private."""
    mode = path.parent.stat().st_mode & 0o666
    for each in _tree(path):
        if each.is_file():
            each.chmod(mode)


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
