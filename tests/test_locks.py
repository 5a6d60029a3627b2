"""Locks say whom they wait for, and nobody waits for its own parent."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tlzoo import locks
from tlzoo.errors import InputError
from tlzoo.locks import locked

HOLD = """
import sys
from pathlib import Path
from tlzoo.locks import locked
with locked(Path(sys.argv[1]), "the pot"):
    print("held", flush=True)
    sys.stdin.readline()
"""
TAKE = """
import sys
from pathlib import Path
from tlzoo.errors import TlzooError
from tlzoo.locks import locked
try:
    with locked(Path(sys.argv[1]), "the pot"):
        print("taken")
except TlzooError as error:
    print(error)
"""


def holding(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_waits_says_once_for_whom(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(locks, "RETRY_SECONDS", 0.1)
    holder = holding(tmp_path / "a.lock")
    threading.Timer(1, lambda: holder.communicate("end\n")).start()
    with locked(tmp_path / "a.lock", "the pot"):
        assert json.loads((tmp_path / "a.lock.holder").read_text())["pid"] == os.getpid()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"waiting for the pot: in use by process {holder.pid} on ")
    assert "(-c " in lines[0] and "since 2" in lines[0]
    assert not (tmp_path / "a.lock.holder").exists()


def test_a_child_does_not_wait_for_its_parent(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock", "the pot"):
        take = [sys.executable, "-c", TAKE, str(tmp_path / "a.lock")]
        done = subprocess.run(take, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(f"the pot: in use by process {os.getpid()} on ")
    assert done.stdout.count("\n") == 1
    assert "which started this process" in done.stdout


def test_who_does_not_want_to_wait_is_told_who_is_there(tmp_path: Path) -> None:
    holder = holding(tmp_path / "a.lock")
    lock = locked(tmp_path / "a.lock", "the pot", wait=False)
    with pytest.raises(InputError, match=f"the pot: in use by process {holder.pid} "), lock:
        pass
    holder.communicate("end\n")


def test_a_holder_that_was_killed_blocks_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    holder = holding(tmp_path / "a.lock")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "a.lock", "the pot"):
        pass
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"[]", b'{"pid": "\\u001b[2J"}'])
def test_a_damaged_note_of_the_holder_harms_nobody(tmp_path: Path, note: bytes) -> None:
    holder = holding(tmp_path / "a.lock")
    (tmp_path / "a.lock.holder").write_bytes(note)
    lock = locked(tmp_path / "a.lock", "the pot", wait=False)
    with pytest.raises(InputError, match="the pot: in use by ") as caught, lock:
        pass
    assert str(caught.value).isprintable()
    holder.communicate("end\n")
