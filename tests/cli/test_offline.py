"""What works without a network, where every socket to another machine is refused and written down."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = """
import os, socket

HERE = ("127.0.0.1", "::1", "localhost")
connect, lookup = socket.socket.connect, socket.getaddrinfo

def refuse(host):
    with open(os.environ["ASKED"], "a") as file:
        file.write(f"{host}\\n")
    raise OSError(101, "Network is unreachable")

def guarded(self, address):
    if self.family != socket.AF_UNIX and address[0] not in HERE:
        refuse(address[0])
    return connect(self, address)

socket.socket.connect = guarded
socket.socket.connect_ex = lambda self, address: guarded(self, address) or 0
socket.getaddrinfo = lambda host, *more, **options: lookup(host, *more, **options) if host in HERE else refuse(host)
"""
CHOSEN = """
from tlzoo.data.catalogue import find
source = find("audio-classification")
print(source.name, source.notice)
"""
SMALL = ("--weights", "none", "--variant", "nano", "--strategy", "scratch", "--seeds", "0", "--folds", "1")


@pytest.fixture
def blocked(tmp_path: Path) -> dict[str, str]:
    """The environment of processes, each of which refuses to connect to another machine."""
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / "sitecustomize.py").write_text(BLOCK)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TLZOO_MIRROR"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "block"), str(ROOT)]),
        "ASKED": str(tmp_path / "asked"),
        "HF_HOME": str(tmp_path / "hf"),
        "TLZOO_CACHE": str(tmp_path / "cache"),
    }


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=280, cwd=ROOT, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["show", "yamnet"],
        ["leaderboard", "--out", "nowhere"],
        ["cards", "validate"],
        ["select", "--task", "audio-classification"],
        ["fetch", "ernie", "--offline"],
    ],
    ids=lambda c: " ".join(c[:2]),
)
def test_commands_that_open_no_socket(blocked: dict[str, str], command: list[str]) -> None:
    blocked.pop("TLZOO_REFERENCE", None)
    done = run(blocked, "-m", "tlzoo", *command)
    assert done.returncode == (1 if command[0] == "fetch" else 0), done.stderr
    assert not Path(blocked["ASKED"]).exists(), Path(blocked["ASKED"]).read_text()


def test_the_block_works(blocked: dict[str, str]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 9), 1)"
    assert "Network is unreachable" in run(blocked, "-c", code).stderr
    assert Path(blocked["ASKED"]).read_text() == "192.0.2.1\n"


def test_offline_an_evaluation_takes_what_is_here(blocked: dict[str, str], folder: Path, tmp_path: Path) -> None:
    options = ("--task", "audio-classification", "--model", "yamnet", *SMALL, "--no-baselines", "--device", "cpu")
    out = ("--data", str(folder), "--out", str(tmp_path / "out"), "--budget", "3", "--json", "--offline")
    done = run(blocked, "-m", "tlzoo", "eval", *options, *out)
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout)} == {"ok"}
    assert not Path(blocked["ASKED"]).exists()


@pytest.mark.parametrize("offline", [True, False])
def test_auto_is_the_embedded_set_and_says_why(blocked: dict[str, str], offline: bool) -> None:
    done = run(blocked | ({"HF_HUB_OFFLINE": "1"} if offline else {}), "-c", CHOSEN)
    name, _, notice = done.stdout.partition(" ")
    assert name == "spoken-digits", done.stderr
    assert Path(blocked["ASKED"]).exists() != offline
    if offline:
        assert "since esc50 is not available: hub:ashraq/esc50: the Hub is not asked" in notice
    else:
        assert "the Hub cannot be reached" in notice
        assert notice.endswith("; --data esc50 takes no other, --offline asks nobody\n")
