"""What is in the cache is counted, and deleted where no running process uses it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlzoo import blobs, files
from tlzoo.blobs import cache
from tlzoo.cli import app

DAY = 86_400
USER = """
import sys
from pathlib import Path
from tlzoo import blobs, files
files.cached(blobs.cache_dir() / "features" / "a.arrow", lambda path: path.write_bytes(b"a"), "a")
print("used", flush=True)
sys.stdin.readline()
"""
WRITER = """
import sys
from pathlib import Path
from tlzoo.locks import locked
with locked(Path(sys.argv[1]), "a"):
    print("used", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two features, a blob, and what tlzoo did not write; the first feature and the blob were used long ago."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TLZOO_CACHE", str(folder))
    folder.mkdir()
    for name in ("a", "b"):
        (folder / "features").mkdir(exist_ok=True)
        files.cached(folder / "features" / f"{name}.arrow", lambda path: path.write_bytes(bytes(1000)), name)
    blob = folder / "blobs" / ("0" * 64) / "weights.bin"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(bytes(5000))
    (folder / "features" / "mine.txt").write_text("mine")
    (folder / "datasets").mkdir()
    (folder / "datasets" / "photographs").mkdir()
    for path in (folder / "features" / "a.arrow", folder / "features" / "a.arrow.sha256", blob, blob.parent):
        os.utime(path, (time.time() - 10 * DAY,) * 2)
    return folder


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, ["cache", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.suffix in (".arrow", ".bin", ".txt")}


def running(code: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "used\n"
    return process


def test_kinds_numbers_and_sizes(folder: Path) -> None:
    lines = {line.split()[0]: line.split() for line in run().splitlines()}
    assert lines["features"][1:4] == ["2", "2.15", "kB"] and lines["blobs"][1:4] == ["1", "5", "kB"]
    assert set(lines) == {"Kind", "features", "blobs"}
    listed = json.loads(run("--json"))
    assert listed["folder"] == str(folder)
    assert {(each["kind"], Path(each["path"]).name) for each in listed["entries"]} == {
        ("features", "a.arrow"),
        ("features", "b.arrow"),
        ("blobs", "0" * 64),
    }


def test_what_is_old_and_of_a_kind_is_deleted_and_nothing_that_a_person_put_there(folder: Path) -> None:
    before = there(folder)
    assert "6.07 kB would be freed" in run("prune", "--older", "5", "--dry-run")
    assert there(folder) == before
    assert "features: 1, 1.07 kB" in run("prune", "--older", "5", "--kind", "features")
    assert there(folder) == before - {"a.arrow"}
    assert json.loads(run("prune", "--json"))["bytes"] == 6074
    assert there(folder) == {"mine.txt"} and (folder / "datasets" / "photographs").is_dir()
    assert blobs.cached(blobs.Blob("weights.bin", (), "0" * 64)) is None
    answer = CliRunner().invoke(app, ["cache", "prune", "--kind", "feature"])
    assert "did you mean 'features'?" in str(answer.exception) or "did you mean 'features'?" in answer.output


def test_answers_that_were_paid_for_are_deleted_by_name_only(folder: Path) -> None:
    (folder / "answers").mkdir()
    files.put(folder / "answers" / "x.json", lambda path: path.write_text("{}"))
    run("prune")
    assert (folder / "answers" / "x.json").is_file()
    run("prune", "--kind", "answers")
    assert not (folder / "answers" / "x.json").exists()


def test_what_a_running_process_took_stays_and_its_mark_ends_with_it(folder: Path) -> None:
    process = running(USER)
    run("prune", "--dry-run")
    listed = json.loads(run("prune", "--older", "0", "--json"))
    assert there(folder) == {"a.arrow", "b.arrow", "mine.txt"}, "the blob was not used since it began"
    assert [Path(path).name for path in listed["in_use"]] == ["a.arrow", "b.arrow"]
    assert len(list((folder / "locks").glob("*.use"))) >= 1
    process.kill()
    process.wait()
    run("prune")
    assert there(folder) == {"mine.txt"}


def test_what_is_being_written_stays(folder: Path) -> None:
    lock = folder / "features" / "a.arrow.lock"
    left = folder / "features" / ".c.arrow.0123abcd.part"
    left.mkdir()
    os.utime(left, (time.time() - DAY,) * 2)
    process = running(WRITER, str(lock))
    run("prune", "--older", "0.5")
    assert (folder / "features" / "a.arrow").is_file()
    assert not left.exists(), "of a process that was killed"
    process.communicate("\n")
    run("prune", "--older", "0.5")
    assert there(folder) == {"b.arrow", "mine.txt"}


def test_an_empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "none"))
    assert list(cache.entries(tmp_path / "none")) == []
    assert run() == "" and "0 bytes freed" in run("prune")
    assert not (tmp_path / "none").exists()


def test_states_of_interrupted_trainings_are_deleted(folder: Path) -> None:
    state = folder / "training" / ("a" * 64) / "run.state"
    state.parent.mkdir(parents=True)
    state.write_bytes(bytes(2000))
    assert "training: 1, 2 kB" in run("prune", "--kind", "training")
    assert not state.exists()
