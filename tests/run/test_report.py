"""Runs in trackers of experiments, as their own readers see them."""

import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import find
from tlzoo.errors import InputError
from tlzoo.leaderboard.store import Store
from tlzoo.measure.measurement import Measurement
from tlzoo.run.budget import Budget
from tlzoo.run.outcome import Outcome, Training
from tlzoo.run.plan import Plan, Run, recipe_for
from tlzoo.run.recorder import Recorder
from tlzoo.run.request import EvaluationRequest

HISTORY = tuple({"seconds": float(i), "step": 5 * i, "loss": 1 / i, "score": 0.1 * i} for i in (1, 2, 3))
OUTCOME = Outcome(
    {"accuracy": 0.5, "macro_f1": 0.4},
    {"accuracy": [[1.0], [0.0]], "macro_f1": [[1.0, 0.0], [0.0, 1.0]]},
    ["a", "b"],
    ["a", "b"],
    30,
    "cpu",
    1,
    training=Training(30, 12, HISTORY, 2.0, 1.0, 1e-3, 15),
)


def record(folder: Path, tracker: str) -> None:
    """Record two runs as an evaluation does."""
    card, source = catalogue.get("yamnet"), find("audio-classification", "spoken-digits")
    recipe = recipe_for(card, card.variants[-1], source.task, "full")
    run = Run(Checkpoint(card.id, "nano", "none"), source.task, source, "full", 0, 0.1, recipe, "hash")
    other = replace(run, seed=1)
    recorder = Recorder(Store(folder / "results"), Plan([run, other]), Budget(10, 0), lambda line: None, False, tracker)
    for each in (run, other):
        recorder.result(each, OUTCOME, Measurement())
        recorder.report(each, OUTCOME)


def test_tensorboard_has_a_run_with_its_curve_and_its_values(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="no tensorboard")
    record(tmp_path, "tensorboard")
    runs = sorted(path for path in (tmp_path / "tensorboard").iterdir())
    names = [f"yamnet-nano-full,-10-of-the-labels,-seed-{seed}" for seed in (0, 1)]
    assert [path.name for path in runs] == names
    read = events.EventAccumulator(str(runs[0])).Reload()
    assert [(each.step, each.value) for each in read.Scalars("validation/score")] == [
        (5, pytest.approx(0.1)),
        (10, pytest.approx(0.2)),
        (15, pytest.approx(0.3)),
    ]
    assert read.Scalars("test/accuracy")[0].value == pytest.approx(0.5)


def test_trackio_has_both_runs_and_standard_output_stays_clean(tmp_path: Path) -> None:
    if not find_spec("trackio"):
        pytest.skip("no trackio")
    code = (
        "import sys; from pathlib import Path; from tests.run.test_report import record; record(Path(sys.argv[1]), "
        "'trackio'); import trackio; print(sorted(run.name for run in trackio.Api().runs('tlzoo')))"
    )
    environment = os.environ | {"TRACKIO_DIR": str(tmp_path / "trackio"), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, env=environment
    )
    names = [f"yamnet-nano-full,-10-of-the-labels,-seed-{seed}" for seed in (0, 1)]
    assert done.stdout.splitlines() == [str(names)], done.stderr
    assert any((tmp_path / "trackio").iterdir()), "in the folder that its own setting names"


def test_another_tracker_is_refused() -> None:
    with pytest.raises(InputError, match="unknown report 'comet'; known: mlflow, tensorboard, trackio, wandb"):
        EvaluationRequest(task="audio-classification", report="comet")


def test_one_that_is_not_installed_is_refused_before_anything_runs() -> None:
    if find_spec("wandb"):
        pytest.skip("wandb is installed")
    with pytest.raises(InputError, match="--report wandb: is not installed; install it with: pip install wandb"):
        EvaluationRequest(task="audio-classification", report="wandb")
