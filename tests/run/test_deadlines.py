"""Work that hangs is ended, with a row, and the plan goes on; real processes that stand still."""

import contextlib
import importlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tlzoo.errors import InputError
from tlzoo.run import budget
from tlzoo.run.evaluate import Evaluation, evaluate
from tlzoo.run.execute import DataFacts, execute_apart, prepare
from tlzoo.run.measurement import Measured, measure_run
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Run
from tlzoo.run.worker import INSIDE

module: Any = importlib.import_module("tlzoo.run.evaluate")


def stopped_execute(run: Run, *arguments: Any, **options: Any) -> Outcome:
    """Stand still in the first seed."""
    if run.seed == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
    return execute_apart(run, *arguments, **options)


def stopped_measure(run: Run) -> Measured:
    os.kill(os.getpid(), signal.SIGSTOP)
    return measure_run(run)


def stopped_prepare(source: Any, folds: int | None) -> DataFacts:
    os.kill(os.getpid(), signal.SIGSTOP)
    return prepare(source)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of results: a model is measured once."""
    return tmp_path_factory.mktemp("out")


@pytest.fixture(autouse=True)
def environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(cache))


def run(folder: Path, out: Path | str, **options: Any) -> tuple[Evaluation, list[dict[str, Any]], list[str]]:
    """Train one small model from scratch on a few notes."""
    lines: list[str] = []
    what: dict[str, Any] = {"models": ["yamnet"], "variant": "nano", "strategies": ["scratch"], "fractions": [0.2]}
    what |= {"seeds": [0], "baselines": False}
    done = evaluate("audio-classification", data=folder, out=out, say=lines.append, **what | options)
    return done, sorted(done.board.to_pylist(), key=lambda row: row["seeds"] or [-1]), lines


def test_a_run_that_hangs_is_a_row_and_the_next_one_goes_on(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "execute_apart", stopped_execute)
    monkeypatch.setattr(budget, "HANG_FACTOR", 1.0)
    began = time.monotonic()
    done, _, lines = run(folder, out, seeds=(0, 1), budget=5, patience=30)
    assert time.monotonic() - began < 280
    rows = {row["status"]: row for row in done.board.to_pylist()}
    assert set(rows) == {"ok", "timeout"}, lines
    assert "the run was ended after " in rows["timeout"]["reason"]
    assert done.failed == 1 and done.executed == 1
    assert any("timeout: the run was ended after " in line for line in lines)

    monkeypatch.undo()
    again, _, _ = run(folder, out, seeds=(0, 1), budget=5)
    assert (again.executed, again.resumed, again.failed) == (1, 1, 0), "what was ended is run again"


def test_with_a_short_budget_it_ends_too(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "prepare", stopped_prepare)
    done, (row,), _ = run(folder, tmp_path, budget=0.2, patience=0)
    assert row["status"] == "timeout" and done.failed == 1
    assert row["reason"].startswith("preparing the data was ended after ")
    assert float(row["reason"].split()[6]) <= 15, "what is left of 12 seconds, and a quarter of that"


def test_measuring_has_a_deadline(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure_run", stopped_measure)
    monkeypatch.setattr(module, "MEASURING_SECONDS", 0.1)
    _, (row,), _ = run(folder, tmp_path, budget=5, patience=1, weights="none")
    assert (row["status"], row["reason"]) == ("timeout", "measuring the model was ended after 2 s without a result")


def test_the_clock_stands_still_while_another_evaluation_is_waited_for(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = itertools.accumulate(itertools.repeat(3600))

    @contextlib.contextmanager
    def locked_after_an_hour(*arguments: Any) -> Iterator[None]:
        hours, now = next(waited), time.monotonic
        monkeypatch.setattr(budget, "time", type("Later", (), {"monotonic": staticmethod(lambda: now() + hours)}))
        yield

    monkeypatch.setattr(module, "locked", locked_after_an_hour)
    done, _, _ = run(folder, out, seeds=(2,), budget=5)
    assert (done.executed, done.failed) == (1, 0)


def test_a_damaged_measurement_is_made_anew(folder: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, out, seeds=(3,), budget=5)
    (measured,) = (out / "measurements").glob("*.json")
    whole = measured.read_bytes()
    measured.write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    done, _, _ = run(folder, str(out), seeds=(4,), budget=5)
    assert (done.executed, done.failed) == (1, 0)
    assert f"{measured}: " in capsys.readouterr().err
    assert measured.read_bytes().startswith(b"{") and measured.read_bytes().endswith(b"}")


def test_an_evaluation_inside_a_worker_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INSIDE, "1")
    with pytest.raises(InputError, match="called in the worker of an evaluation"):
        run(folder, tmp_path)


def test_a_folder_that_cannot_be_written_is_told_before_any_work(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*file/out: cannot be written"):
        run(folder, tmp_path / "file" / "out")
