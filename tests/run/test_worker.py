import os
import signal
import subprocess
import sys
import time

import pytest

from tlzoo.errors import InputError
from tlzoo.run.worker import Worker, WorkFailedError


def double(x: int) -> int:
    return 2 * x


def complain(kind: str) -> None:
    raise {"input": InputError("a.wav: bad"), "memory": MemoryError("no more"), "other": KeyError("x")}[kind]


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def test_it_calls_and_keeps_its_process() -> None:
    with Worker() as worker:
        assert worker.call(double, 4) == 8
        assert worker.call(os.getpid) == worker.call(os.getpid) != os.getpid()


def test_expected_errors_come_through() -> None:
    with Worker() as worker, pytest.raises(InputError, match=r"a\.wav: bad"):
        worker.call(complain, "input")


@pytest.mark.parametrize(("kind", "status"), [("memory", "out-of-memory"), ("other", "error")])
def test_other_errors_have_a_status(kind: str, status: str) -> None:
    with Worker() as worker, pytest.raises(WorkFailedError) as caught:
        worker.call(complain, kind)
    assert caught.value.status == status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, "out-of-memory"), (signal.SIGSEGV, "error")])
def test_a_death_is_survived(number: int, status: str) -> None:
    with Worker() as worker:
        with pytest.raises(WorkFailedError) as caught:
            worker.call(die, number)
        assert caught.value.status == status
        assert worker.call(double, 1) == 2


def test_it_ends_when_its_parent_is_killed() -> None:
    code = (
        "import os, time\nfrom tlzoo.run.worker import Worker\n"
        "if __name__ == '__main__':\n    w = Worker(); print(w.call(os.getpid), flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and os.path.exists(f"/proc/{child}"):
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")
