"""A server of files, and an empty cache."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.file_server import Server
from tlzoo import blobs


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLZOO_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    blobs._unreachable.clear()
    monkeypatch.setattr("tlzoo.blobs.download.time.sleep", lambda seconds: None)
    return tmp_path / "cache"


@pytest.fixture
def raw() -> Iterator[Callable[..., str]]:
    """A server that says to everybody the same words, each after a pause, the last one again and again."""
    listeners: list[socket.socket] = []

    def serve(*words: bytes, pause: float = 0.0, repeat: bool = False) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for word in itertools.chain(words, itertools.repeat(words[-1]) if repeat else ()):
                        connection.sendall(word)
                        threading.Event().wait(pause)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.close()
