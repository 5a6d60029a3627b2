"""A process of its own for heavy work: what kills it, kills no more than the work in hand."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self

from tlzoo.errors import TlzooError


class WorkFailedError(Exception):
    """Work failed; ``status`` says how a row should name it."""

    def __init__(self, status: str, reason: str) -> None:  # noqa: D107
        super().__init__(reason)
        self.status, self.reason = status, reason


class Worker:
    """A child process that calls functions for its parent, and ends when the parent does, however that ends."""

    def __init__(self) -> None:
        """Start nothing yet: the process starts with the first call, and again after a death."""
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a module-level function in the process.

        Raises:
            TlzooError: As the function raised it.
            WorkFailedError: The function raised something else, or the process died.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._pipe is not None
        try:
            self._pipe.send((function, arguments))
            kind, value = self._pipe.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if kind == "value":
            return value
        if kind == "error":
            raise value
        raise WorkFailedError(*value)

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._process = self._pipe = None

    def _start(self) -> None:
        # Threads that spin while they wait make a network fifty times slower wherever another process wants a core.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _death(self) -> WorkFailedError:
        self._process.join(10)
        code = self._process.exitcode
        self._process = None
        if code == -signal.SIGKILL:
            return WorkFailedError("out-of-memory", "the process was killed, most likely for want of memory")
        cause = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return WorkFailedError("error", f"the process died: {cause}")


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = ("value", function(*arguments))
        except TlzooError as error:
            answer = ("error", error)
        except Exception as error:
            answer = ("failed", (_status(error), f"{type(error).__name__}: {error}".splitlines()[0]))
            if os.environ.get("TLZOO_TRACEBACK"):
                sys.excepthook(type(error), error, error.__traceback__)
        with suppress(OSError):  # nobody waits for it any more
            pipe.send(answer)


def _status(error: Exception) -> str:
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    ):
        return "out-of-memory"
    return "error"


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
