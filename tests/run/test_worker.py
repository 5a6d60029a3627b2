import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tlzoo.errors import InputError
from tlzoo.run.worker import MAX_REASON_CHARACTERS, Worker, WorkFailedError

FAR = 30
"""Seconds far beyond every deadline here; a hang would last at least twice as long."""


def double(x: Any) -> Any:
    return 2 * x


def complain(kind: str) -> None:
    raise {
        "input": InputError("a.wav: bad"),
        "memory": MemoryError("no more"),
        "other": KeyError("x"),
        "lines": ValueError("field 'layer_norm_eps':\n    expected float\n\n    got '1e-12' (a string)\n"),
        "long": ValueError("word " * 1000),
    }[kind]


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def start_and_wait(note: str) -> None:
    child = subprocess.Popen(["sleep", str(2 * FAR)])
    Path(note).write_text(str(child.pid))
    child.wait()


def a_generator() -> Any:
    return (x for x in range(3))


def ends(pid: int) -> bool:
    """Whether a process ends soon."""
    deadline = time.monotonic() + FAR
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def script(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", "import os, time\nfrom tlzoo.run.worker import Worker\n" + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_calls_and_keeps_its_process() -> None:
    with Worker() as worker:
        assert worker.call(double, 4) == 8
        assert worker.call(os.getpid) == worker.call(os.getpid) != os.getpid()


def test_what_travels_may_be_larger_than_a_pipe() -> None:
    with Worker() as worker:
        assert worker.call(double, bytes(5_000_000), seconds=FAR) == bytes(10_000_000)


def test_its_process_finds_the_modules_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_alone.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    from mine_alone import answer  # type: ignore[import-not-found]

    with Worker() as worker:
        assert worker.call(answer) == 42


def test_expected_errors_come_through() -> None:
    with Worker() as worker, pytest.raises(InputError, match=r"a\.wav: bad"):
        worker.call(complain, "input")


@pytest.mark.parametrize(("kind", "status"), [("memory", "out-of-memory"), ("other", "error")])
def test_other_errors_have_a_status(kind: str, status: str) -> None:
    with Worker() as worker, pytest.raises(WorkFailedError) as caught:
        worker.call(complain, kind)
    assert caught.value.status == status


def test_a_reason_is_the_whole_message_in_one_line() -> None:
    with Worker() as worker:
        with pytest.raises(WorkFailedError) as caught:
            worker.call(complain, "lines")
        assert caught.value.reason == "ValueError: field 'layer_norm_eps': expected float got '1e-12' (a string)"
        with pytest.raises(WorkFailedError) as caught:
            worker.call(complain, "long")
        assert len(caught.value.reason) <= MAX_REASON_CHARACTERS and caught.value.reason.endswith("word ...")


def test_what_cannot_travel_is_an_error_and_no_death() -> None:
    with Worker() as worker:
        pid = worker.call(os.getpid)
        with pytest.raises(WorkFailedError, match="pickle 'generator'"):
            worker.call(a_generator)
        assert worker.call(os.getpid) == pid


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, "out-of-memory"), (signal.SIGSEGV, "error")])
def test_a_death_is_survived(number: int, status: str) -> None:
    with Worker() as worker:
        with pytest.raises(WorkFailedError) as caught:
            worker.call(die, number)
        assert caught.value.status == status
        assert worker.call(double, 1) == 2


@pytest.mark.parametrize("hang", [(time.sleep, 4 * FAR), (die, signal.SIGSTOP)], ids=["asleep", "stopped"])
def test_what_hangs_is_ended(hang: tuple[Any, ...]) -> None:
    with Worker() as worker:
        pid, began = worker.call(os.getpid), time.monotonic()
        with pytest.raises(WorkFailedError) as caught:
            worker.call(*hang, seconds=1.2, doing="the test")
        assert (caught.value.status, caught.value.reason) == (
            "timeout",
            "the test was ended after 1 s without a result",
        )
        assert time.monotonic() - began < FAR
        assert ends(pid)
        assert worker.call(double, 1) == 2


def test_a_process_that_is_stopped_between_calls_is_ended() -> None:
    with Worker() as worker:
        os.kill(worker.call(os.getpid), signal.SIGSTOP)
        with pytest.raises(WorkFailedError, match="was ended after 1 s"):
            worker.call(double, bytes(5_000_000), seconds=1)


def test_what_it_started_is_ended_with_it(tmp_path: Path) -> None:
    with Worker() as worker:
        worker.call(double, 1)
        with pytest.raises(WorkFailedError):
            worker.call(start_and_wait, str(tmp_path / "pid"), seconds=3)
    assert ends(int((tmp_path / "pid").read_text()))


def test_an_interrupt_ends_it_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Worker() as worker:
        pid = worker.call(os.getpid)
        threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
        worker.call(time.sleep, 4 * FAR)
    assert time.monotonic() - began < FAR
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("then", ["time.sleep(60)", "w.call(time.sleep, 60)"], ids=["idle", "busy"])
def test_it_ends_when_its_parent_is_killed(then: str) -> None:
    parent = script(f"w = Worker(); print(w.call(os.getpid), flush=True); {then}")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert ends(child)


def test_an_answer_that_nobody_waits_for_is_no_error() -> None:
    parent = script("w = Worker(); print(w.call(os.getpid), flush=True); w.call(time.sleep, 0.6)")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.2)
    parent.kill()
    assert parent.communicate()[1] == "", "the child has the same standard error, and has ended"
    assert ends(child)
