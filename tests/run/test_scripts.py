"""``tlzoo.evaluate`` from all that Python code is written in, in new processes, on real sounds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tlzoo.leaderboard.store import Store

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("script", "standard input", "option -c", "interactive", "notebook")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of results: a model is measured once."""
    return tmp_path_factory.mktemp("out")


@pytest.fixture(autouse=True)
def environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PYTHONPATH": ROOT, "TLZOO_CACHE": cache, "HF_ENDPOINT": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, str(value))


def code(folder: Path, out: Path, seeds: tuple[int, ...]) -> str:
    """A script without a main guard, in lines that an interactive session takes too."""
    options = (
        f"models=['yamnet'], variant='nano', strategies=['scratch'], fractions=[0.2], seeds={seeds}, baselines=False"
    )
    return (
        "import tlzoo\n"
        f"done = tlzoo.evaluate('audio-classification', {options}, data={str(folder)!r}, out={str(out)!r})\n"
        "print('statuses', done.board['status'].to_pylist(), done.executed)\n"
    )


@pytest.mark.parametrize("form", FORMS)
def test_it_runs_in_every_form(
    form: str, folder: Path, out: Path, notebook: Callable[[str, Path], str], tmp_path: Path
) -> None:
    text = code(folder, out, seeds=(FORMS.index(form),))
    if form == "notebook":
        said = notebook(text, tmp_path)
    else:
        (tmp_path / "script.py").write_text(text)
        arguments = {"script": ["script.py"], "standard input": ["-"], "option -c": ["-c", text], "interactive": ["-i"]}
        command = [sys.executable, *arguments[form]]
        done = subprocess.run(command, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert said.split() == ["statuses", "['ok']", "1"], "run once, and printed once"


def test_an_interrupt_keeps_what_is_finished(folder: Path, out: Path, tmp_path: Path) -> None:
    before = Store(out / "results").count()
    process = subprocess.Popen(
        [sys.executable, "-c", code(folder, out, (100, 101, 102))],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background may ignore it
    )
    deadline = time.monotonic() + 200
    while Store(out / "results").count() == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGINT)
    message = process.communicate(timeout=60)[1].decode()
    assert process.returncode == -signal.SIGINT
    assert message.count("Traceback") == 1 and message.rstrip().endswith("KeyboardInterrupt"), message
    assert not any(child.is_running() for child in children)
    assert before < Store(out / "results").count() < before + 3
