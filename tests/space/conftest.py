"""Spaces as their visitors meet them: served by a process of their own, and looked at in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tlzoo.leaderboard.store import Store

Start = Callable[..., Any]


def write(out: Path, rows: list[dict[str, Any]]) -> Path:
    """Write results as ``tlzoo eval --out`` does."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        runs.setdefault(row["run_id"], []).append(row)
    for each in runs.values():
        Store(out / "results").write(each)
    return out


@pytest.fixture(scope="session")
def results(row: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two audio tasks: five models, of which one is negative transfer and one was not available."""
    rows = []
    for task in ("audio-classification", "audio-embedding"):
        metric = {"metric": "knn_accuracy"} if task == "audio-embedding" else {}
        for place, card in enumerate(("yamnet", "openl3", "trill", "wav2vec")):
            for strategy, score in (("probe", 0.9 - 0.1 * place), ("full", 0.95 - 0.1 * place), ("scratch", 0.7)):
                changed = {"task": task, "variant": "nano", "dataset_fingerprint": task, **metric}
                facts = {"latency_ms_p50": 2.0 + place, "size_bytes": (place + 1) * 1_000_000}
                for fraction in (1.0, 0.1):
                    one = row(card, strategy, score * (1 if fraction == 1 else 0.7), fraction=fraction)
                    one["run_id"] += task
                    rows.append(one | changed | facts)
        missing = row("wav2vec2", "probe", 0.0, task=task, dataset_fingerprint=task, status="unavailable", value=None)
        rows.append(missing | {"run_id": f"missing-{task}", "reason": "model.safetensors is not available"})
    return write(tmp_path_factory.mktemp("out"), rows)


@contextmanager
def served(command: list[str], port: int, environment: dict[str, str], cwd: Path | None = None) -> Iterator[str]:
    """A Space that a command serves, until it is left; gives its address."""
    url = f"http://127.0.0.1:{port}"
    log = Path(environment["TLZOO_CACHE"]) / f"{port}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=environment, cwd=cwd, stdout=sink, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    urllib.request.urlopen(url, timeout=2).close()
                    break
                except OSError:
                    assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
            yield url
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Spaces keep what they made or fetched."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def start(cache: Path) -> Start:
    """Serve a domain's Space over a folder of results."""
    pytest.importorskip("gradio")

    def started(domain: str, out: Path, **environment: str) -> Any:
        port = free_port()
        command = [sys.executable, "-m", "tlzoo", "space", domain, "--out", str(out), "--port", str(port)]
        known = {"TLZOO_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
        return served(command, port, {**os.environ, **known, **environment})

    return started


@pytest.fixture(scope="session")
def space(start: Start, results: Path) -> Iterator[str]:
    """The audio Space over :func:`results`."""
    with start("audio", results) as url:
        yield url


@pytest.fixture
def browse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Open a headless Chromium of some width, light or dark."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver here (Debian: apt-get install chromium chromium-driver)")
    opened = []

    def browser(width: int = 1440, dark: bool = False) -> Any:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        folder = tmp_path_factory.mktemp("downloads")
        flags = "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-dev-shm-usage"
        for flag in [*flags.split(), f"--window-size={width},1000"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(driver, env=os.environ | {"SE_OFFLINE": "true"})
        found = webdriver.Chrome(options=options, service=service)
        allowed = {"behavior": "allow", "downloadPath": str(folder)}
        found.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
        found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        found.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        found.downloads = folder
        opened.append(found)
        return found

    yield browser
    for each in opened:
        each.quit()
