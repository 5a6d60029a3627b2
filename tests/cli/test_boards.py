"""``tlzoo select`` on a person's own data, and what stands below a board."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.boards import board_of, learnt
from tlzoo.cli.evaluation import next_command
from tlzoo.data.catalogue import find
from tlzoo.leaderboard.store import Store
from tlzoo.run.request import EvaluationRequest

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


def kept(where: Path, rows: list[dict[str, Any]]) -> None:
    for each in rows:
        Store(where / ".tlzoo" / "results").write([each])


def cli(where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tlzoo", *words], cwd=where, capture_output=True, text=True)


def test_a_board_of_a_task_ends_with_what_transfer_gave_and_what_to_type(tmp_path: Path, row: Maker) -> None:
    kept(tmp_path, learnt(row))
    done = cli(tmp_path, "leaderboard", "--task", TASK)
    assert done.stdout.splitlines()[-1].startswith("With 80 training clips yamnet probe reaches what scratch needs")
    assert done.stderr.splitlines()[-1] == f"Next: tlzoo select --task {TASK}"
    only = cli(tmp_path, "leaderboard", "--task", TASK, "--strategy", "probe")
    assert only.stdout.splitlines()[-1] == done.stdout.splitlines()[-1], "of all rows, whatever is shown"
    for options in (["--format", "md"], []):
        which = ["--task", TASK] if options else []
        assert "With 80" not in cli(tmp_path, "leaderboard", *which, *options).stdout


def test_the_plot_says_how_to_get_the_learning_curves_that_it_lacks(tmp_path: Path, row: Maker) -> None:
    kept(tmp_path, learnt(row, (1.0,)))
    done = cli(tmp_path, "leaderboard", "--task", TASK, "--plot", "board.png")
    assert "no learning curve of audio-classification on toy: one share of the labels was run" in done.stderr
    assert (tmp_path / "board.png").stat().st_size > 10_000


def next_after(board: pa.Table, **options: Any) -> str:
    return next_command(EvaluationRequest(TASK, **options), board)


def test_after_an_evaluation_the_next_command_keeps_the_winner(row: Maker) -> None:
    board = board_of(*learnt(row, latency_ms_p50=5.0))
    keep = f"tlzoo finetune yamnet --task {TASK} --data {{}} --strategy probe --out my_model"
    assert next_after(board) == keep.format("toy"), "the data that auto was"
    assert next_after(board, data="my sounds") == keep.format("'my sounds'")
    assert next_after(board, variant="v1", group="speaker").endswith("--variant v1 --group speaker --out my_model")
    assert next_after(board_of(row("yamnet", "zero-shot", 0.9))) == "tlzoo predict yamnet FILE"
    theirs = board_of(row("folder:mine", "probe", 0.9))
    assert next_after(theirs, models=["./mine"]).startswith("tlzoo finetune ./mine --task")
    assert next_after(theirs, models=["./mine", "yamnet"]) == f"tlzoo select --task {TASK} --out .tlzoo"
    lost = row("yamnet", "probe", 0.0) | {"status": "skipped", "value": None, "reason": "no time"}
    assert next_after(board_of(lost)) == "the same command with --budget 20; finished runs are kept"
    some = next_after(board_of(row("yamnet", "probe", 0.9, fraction=0.1)), fractions=(0.1,))
    assert some.startswith("the same command with --fractions 0.1,1, since a model is chosen by")
