"""One process at a time: locks that say whom they wait for."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tlzoo.errors import InputError

PATIENCE = 1.0
"""Seconds that are waited in silence, and between two looks at who holds a lock."""


@contextlib.contextmanager
def locked(path: Path, what: str, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock, which ends with its process, however that ends.

    Who holds it stands beside it, in ``NAME.holder``: process, machine, command and since when. Who waits says so once
    on standard error.

    Args:
        path: The lock's file; its folder is made where absent.
        what: What it protects, as messages call it.
        wait: Whether to wait for another holder.

    Raises:
        InputError: A process holds it that this one was started by, and that would wait for this one for ever; or any
            other process, where none is waited for.
        OSError: The file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock, note = FileLock(path), path.with_name(f"{path.name}.holder")
    path.parent.mkdir(parents=True, exist_ok=True)
    is_told = False
    while True:
        try:
            lock.acquire(timeout=PATIENCE if wait else 0)
            break
        except Timeout:  # an OSError, but not of the file
            _consider(_read(note), path, what, wait, is_told)
            is_told = True
    try:
        with contextlib.suppress(OSError):
            note.write_text(json.dumps(_holder()), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _holder() -> dict[str, Any]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}


def _read(note: Path) -> dict[str, Any]:
    """What a holder wrote of itself: nothing yet, where it came a moment ago."""
    with contextlib.suppress(OSError, ValueError):
        holder = json.loads(note.read_text(encoding="utf-8"))
        if isinstance(holder, dict):
            return holder
    return {}


def _consider(holder: dict[str, Any], path: Path, what: str, wait: bool, is_told: bool) -> None:
    """Say who is waited for, unless that is known or nobody should be.

    Raises:
        InputError: Nobody should be waited for.
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
    if not is_told:
        print(f"waiting for {what}: in use by {who} ({path})", file=sys.stderr, flush=True)
