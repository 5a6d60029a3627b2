"""What is told before a run, and what a run of NaN comes to."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tlzoo.data.catalogue import find
from tlzoo.errors import DivergedError
from tlzoo.run import evaluate
from tlzoo.run import execute as module
from tlzoo.run.execute import Trained, execute, execute_apart, prepare
from tlzoo.run.measurement import Measured, measure_run
from tlzoo.run.plan import Run, plan
from tlzoo.run.request import EvaluationRequest
from tlzoo.run.worker import Worker

TASK = "text-classification"


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
        f"data: {facts.name}: train 60, validation 11, test 29 of 30 rows; 2 classes (50 rows each)",
        "mine.csv: text from column 'text', label from column 'label'",
        "20 of 121 rows repeat another one and its class, and were left out",
        "unreadable, left out: mine.csv row 121: text is empty",
    ]


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


class InProcess(Worker):
    """Data are prepared here, nothing is measured, and every run diverges."""

    def call(self, function: Any, *arguments: Any, **_: Any) -> Any:
        if function is execute_apart:
            raise DivergedError("the weights hold NaN or infinite numbers")
        return prepare(*arguments) if function is prepare else {measure_run: Measured()}[function]


def test_divergence_is_a_row_with_its_reason(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "Worker", InProcess)
    told: list[str] = []
    chosen = {"models": ["bert"], "strategies": ["scratch"], "variant": "nano"}
    done = evaluate.evaluate(TASK, data=str(table), out=tmp_path / "out", baselines=False, say=told.append, **chosen)
    assert done.board["status"].to_pylist() == ["diverged"]
    assert done.board["reason"].to_pylist() == ["the weights hold NaN or infinite numbers"]
    assert any(line.startswith("data: ") for line in told[:-1]) and "diverged" in told[-1]
