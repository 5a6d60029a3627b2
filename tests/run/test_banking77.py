"""One data set, read in three ways: as a repository of the Hub, as one's own folder, and from Python."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_server import Hub
from tlzoo.leaderboard.store import Store

Command = Callable[..., subprocess.CompletedProcess[str]]
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "banking77"
ROWS = """
import json, sys
from tlzoo.data.catalogue import find, load
from tlzoo.data.protocol import Limits
for limits in (Limits(), Limits(None, None, None)):
    data = load(find("text-classification", sys.argv[1], limits))
    names = data.features["label"].names
    rows = {split: [[row["text"], names[row["label"]]] for row in part] for split, part in data.splits.items()}
    print(json.dumps([names, rows, dict(data.columns)]))
"""
EVALUATE = """
import pathlib, sys, tlzoo
if __name__ == "__main__":
    tlzoo.evaluate(
        "text-classification", models=["bert"], variant="nano", strategies=["scratch"], fractions=[0.1], seeds=[0],
        baselines=False, data=sys.argv[1], out=pathlib.Path(sys.argv[2]),
    )
"""


def few(folder: Path) -> Path:
    """Five of its classes, which are learnt in less time."""
    folder.mkdir(parents=True)
    for name in ("train.csv", "test.csv"):
        with (DATA / name).open(newline="", encoding="utf-8") as source, (folder / name).open("w", newline="") as file:
            rows = list(csv.reader(source))
            classes = sorted({label for _, label in rows[1:]})[:5]
            csv.writer(file).writerows([rows[0], *(row for row in rows[1:] if row[1] in classes)])
    return folder


@pytest.fixture(scope="module")
def environment(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a process that finds Banking77 on a Hub on loopback."""
    if not DATA.is_dir():
        pytest.skip("Banking77 is not beside this checkout")
    home = tmp_path_factory.mktemp("hub")
    shutil.copytree(DATA, home / "datasets" / "somebody" / "banking77")
    few(home / "datasets" / "somebody" / "few")
    with Hub(home) as hub:
        yield os.environ | hub.environment(home / "client") | {"TLZOO_CACHE": str(cache)}


def run(environment: dict[str, str], *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=600
    )
    if "is not available" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_rows_in_the_same_order(environment: dict[str, str]) -> None:
    ours, theirs = (
        [json.loads(line) for line in run(environment, "-c", ROWS, data).splitlines()]
        for data in (DATA, "hub:somebody/banking77")
    )
    (names, drawn, columns), (_, whole, _) = ours
    assert len(names) == 77 and names == sorted(names) and columns == {"text": "text"}
    assert {split: len(rows) for split, rows in drawn.items()} == {"train": 800, "validation": 200, "test": 3080}
    assert drawn["test"][:1000] == theirs[0][1].pop("test"), "a person's own test is used whole"
    assert drawn.pop("test") and ours == theirs
    assert sum(map(len, whole.values())) > 13_000 and len(whole["test"]) == 3080


@pytest.mark.timeout(900)
def test_the_same_score_to_the_last_digit(environment: dict[str, str], tmp_path: Path) -> None:
    script, data = tmp_path / "mine.py", few(tmp_path / "mine")
    script.write_text(EVALUATE)
    options = ["--model", "bert", "--variant", "nano", "--strategy", "scratch", "--fractions", "0.1", "--seeds", "0"]
    options.append("--no-baselines")
    command = ["-m", "tlzoo", "eval", "--task", "text-classification", *options]
    run(environment, *command, "--data", "hub:somebody/few", "--out", tmp_path / "hub")
    run(environment, *command, "--data", data, "--out", tmp_path / "folder")
    run(environment, script, data, tmp_path / "script")
    found = []
    for name in ("hub", "folder", "script"):
        rows = Store(tmp_path / name / "results").read().to_pylist()
        (row,) = (row for row in rows if row["metric"] == "accuracy")
        assert row["status"] == "ok" and row["n_test"] == 200
        found.append((row["value"], row["statistics"]))
    assert found[0] == found[1] == found[2] and found[0][0] > 0.4
