"""A Hub that can be written to, and the command line against it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_writes import TOKEN, WritableHub
from tlzoo.leaderboard.store import Store

ROOT = Path(__file__).resolve().parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]
Result = Callable[..., dict[str, Any]]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WritableHub]:
    with WritableHub(tmp_path / "served") as served:
        yield served


@pytest.fixture
def here(hub: WritableHub, monkeypatch: pytest.MonkeyPatch) -> WritableHub:
    """The Hub, for the client in this process too, which read its environment when it was imported."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return hub


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tlzoo", "publish", *map(str, arguments)]


def kill(hub: WritableHub, home: Path, *arguments: object) -> None:
    """Start ``tlzoo publish``, and kill it at the request that the Hub leaves without an answer."""
    environment = hub.environment(home) | {"HF_TOKEN": TOKEN}
    process = subprocess.Popen(command(*arguments), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    hub.wait()
    process.kill()
    process.wait()
    hub.resume()


@pytest.fixture
def tlzoo(hub: WritableHub, tmp_path: Path) -> Command:
    """``tlzoo publish``, with a token unless it is told another; the token is in no output, ever."""

    def call(*arguments: object, token: str = TOKEN, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*arguments),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=hub.environment(tmp_path) | ({"HF_TOKEN": token} if token else {}) | environment,
            timeout=200,
        )
        assert "hf_" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


@pytest.fixture
def result(row: Result) -> Result:
    """A row that a run would have written."""

    def make(card: str, strategy: str, accuracy: float, **changed: Any) -> dict[str, Any]:
        facts: dict[str, Any] = {"dataset": "spoken-digits", "metric": "accuracy"} | changed
        run = f"{card}-{strategy}-{facts['metric']}-{facts['dataset']}".replace("/", "-").replace(":", "-")
        facts = {"run_id": run, "variant": "nano", "params": 344_089, "size_bytes": 1_400_000} | facts
        facts["weights"] = changed.get("weights", "none" if strategy == "scratch" else "stand-in")
        facts |= {"created": datetime(2026, 11, 1, 12, tzinfo=UTC)}
        return row(card, strategy, accuracy, **facts)

    return make


@pytest.fixture
def out(tmp_path: Path, result: Result) -> Path:
    """A results folder: two models on an offline data set, one also on the Hub's, and a failure."""
    folder = tmp_path / "out"
    store = Store(folder / "results")
    for row in (
        result("yamnet", "scratch", 0.5),
        result("yamnet", "probe", 0.9),
        result("yamnet", "probe", 0.7, dataset="hub:someone/sounds@v1", weights="official", variant="tflite"),
        result("yamnet", "full", 0.8, status="error", reason="it broke", value=None),
        result("crepe", "probe", 0.6),
    ):
        store.write([row])
    return folder
