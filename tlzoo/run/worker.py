"""A separate process for heavy work: if it dies or hangs, only the work in hand is lost."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from tlzoo.errors import TlzooError

if TYPE_CHECKING:
    from tlzoo.leaderboard.schema import Status

R = TypeVar("R")
INSIDE = "TLZOO_WORKER"
"""Set in the environment of a worker, and of what it starts."""
MAX_REASON_CHARACTERS = 600
"""Longer messages are cut at a word."""
TICK_SECONDS = 0.5
"""Time between two checks of a deadline; a parent that was stopped meanwhile counts one tick, not the pause."""
EXIT_SECONDS = 1.0
"""Time for a process to end by itself after its parent has closed the connection."""
END_SECONDS = 10.0
"""Maximum time that ending a process may take, such as one that writes a core file."""
_BOOT = (
    "import sys; from multiprocessing.connection import Connection; pipe = Connection(int(sys.argv[1])); "
    "sys.path[:] = pipe.recv(); from tlzoo.run.worker import serve; serve(pipe)"
)
"""The child knows the parent's modules, and nothing of its ``__main__``: a script, a shell or a notebook."""


class WorkFailedError(Exception):
    """Work failed; ``status`` is that of its row."""

    def __init__(self, status: Status, reason: str) -> None:  # noqa: D107
        super().__init__(reason)
        self.status, self.reason = status, reason


class KilledError(WorkFailedError):
    """The process was killed from outside, which may not happen again elsewhere."""

    def __init__(self, reason: str = "the process was killed, probably because memory ran out") -> None:  # noqa: D107
        super().__init__("out-of-memory", reason)


@dataclass(frozen=True)
class Needs:
    """What work needs of the machine that does it.

    Attributes:
        cores: Number of cores.
        memory: Bytes of memory; 0 where it is not known.
        gpus: Number of GPUs.
        node: The machine of a cluster that it is best done on, by its id; any by default.
    """

    cores: int = 1
    memory: int = 0
    gpus: int = 0
    node: str = ""


ANYTHING = Needs()


class Worker:
    """A child process that calls functions for its parent, and ends when the parent ends for whatever reason.

    It has a session of its own, so that Ctrl-C at a terminal reaches only the parent, which ends the child.
    """

    slots = 1
    """Calls that are answered at the same time."""

    def __init__(self) -> None:
        """Start nothing yet: the process starts with the first call, and again after a death."""
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the process; at once if an exception ended the work."""
        if kind is not None:
            self._kill()
        self.close()

    def call(
        self,
        function: Callable[..., R],
        *arguments: object,
        seconds: float = math.inf,
        doing: str = "the work",
        needs: Needs = ANYTHING,
    ) -> R:
        """Call a module-level function in the process.

        Args:
            function: The function; its module, which is not ``__main__``, is imported in the process.
            *arguments: Its arguments.
            seconds: Deadline; the process is killed then, with all processes that it started.
            doing: Name of the work in the reason of a missed deadline.
            needs: What it needs; there is one machine to choose from here.

        Raises:
            TlzooError: As the function raised it.
            WorkFailedError: The function raised something else, the process died, or the deadline was missed.
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process is not None and self._pipe is not None
        call, answer = pickle.dumps((function, arguments)), None
        with _Deadline(self._process, seconds) as deadline, contextlib.suppress(EOFError, OSError):
            self._pipe.send_bytes(call)
            answer = self._pipe.recv_bytes()
        if answer is None or deadline.is_missed:
            code = self._end()
        if answer is None:
            raise _timeout(doing, seconds) if deadline.is_missed else _death(code)
        kind, value = pickle.loads(answer)  # noqa: S301
        if kind == "value":
            result: R = value
            return result
        if kind == "error":
            raise value
        raise WorkFailedError(*value)

    def apart(
        self, function: Callable[..., R], *arguments: object, seconds: float, doing: str, needs: Needs = ANYTHING
    ) -> R:
        """Call a function in a new process, which ends afterwards; see :meth:`call`."""
        with Worker() as worker:
            return worker.call(function, *arguments, seconds=seconds, doing=doing, needs=needs)

    def stop(self) -> None:
        """End the process now, from another thread than the one that waits for it."""
        self._kill()

    def close(self) -> None:
        """End the idle process."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        self.close()
        self._pipe, theirs = Pipe()
        # Threads that spin while they wait make a network fifty times slower wherever another process wants a core.
        environment = {"GOMP_SPINCOUNT": "1000"} | os.environ | {INSIDE: str(os.getpid())}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        with contextlib.suppress(OSError):  # it died already, which the next call tells
            self._pipe.send(sys.path)

    def _kill(self) -> None:
        if self._process is not None:
            _kill(self._process)

    def _end(self) -> int:
        """Close the connection, which asks the process to end; kill it if it does not.

        Returns:
            Its exit code.
        """
        assert self._process is not None and self._pipe is not None
        self._pipe.close()
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            code = self._process.wait()
        self._process = self._pipe = None
        return code


class _Deadline:
    """Kills a process that is not done in time, while its parent sends a call or receives an answer."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.is_missed = False
        self._process, self._seconds = process, seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if self._seconds < math.inf:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        left = self._seconds
        while left > 0:
            tick = min(TICK_SECONDS, left)
            if self._done.wait(tick):
                return
            left -= tick
        self.is_missed = True
        _kill(self._process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with the group that it leads; its id is not reused before its parent has waited for it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _timeout(doing: str, seconds: float) -> WorkFailedError:
    return WorkFailedError("timeout", f"{doing} was ended after {seconds:.0f} s without a result")


def _death(code: int) -> WorkFailedError:
    if code == -signal.SIGKILL:
        return KilledError()
    cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return WorkFailedError("error", f"the process died: {cause}")


def serve(pipe: Connection) -> None:
    """Call the functions that the parent sends, one after the other, until it closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calls: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, calls), daemon=True).start()
    while (call := calls.get()) is not None:
        answer = _answer(call)
        with contextlib.suppress(OSError):  # nobody waits for it any more
            pipe.send_bytes(answer)


def _listen(pipe: Connection, calls: queue.SimpleQueue[bytes | None]) -> NoReturn:
    """Pass calls on; when the connection ends, end the process, even in the middle of work."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            calls.put(pipe.recv_bytes())
    calls.put(None)
    time.sleep(EXIT_SECONDS)
    os._exit(1)


def _answer(call: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(call)  # noqa: S301
        return pickle.dumps(("value", function(*arguments)))
    except TlzooError as error:
        return pickle.dumps(("error", error))
    except Exception as error:
        if os.environ.get("TLZOO_TRACEBACK"):
            sys.excepthook(type(error), error, error.__traceback__)
        return pickle.dumps(("failed", (_status(error), _reason(error))))


def _reason(error: Exception) -> str:
    """The message of an error in one line, cut only if it is very long."""
    return textwrap.shorten(f"{type(error).__name__}: {error}", MAX_REASON_CHARACTERS, placeholder=" ...")


def _status(error: Exception) -> Status:
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    ):
        return "out-of-memory"
    return "error"
