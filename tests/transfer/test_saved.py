import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.support.killed import GRID, trained
from tlzoo.errors import DivergedError
from tlzoo.files import sha256_of
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.saved import SavedState

WHOLE = replace(GRID, learning_rates=(1e-2,))


def killed(folder: Path, how: str, looks: int) -> None:
    """Train in a process that is killed at a look."""
    command = [sys.executable, "-m", "tests.support.killed", str(folder), how, str(looks)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize(("how", "recipe"), [("whole", WHOLE), ("grid", GRID)])
def test_a_killed_training_gives_the_same_model(how: str, recipe: Recipe, tmp_path: Path) -> None:
    expected = trained(recipe, None)
    killed(tmp_path, how, looks=3)
    assert len(list(tmp_path.glob("run.*.state"))) == 1
    assert trained(recipe, SavedState(tmp_path, "run", seconds=0)) == expected
    again: list[int] = []
    assert trained(recipe, SavedState(tmp_path, "run", seconds=0), lambda: again.append(1)) == expected
    assert not again, "the last state is of the end"


def test_each_place_is_one_to_go_on_from(tmp_path: Path) -> None:
    """A look that fails stands for a kill; what was kept before it is all that is left."""
    expected = trained(GRID, None)
    for looks in range(1, 20, 3):
        left = iter(range(looks - 1, -1, -1))

        def interrupt(left: object = left) -> None:
            if next(left) == 0:  # type: ignore[call-overload]
                raise KeyboardInterrupt

        folder = tmp_path / str(looks)
        try:
            with SavedState(folder, "run", seconds=0) as saved:
                trained(GRID, saved, interrupt)
            break
        except KeyboardInterrupt:
            assert trained(GRID, SavedState(folder, "run", seconds=0)) == expected
    assert looks > 6
    assert not list(folder.glob("*")), "a finished training leaves nothing"


def test_a_damaged_state_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = trained(WHOLE, SavedState(tmp_path, "run", seconds=0))
    (path,) = tmp_path.glob("run.*.state")
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    assert trained(WHOLE, SavedState(tmp_path, "run")) == expected
    assert f"{path}: differs from its checksum; training begins anew" in capsys.readouterr().err


def test_a_state_that_would_run_code_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"key": "", "state": Path("x")}, tmp_path / "new")
    path = tmp_path / f"run.{sha256_of(tmp_path / 'new')}.state"
    (tmp_path / "new").rename(path)
    assert SavedState(tmp_path, "run").read(lambda: "") is None
    assert f"{path}: cannot be read (" in capsys.readouterr().err


def test_a_state_of_another_start_is_not_taken_up(tmp_path: Path) -> None:
    trained(WHOLE, SavedState(tmp_path, "run", seconds=0))
    other = replace(WHOLE, weight_decay=0.5)
    assert trained(other, SavedState(tmp_path, "run")) == trained(other, None)


def test_a_short_training_writes_nothing_and_a_failed_one_leaves_nothing(tmp_path: Path) -> None:
    trained(WHOLE, SavedState(tmp_path / "short", "run"))
    assert not (tmp_path / "short").exists()

    def fail() -> None:
        raise DivergedError("predictions hold NaN")

    with pytest.raises(DivergedError), SavedState(tmp_path, "run", seconds=0) as saved:
        saved.write("key", {})
        fail()
    assert not list(tmp_path.glob("*.state"))


def test_a_disk_that_cannot_be_written_ends_no_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert trained(WHOLE, SavedState(tmp_path / "file", "run", seconds=0)) == trained(WHOLE, None)
    assert capsys.readouterr().err.count("cannot be kept") == 1
