"""``tlzoo select`` on a person's own data."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlzoo.data.catalogue import find
from tlzoo.leaderboard.store import Store

Maker = Callable[..., dict[str, Any]]
TASK = "audio-classification"


def select(where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tlzoo", "select", "--task", TASK, "--out", "out", *options]
    return subprocess.run(command, cwd=where, capture_output=True, text=True)


@pytest.fixture
def evaluated(tmp_path: Path, folder: Path, row: Maker) -> Path:
    """Two folders of one name, evaluated into one folder of results; the second one went better."""
    for place, card, accuracy in (("x1", "yamnet", 0.6), ("x2", "openl3", 0.9)):
        shutil.copytree(folder, tmp_path / place / "data")
        if place == "x2":
            min((tmp_path / place / "data" / "train").rglob("*.wav")).unlink()
        version = find(TASK, str(tmp_path / place / "data")).fingerprint
        facts = {"dataset": "data", "dataset_fingerprint": version, "variant": "nano"}
        Store(tmp_path / "out" / "results").write([row(card, "probe", accuracy, **facts)])
    return tmp_path


def test_data_are_known_by_what_lies_there(evaluated: Path) -> None:
    for place, card in (("x1", "yamnet"), ("x2", "openl3")):
        done = select(evaluated, "--data", f"{place}/data")
        assert done.stdout.startswith(f"data: {card} nano probe"), done.stderr
        assert "best accuracy on validation of 1 rows" in done.stdout
    both = json.loads(select(evaluated, "--json").stdout)
    assert [one["row"]["card"] for one in both] and {one["dataset"] for one in both} == {"data"}
    assert len({one["title"] for one in both}) == len({one["row"]["dataset_fingerprint"] for one in both}) == 2


def test_data_that_changed_since_are_to_be_evaluated(evaluated: Path) -> None:
    max((evaluated / "x1" / "data" / "train").rglob("*.wav")).unlink()
    done = select(evaluated, "--data", "x1/data")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and not done.stdout
    assert "--data x1/data: its present version was not evaluated, only 2 others; " in line
    assert line.endswith(f"evaluate it with: tlzoo eval --task {TASK} --data x1/data --out out")


def test_data_that_cannot_be_read_any_more_are_known_by_their_name(evaluated: Path) -> None:
    shutil.rmtree(evaluated / "x1" / "data")
    (evaluated / "x1" / "data").mkdir()
    done = select(evaluated, "--data", "x1/data")
    assert done.returncode == 0 and done.stdout.count("data (") == 2
    assert "--data x1/data cannot be read now, so rows are chosen by its name: " in done.stderr


@pytest.mark.parametrize(
    ("option", "known"), [("--format", "'table', 'md', 'csv', 'json', 'html'"), ("--weights", "'official', 'stand-in'")]
)
def test_choices_are_listed(option: str, known: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tlzoo", "leaderboard", option, "xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout and known in done.stderr
