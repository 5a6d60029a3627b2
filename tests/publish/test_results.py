"""The results as a data set of the Hub."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.publish.conftest import Command, Result, kill
from tests.support.hub_writes import WritableHub
from tlzoo.api import Leaderboard
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.leaderboard.store import Store
from tlzoo.publish.hub import Repository
from tlzoo.publish.results import readme


def test_what_is_published_is_read_back(hub: WritableHub, tlzoo: Command, out: Path, tmp_path: Path) -> None:
    done = tlzoo("results", "--to", "me", "--out", out)
    assert done.returncode == 0, done.stderr
    local = Leaderboard(out)
    home = hub.home("datasets", "me/tlzoo-results")
    assert sorted(hub.files("datasets", "me/tlzoo-results")) == [
        ".gitattributes", "README.md", "data/leaderboard.parquet", "data/results.parquet",
    ]  # fmt: skip
    raw = pq.read_table(home / "data" / "results.parquet")
    assert raw.equals(local.results) and raw.schema.equals(RESULT)
    board = pq.read_table(home / "data" / "leaderboard.parquet")
    assert board.schema.equals(BOARD)
    assert sorted(map(str, board.to_pylist())) == sorted(map(str, local.table().to_pylist()))
    again = tlzoo("results", "--to", "me", "--out", out)
    assert "dataset me/tlzoo-results: nothing to change" in again.stdout and len(hub.commits) == 1
    # in another results folder, it gives the same boards
    (tmp_path / "other" / "results").mkdir(parents=True)
    shutil.copy(home / "data" / "results.parquet", tmp_path / "other" / "results")
    assert Leaderboard(tmp_path / "other").table().equals(local.table())


def test_the_viewer_finds_both_tables(hub: WritableHub, tlzoo: Command, out: Path, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    assert tlzoo("results", "--repo", "me/numbers", "--out", out).returncode == 0
    text = (hub.home("datasets", "me/numbers") / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert [c["config_name"] for c in front["configs"]] == ["leaderboard", "results"]
    assert "| audio-classification | spoken-digits | 2 | 3 |" in text
    code = """
import json
from datasets import load_dataset
default = load_dataset("me/numbers", split="test")
results = load_dataset("me/numbers", "results", split="test")
print("ANSWER", json.dumps([default.column_names, default.num_rows, results.column_names, results.num_rows]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=hub.environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.rpartition("ANSWER ")[2])
    assert answer == [BOARD.names, Leaderboard(out).table().num_rows, RESULT.names, 5]


def test_killed_during_an_upload_the_next_run_completes_it(tmp_path: Path, tlzoo: Command, out: Path) -> None:
    with WritableHub(tmp_path / "other", large=1000) as hub:
        hub.stall("PUT", "/upload/")
        kill(hub, tmp_path, "results", "--to", "me", "--out", out)
        assert hub.commits == [] and list(hub.files("datasets", "me/tlzoo-results")) == [".gitattributes"]
        done = tlzoo("results", "--to", "me", "--out", out, HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert len(hub.commits) == 1 and hub.count("PUT", "/upload/") >= 3
        published = pq.read_table(hub.home("datasets", "me/tlzoo-results") / "data" / "results.parquet")
        assert published.equals(Leaderboard(out).results)
        assert "nothing to change" in tlzoo("results", "--to", "me", "--out", out, HF_ENDPOINT=hub.url).stdout


def test_without_results_there_is_nothing_to_publish(tlzoo: Command, tmp_path: Path) -> None:
    done = tlzoo("results", "--to", "me", "--out", tmp_path / "none")
    assert done.returncode == 2 and "make some with: tlzoo eval" in done.stderr


def test_each_data_set_and_machine_is_counted_apart(tmp_path: Path, result: Result) -> None:
    store = Store(tmp_path / "results")
    for place, facts in enumerate(({}, {"dataset_fingerprint": "g"}, {"hardware": "EPYC", "origin": "reference"})):
        store.write([result("yamnet", "probe", 0.9, run_id=str(place), **facts)])
    local = Leaderboard(tmp_path)
    text = readme(local.results, local.table(), Repository("dataset", "me/numbers")).decode()
    assert [line for line in text.splitlines() if line.startswith("| audio-classification")] == [
        "| audio-classification | spoken-digits (f) (local results) | 1 | 1 |",
        "| audio-classification | spoken-digits (f) (reference results, measured on EPYC) | 1 | 1 |",
        "| audio-classification | spoken-digits (g) (local results) | 1 | 1 |",
    ]
