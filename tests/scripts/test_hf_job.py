"""A job evaluates its shard and publishes it."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.hub_writes import TOKEN, WritableHub

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "hf_job.py"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WritableHub]:
    with WritableHub(tmp_path / "served") as served:
        yield served


def job(hub: WritableHub, folder: Path, shard: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A job on small data; random weights give a probe nothing to run, so that only baselines are."""
    arguments = ["--task", "image-classification", "--data", "digits", "--shard", shard, "--to", "me"]
    arguments += ["--model", "mobilenet", "--model", "resnet-50", "--weights", "none", "--strategy", "probe"]
    arguments += ["--device", "cpu", "--fractions", "0.1", "--out", str(folder / "out"), *options]
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=hub.environment(folder) | {"HF_TOKEN": TOKEN},
        timeout=280,
    )


def test_a_shard_is_evaluated_and_published(hub: WritableHub, tmp_path: Path) -> None:
    done = job(hub, tmp_path, "1/2", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "me/tlzoo-results-image-classification-1-of-2" in done.stdout and hub.commits == []
    assert "2 runs executed, 0 taken" in done.stderr
    done = job(hub, tmp_path, "1/2")
    assert done.returncode == 0, done.stderr
    assert "0 runs executed, 2 taken" in done.stderr
    home = hub.home("datasets", "me/tlzoo-results-image-classification-1-of-2")
    rows = pq.read_table(home / "data" / "results.parquet").to_pylist()
    assert {(row["strategy"], row["status"]) for row in rows} == {("trivial", "ok"), ("classical", "ok")}


def test_without_rows_or_a_shard_nothing_is_published(hub: WritableHub, tmp_path: Path) -> None:
    done = job(hub, tmp_path, "2/2")
    assert done.returncode == 2 and "no results to publish yet" in done.stderr, "baselines are in the first shard"
    done = job(hub, tmp_path, "3/2")
    assert done.returncode == 2 and "--shard 3/2: expected a part and of how many" in done.stderr
    assert hub.commits == []


def test_it_says_what_it_needs() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    block = lines[lines.index("# /// script") + 1 : lines.index("# ///")]
    assert tomllib.loads("\n".join(line.removeprefix("# ") for line in block))["dependencies"] == ["tlzoo"]
