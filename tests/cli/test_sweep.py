"""``tlzoo sweep``: several tasks in one folder; the second time nothing is run, and nothing heavy is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tlzoo.cli.sweep import summary
from tlzoo.leaderboard.row import BoardRow


def sweep(out: Path, *tasks: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A sweep without a network, of which random weights leave the baselines alone to be run."""
    command = ["-m", "tlzoo", "sweep", "--weights", "none", "--strategy", "probe", "--device", "cpu", "--offline"]
    command += ["--out", str(out), "--json", *(word for task in tasks for word in ("--task", task))]
    return subprocess.run(
        [sys.executable, *flags, *command],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"TLZOO_CACHE": str(out.parent / "cache"), "TLZOO_MIRROR": ""},
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "out"


def test_tasks_share_a_folder_and_go_on_where_one_has_no_data(out: Path) -> None:
    done = sweep(out, "video-classification", "token-classification")
    assert done.returncode == 0, done.stderr
    assert (
        "\nvideo-classification: baseline/trivial trivial: unavailable: digits.csv.gz is not available" in done.stderr
    )
    assert "\nrun 4 of 4: token-classification: baseline/classical classical; " in done.stderr
    assert "\n2 runs executed, 0 taken" in done.stderr
    rows = [(row["task"], row["status"]) for row in json.loads(done.stdout)]
    assert sorted(rows) == [("token-classification", "ok")] * 2 + [("video-classification", "unavailable")] * 2
    assert len(list((out / "results").glob("*.parquet"))) == 4


def test_the_second_time_nothing_is_run_and_nothing_heavy_imported(out: Path) -> None:
    done = sweep(out, "token-classification", flags=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    assert "\n0 runs executed, 2 taken" in done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "pyarrow" in imported and not imported & {"torch", "transformers", "ray", "sklearn"}


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    done = sweep(tmp_path / "out", "text-clasification")
    assert done.returncode == 2 and "did you mean 'text-classification'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_best_of_each_data_set_is_named() -> None:
    def row(card: str, rank: int | None, **facts: object) -> BoardRow:
        common: dict[str, Any] = {"variant": "nano", "weights": "stand-in", "task": "audio-classification"}
        common |= {"dataset": "toy", "metric": "accuracy", "status": "ok", "strategy": "probe"}
        return BoardRow(card=card, rank=rank, rank_worst=rank, **common | facts)

    rows = [
        row("baseline", 1, weights="baseline", value=0.99),
        row("yamnet", 3, value=0.5),
        row("crepe", 2, value=0.75, gain=0.25),
        row("openl3", None, status="skipped"),
    ]
    _, audio, text = summary(["audio-classification", "text-embedding"], rows).splitlines()
    assert audio.split()[1:] == ["toy", "3", "1", "crepe/nano", "probe", "accuracy", "0.750", "+0.250"]
    assert text.split() == ["text-embedding", "not", "available", "0", "0"]
