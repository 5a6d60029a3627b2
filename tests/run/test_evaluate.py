"""The main command, end to end, in new processes, on real sounds and real weights."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.store import Store

Command = Callable[..., subprocess.CompletedProcess[str]]
Rows = list[dict[str, Any]]
CREPE = (
    "--task",
    "audio-classification",
    "--model",
    "crepe",
    "--variant",
    "tiny",
    "--seeds",
    "0",
    "--no-baselines",
    "--fractions",
    "1",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def rows(tlzoo: Command, official: None, folder: Path, out: Path) -> Rows:
    done = tlzoo(
        "eval", *CREPE, "--data", folder, "--out", out, "--fractions", "0.2,1", "--json",
        "--strategy", "scratch", "--strategy", "probe",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # standard output is JSON and nothing else


def test_rows_are_the_contract(rows: Rows) -> None:
    assert len(rows) == 4
    assert all(list(r) == BOARD.names for r in rows)
    assert all(r["status"] == "ok" for r in rows)
    assert {(r["strategy"], r["weights"]) for r in rows} == {("scratch", "none"), ("probe", "official")}
    assert all(r["n_test"] == 42 for r in rows)


def test_transfer_helps_where_labels_are_few(rows: Rows) -> None:
    """CREPE knows pitch; sixteen labels are enough for a head, and not for a network."""
    probe = next(r for r in rows if r["strategy"] == "probe" and r["fraction"] == 0.2)
    assert probe["value"] >= 0.9
    assert probe["gain"] == pytest.approx(probe["value"] - probe["scratch_value"])
    assert probe["ci_low"] <= probe["value"] <= probe["ci_high"]
    assert probe["verdict"] == "unreplicated", "one seed"


def test_speed_and_size_are_measured(rows: Rows) -> None:
    for r in rows:
        tail = [value for value in (r["latency_ms_p90"], r["latency_ms_p99"]) if value is not None]
        assert r["latency_ms_p50"] > 0 and [r["latency_ms_p50"], *tail] == sorted([r["latency_ms_p50"], *tail])
        assert r["throughput"] > 0
        assert r["flops"] > 1e6
        assert r["peak_memory_bytes"] > 0
        assert 390_000 < r["params"] < 400_000, "the published head of 360 bins is gone, one of 3 classes came"
        assert r["size_bytes"] > 4 * r["params"]


def test_a_second_run_computes_nothing(tlzoo: Command, rows: Rows, folder: Path, out: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in (out / "results").iterdir()}
    done = tlzoo(
        "eval", *CREPE, "--data", folder, "--out", out, "--fractions", "0.2,1", "--json",
        "--strategy", "scratch", "--strategy", "probe",
    )  # fmt: skip
    assert json.loads(done.stdout) == rows
    assert "0 runs executed, 4 taken" in done.stderr
    assert {p.name: p.stat().st_mtime_ns for p in (out / "results").iterdir()} == before


def test_the_leaderboard_shows_the_same(tlzoo: Command, rows: Rows, out: Path, tmp_path: Path) -> None:
    picture = tmp_path / "b.png"
    done = tlzoo(
        "leaderboard", "--task", "audio-classification", "--out", out, "--format", "json", "--plot", picture
    )  # fmt: skip
    mine = [r for r in json.loads(done.stdout) if r["origin"] == "local"]
    assert mine == rows
    assert picture.stat().st_size > 10_000


def test_provenance_is_written(rows: Rows, out: Path) -> None:
    for row in Store(out / "results").read().to_pylist():
        assert row["threads"] >= 1
        assert row["end_to_end_ms"] > 0 and row["noisy"] in (True, False)
        assert json.loads(row["libraries"])["torch"].startswith("2.14")
        assert (row["weights_sha256"] is None) == (row["strategy"] == "scratch")
        assert len(row["statistics"]) == len(row["example_ids"]) == row["n_test"] == 42
        assert row["history"] and row["history"][0]["seconds"] > 0


def test_killed_at_any_moment_it_goes_on(rows: Rows, folder: Path, cache: Path, tmp_path: Path) -> None:
    """Killed twice; every finished run survives, none runs twice, the table is the same."""
    command = [
        sys.executable, "-m", "tlzoo", "eval", *CREPE, "--data", str(folder), "--out", str(tmp_path),
        "--fractions", "0.2,1", "--strategy", "scratch", "--strategy", "probe", "--json",
    ]  # fmt: skip
    environment = os.environ | {"TLZOO_CACHE": str(cache), "HF_ENDPOINT": "http://127.0.0.1:9"}
    written: dict[str, int] = {}
    for wanted in (1, 2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 200
        while len(list(tmp_path.glob("results/*.parquet"))) < wanted and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        now = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("results/*.parquet")}
        assert written.items() <= now.items(), "what was finished is untouched"
        written = now
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"{4 - len(written)} runs executed, {len(written)} taken" in done.stderr
    again = json.loads(done.stdout)
    same = ("card", "strategy", "fraction", "value", "ci_low", "ci_high", "gain", "rank", "verdict", "run_ids")
    assert [{k: r[k] for k in same} for r in again] == [{k: r[k] for k in same} for r in rows]


def test_what_does_not_fit_the_budget_is_a_row(tlzoo: Command, official: None, folder: Path, tmp_path: Path) -> None:
    done = tlzoo(
        "eval", *CREPE, "--data", folder, "--out", tmp_path, "--budget", "0.01", "--strategy", "scratch", "--json"
    )
    (row,) = json.loads(done.stdout)
    assert done.returncode == 0
    assert (row["status"], row["value"]) == ("skipped", None)
    assert "left of --budget 0.01" in row["reason"]
    assert row["device"] == "cpu" and row["threads"] >= 1 and row["hardware"], "where it did not fit"


def test_whoever_is_waited_for_is_named(folder: Path, cache: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tlzoo", "eval", *CREPE, "--data", str(folder), "--out", str(tmp_path)]
    environment = os.environ | {"TLZOO_CACHE": str(cache), "HF_ENDPOINT": "http://127.0.0.1:9"}
    holding = (
        "import sys, pathlib, tlzoo.locks\n"
        "with tlzoo.locks.locked(pathlib.Path(sys.argv[1]), 'results'): print(flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", holding, str(tmp_path / ".lock")], **pipes) as holder:  # type: ignore[call-overload]
        holder.stdout.readline()
        process = subprocess.Popen(
            [*command, "--budget", "0.01"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        waiting = f"waiting for results in {tmp_path}: in use by process {holder.pid} "
        assert any(line.startswith(waiting) for line in process.stderr)  # ends with the line, or with the process
        assert process.poll() is None
        holder.communicate()
    assert "0 runs executed" in process.communicate(timeout=200)[1]
    assert process.returncode == 0


def test_what_cannot_be_had_is_a_row(tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    done = tlzoo(
        "eval", "--task", "audio-classification", "--model", "openl3", "--model", "yamnet", "--weights", "official",
        "--data", folder, "--out", tmp_path, "--no-baselines", "--json",
    )  # fmt: skip
    if os.environ.get("TLZOO_MIRROR"):
        pytest.skip("a mirror serves YAMNet's weights")
    rows = {r["card"]: r for r in json.loads(done.stdout)}
    assert done.returncode == 0
    assert all(r["status"] == "unavailable" for r in rows.values())
    assert "openl3: no official weights" in rows["openl3"]["reason"]
    assert "yamnet_audio_classifier_with_metadata.tflite is not available" in rows["yamnet"]["reason"]


def test_an_unreadable_file_costs_nothing_but_itself(
    tlzoo: Command, official: None, folder: Path, tmp_path: Path
) -> None:
    import shutil

    mine = tmp_path / "mine"
    shutil.copytree(folder, mine)
    (mine / "train" / "note0" / "bad.wav").write_bytes(b"RIFF" + bytes(40))
    done = tlzoo("eval", *CREPE, "--data", mine, "--out", tmp_path / "out", "--strategy", "probe", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["status"] == "ok", "the work was done and kept"
    listed = tmp_path / "out" / "problems.csv"
    line = f"1 unreadable example(s) left out, named in {listed}: train/note0/bad.wav"
    assert line in done.stderr.strip().splitlines()[-1]
    assert listed.read_text().splitlines()[1].startswith("mine,train/note0/bad.wav,")


def test_an_api_without_a_key_is_a_row(tlzoo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    done = tlzoo(
        "eval", "--task", "language-modeling", "--model", "gpt-4", "--out", tmp_path, "--no-baselines", "--json"
    )
    (row,) = json.loads(done.stdout)
    assert row["status"] == "unavailable"
    assert "OPENAI_API_KEY" in row["reason"]


def test_a_full_disk_loses_nothing(tlzoo: Command, official: None, folder: Path, small_disk: Path) -> None:
    out = small_disk / "out"
    command = ("eval", *CREPE, "--data", folder, "--out", out, "--strategy", "probe", "--seeds")
    assert tlzoo(*command, "0").returncode == 0
    (kept,) = out.glob("results/*.parquet")
    before = kept.read_bytes()
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError):
        while True:
            filler.write(bytes(1024))
    done = tlzoo(*command, "0,1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"tlzoo: --out {out}: cannot be written (the disk is full)")
    with (small_disk / "filler").open("rb+") as filler:  # room for all but the result, which is found out last
        filler.truncate((small_disk / "filler").stat().st_size - 12 * 1024)
    done = tlzoo(*command, "0,1")
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"tlzoo: {out}/results/") and "the disk is full; free some space" in line
    assert [p.read_bytes() for p in out.glob("results/*")] == [before]
    (small_disk / "filler").unlink()
    assert "1 runs executed, 1 taken" in tlzoo(*command, "0,1").stderr


def test_the_budget_is_the_whole_plans(tlzoo: Command, official: None, folder: Path, tmp_path: Path) -> None:
    """What was skipped stays so under the same budget, as if the command had never been interrupted."""
    command = ("eval", *CREPE, "--data", folder, "--out", tmp_path, "--strategy", "probe")
    assert tlzoo(*command).returncode == 0
    (seconds,) = set(Store(tmp_path / "results").read()["wall_seconds"].to_pylist())
    assert seconds > 1
    done = tlzoo(*command, "--seeds", "0,1", "--budget", str(seconds / 60), "--json")
    (row,) = json.loads(done.stdout)
    assert row["seeds"] == [0] and "1 repetition with another seed was skipped" in done.stderr
    (reason,) = filter(None, Store(tmp_path / "results").read(["reason"])["reason"].to_pylist())
    assert "0.0 min left" in reason
    assert "1 runs executed, 1 taken" in tlzoo(*command, "--seeds", "0,1", "--budget", "10").stderr
