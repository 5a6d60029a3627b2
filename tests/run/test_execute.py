"""What is told before a run, and what a run of NaN comes to."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import find
from tlzoo.errors import DivergedError, InputError
from tlzoo.run import evaluate
from tlzoo.run import execute as module
from tlzoo.run.cluster import execute_there
from tlzoo.run.execute import Trained, execute, execute_apart, prepare, validation_part
from tlzoo.run.measurement import Measured, measure_run
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Run, plan, recipe_for
from tlzoo.run.request import EvaluationRequest
from tlzoo.run.worker import Worker

TASK, SOUNDS = "text-classification", "audio-classification"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    lines = [f"text {i % 100} of this,{'ab'[i % 2]}" for i in range(120)]
    path.write_text("\n".join(["text,label", *lines, " ,a"]))
    return path


def test_counts_come_first(table: Path) -> None:
    facts = prepare(find(TASK, str(table)))
    assert facts.counts.rows == {"train": 60, "validation": 11, "test": 29}
    assert facts.lines == [
        f"data: {facts.name}: train 60, validation 11 (cut from train), test 29 of 30 (cut from train) rows; "
        "2 classes (50 rows each)",
        "data: 'text' of 14 to 15 characters (median 15)",
        "mine.csv: text from column 'text', label from column 'label'",
        "20 of 121 rows repeat another one and its class, and were left out",
        "with 29 test examples a gain under 0.25 will not show",
        "unreadable, left out: row 121: text is empty",
    ]


def test_data_without_test_examples_are_not_evaluated_on() -> None:
    with pytest.raises(InputError, match="letters has no test examples"):
        prepare(find("image-classification", "letters"))


class Broken(torch.nn.Module):
    """A model whose weights became NaN, and which names a class all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((2,), math.nan))


def run_of(table: Path) -> Run:
    request = EvaluationRequest(TASK, models=["bert"], strategies=["scratch"], variant="nano")
    return plan(request, [find(TASK, str(table))]).runs[0]


def test_weights_of_nan_have_no_score(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "train", lambda *_: Trained(Broken(), Broken()))  # type: ignore[arg-type]
    with pytest.raises(DivergedError, match="the weights hold NaN"):
        execute(run_of(table), progress=False)


def short(folder: Path) -> Run:
    """A short training."""
    card = catalogue.get("yamnet")
    nano = variant_of(card, "nano")
    how = replace(recipe_for(card, nano, SOUNDS, "scratch"), steps=12, looks=2, trial=0.5, learning_rates=(9e-3, 1e-3))
    checkpoint = Checkpoint("yamnet", "nano", "none")
    source = find(SOUNDS, str(folder))
    return Run(checkpoint, SOUNDS, source, "scratch", 3, 0.5, how, card.variant_hash(nano))


def tones(folder: Path, threads: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """A short training in a new process."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    with Worker() as worker:
        return worker.call(execute_apart, short(folder), False, None, None)


def test_two_processes_give_the_same_to_the_last_digit_whatever_their_threads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (tones(folder, threads, monkeypatch) for threads in ("1", "2"))
    assert first.training is not None and second.training is not None
    assert first.threads == second.threads
    assert first.trained_sha256 == second.trained_sha256 and len(str(first.trained_sha256)) == 64
    curves = [[(p["step"], p["loss"], p["score"]) for p in each.training.history] for each in (first, second)]  # type: ignore[union-attr]
    assert curves[0] == curves[1]
    assert first.statistics == second.statistics
    assert first.training.n_train == 33 and first.training.n_validation == 10 < 14


def test_a_fraction_of_the_labels_is_one_of_validation_too() -> None:
    """Nested, with each class, and never so few that they choose nothing."""
    labels = [0] * 150 + [1] * 45 + [2] * 5
    parts = {share: validation_part(labels, share, seed=1) for share in (0.01, 0.1, 0.3, 1.0)}
    assert {share: len(part) for share, part in parts.items()} == {0.01: 11, 0.1: 21, 0.3: 60, 1.0: 200}
    for smaller, larger in pairwise(parts.values()):
        assert set(smaller) < set(larger)
    assert all({labels[place] for place in part} == {0, 1, 2} for part in parts.values())
    assert validation_part(labels, 0.1, seed=1) != validation_part(labels, 0.1, seed=2)
    assert len(validation_part([0, 1, 0], 0.1, seed=0)) == 3


class InProcess(Worker):
    """Data are prepared here, nothing is measured, and every run diverges."""

    def call(self, function: Any, *arguments: Any, **_: Any) -> Any:
        if function is execute_there:
            raise DivergedError("the weights hold NaN or infinite numbers")
        return prepare(*arguments) if function is prepare else {measure_run: Measured()}[function]


def test_divergence_is_a_row_with_its_reason(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "Worker", InProcess)
    told: list[str] = []
    chosen: dict[str, Any] = {
        "models": ["bert"],
        "strategies": ["scratch"],
        "variant": "nano",
        "seeds": [0],
        "fractions": [1.0],
        "folds": 1,
    }
    chosen["baselines"] = False
    done = evaluate.evaluate(TASK, data=str(table), out=tmp_path / "out", say=told.append, **chosen)
    assert done.board["status"].to_pylist() == ["diverged"]
    assert done.board["reason"].to_pylist() == ["the weights hold NaN or infinite numbers"]
    assert any(line.startswith("data: ") for line in told[:-1]) and "diverged" in told[-1]


def test_a_killed_run_goes_on_and_leaves_no_state(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, state = short(folder), tmp_path / "state"
    step = torch.optim.AdamW.step
    steps: list[int] = []

    def counted(self: Any, *arguments: Any, **named: Any) -> Any:
        steps.append(1)
        if len(steps) == 10:
            raise KeyboardInterrupt
        return step(self, *arguments, **named)

    monkeypatch.setattr("tlzoo.transfer.saved.SECONDS", 0.0)
    monkeypatch.setattr("tlzoo.transfer.saved.MIN_RATIO", 0.0)
    whole = execute_apart(run, False, None, None)
    monkeypatch.setattr(torch.optim.AdamW, "step", counted)
    with pytest.raises(KeyboardInterrupt):
        execute_apart(run, False, None, None, state)
    assert [path.name.split(".")[0] for path in state.iterdir()] == [run.id]
    again = execute_apart(run, False, None, None, state)
    assert again.trained_sha256 == whole.trained_sha256 and again.statistics == whole.statistics
    assert not list(state.iterdir())
