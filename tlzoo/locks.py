"""Locks for one process at a time, which name the process that is waited for; and marks of the users of a folder."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tlzoo.errors import InputError

_MARK = ".use"
_NEW_SECONDS = 60.0
"""Age of a mark from which on its process has surely locked it."""
_marks: dict[Path, tuple[Path, object]] = {}  # marks of this process and their locks, held until it ends, by folder
RETRY_SECONDS = 1.0
"""Time before the first message, and between two checks of who holds a lock."""


@contextlib.contextmanager
def locked(path: Path, what: str, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock, which is released when its process ends for whatever reason.

    Beside it, ``NAME.holder`` names its holder: process, machine, command and start. Waiting is reported once on
    standard error.

    Args:
        path: The lock's file; its folder is made where absent.
        what: Name of what it protects, for messages.
        wait: Whether to wait for another holder.

    Raises:
        InputError: Its holder started this process, so that each would wait for the other; or, without ``wait``,
            another process holds it.
        OSError: The file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock, note = FileLock(path), path.with_name(f"{path.name}.holder")
    path.parent.mkdir(parents=True, exist_ok=True)
    is_reported = False
    while True:
        try:
            lock.acquire(timeout=RETRY_SECONDS if wait else 0)
            break
        except Timeout:  # an OSError, but not of the file
            _report(_read(note), path, what, wait, is_reported)
            is_reported = True
    try:
        with contextlib.suppress(OSError):
            note.write_text(json.dumps(_holder()), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def mark_use(folder: Path) -> None:
    """Mark a folder as used by this process until it ends, for whatever reason; nothing happens where it is read-only.

    Args:
        folder: The folder; it is made where absent.
    """
    from filelock import FileLock

    if folder in _marks:
        return
    path = folder / f"{time.time():.0f}-{os.getpid()}-{secrets.token_hex(4)}{_MARK}"
    _marks[folder] = path, (lock := FileLock(path))
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        lock.acquire(timeout=0)
        atexit.register(path.unlink, missing_ok=True)
        used_since(folder)  # deletes marks of processes that were killed


def used_since(folder: Path) -> float:
    """When the oldest living process, other than this one, began to use a folder.

    Returns:
        Seconds since the epoch; infinity where nobody uses it.
    """
    from filelock import FileLock, Timeout

    since = float("inf")
    own = {path for path, _ in _marks.values()}
    for path in set(folder.glob(f"*{_MARK}")) - own:
        with contextlib.suppress(OSError, ValueError):
            begun = float(path.name.partition("-")[0])
            try:
                with FileLock(path, timeout=0):
                    if time.time() - begun > _NEW_SECONDS:
                        path.unlink()
            except Timeout:
                since = min(since, begun)
    return since


def _holder() -> dict[str, object]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}


def _read(note: Path) -> dict[str, object]:
    """Read what a holder wrote about itself; empty if it has not written yet."""
    with contextlib.suppress(OSError, ValueError):
        holder = json.loads(note.read_text(encoding="utf-8"))
        if isinstance(holder, dict):
            return holder
    return {}


def _report(holder: Mapping[str, object], path: Path, what: str, wait: bool, is_reported: bool) -> None:
    """Report who is waited for, unless that was reported before.

    Raises:
        InputError: The holder must not be waited for.
    """
    import psutil

    who = "another process"
    if "pid" in holder:
        who = f"process {holder['pid']} on {holder.get('host')} ({holder.get('command')}, since {holder.get('since')})"
        who = "".join(character if character.isprintable() else "?" for character in who)
    ancestors = {process.pid for process in psutil.Process().parents()}
    if holder.get("host") == socket.gethostname() and holder.get("pid") in ancestors:
        raise InputError(f"{what}: in use by {who}, which started this process; it would wait for ever ({path})")
    if not wait:
        raise InputError(f"{what}: in use by {who}; wait until it has ended, or name another place")
    if not is_reported:
        print(f"waiting for {what}: in use by {who} ({path})", file=sys.stderr, flush=True)
