"""Rows of exported models, beside those of the models that were exported."""

from pathlib import Path

import pytest

from tests.support.texts import table_of_texts
from tlzoo.errors import InputError
from tlzoo.export.rows import add_exported, check_runtimes
from tlzoo.leaderboard.row import rows_of, scored
from tlzoo.leaderboard.store import Store
from tlzoo.run.evaluate import run_evaluation
from tlzoo.run.request import EvaluationRequest
from tlzoo.run.rerun import rows_of as rows_of_run


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationRequest:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    table_of_texts(tmp_path / "mine.csv", 60, 3)
    return EvaluationRequest(
        task="text-classification",
        models=("roberta",),
        strategies=("probe", "scratch"),
        weights="stand-in",
        data=str(tmp_path / "mine.csv"),
        folds=1,
        seeds=(0,),
        fractions=(1.0,),
        out=tmp_path / "out",
        baselines=False,
    )


def test_an_exported_model_has_a_row_of_its_own(request_: EvaluationRequest) -> None:
    lines: list[str] = []
    done = add_exported(run_evaluation(request_, lines.append), request_, ["onnx", "int8"], lines.append)
    rows = {(row.strategy, row.runtime): row for row in scored(rows_of(done.board))}
    assert set(rows) == {("probe", None), ("probe", "onnx"), ("probe", "int8"), ("scratch", None)}
    plain, onnx, int8 = (rows["probe", name] for name in (None, "onnx", "int8"))
    assert onnx.value == plain.value and onnx.gain == plain.gain, "the same labels, compared with the same scratch"
    assert onnx.size_bytes and int8.size_bytes and int8.size_bytes < 0.7 * onnx.size_bytes
    assert onnx.latency_ms_p50 and int8.latency_ms_p50 and onnx.run_ids != plain.run_ids
    assert onnx.name == "roberta nano probe onnx"
    written = len(lines)
    again = add_exported(done, request_, ["onnx", "int8"], lines.append)
    assert len(lines) == written and again.board.num_rows == done.board.num_rows, "finished rows are not made again"
    with pytest.raises(InputError, match=r"exported to onnx, and is made again with: tlzoo eval .*--runtime onnx"):
        rows_of_run((onnx.run_ids or [""])[0], Store(request_.out / "results").read())


def test_another_runtime_is_refused() -> None:
    with pytest.raises(InputError, match="unknown runtime 'tflite'; known: int8, onnx"):
        check_runtimes(["onnx", "tflite"])
