"""Baselines in an evaluation."""

from dataclasses import replace
from pathlib import Path

import pytest

from tlzoo.data.catalogue import find
from tlzoo.leaderboard.schema import MEASURED
from tlzoo.leaderboard.store import Store
from tlzoo.run import baseline
from tlzoo.run.baseline import baseline_runs
from tlzoo.run.evaluate import evaluate
from tlzoo.run.request import EvaluationRequest

TASK = "audio-classification"


def test_they_come_first_are_rows_like_any_other_and_are_kept(folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    options = {"models": ["yamnet"], "strategies": ["probe"], "weights": "none", "data": str(folder), "out": tmp_path}
    done = evaluate(TASK, fractions=[1.0, 0.2], say=lines.append, **options)  # type: ignore[arg-type]
    rows = Store(tmp_path / "results").read().to_pylist()
    mine = [row for row in rows if row["card"] == "baseline"]
    assert len(mine) == 8, "two baselines, fractions and metrics"
    best = {(row["strategy"], row["fraction"]): row for row in mine if row["metric"] == "accuracy"}
    assert best["trivial", 1.0]["value"] == pytest.approx(1 / 3, abs=0.05)
    assert best["classical", 1.0]["value"] > 0.8
    for (strategy, _), row in best.items():
        assert (row["weights"], row["variant"], row["status"]) == ("baseline", strategy, "ok")
        assert row["description"] and len(row["statistics"]) == row["n_test"] == 42
        assert all(row[name] is None for name in (*MEASURED, "weights_sha256", "history", "train_seconds"))
    assert f"baseline/trivial trivial: accuracy {best['trivial', 1.0]['value']:.3f}" in lines
    assert done.executed == 4
    again = evaluate(TASK, fractions=[1.0], say=lines.append, **options)  # type: ignore[arg-type]
    assert (again.executed, again.resumed) == (0, 2)
    assert {row["card"] for row in again.board.to_pylist()} == {"baseline"}, "of random weights no probe is run"


def test_their_key_follows_their_version_and_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    request, source = EvaluationRequest(TASK, fractions=[1.0]), find(TASK, "spoken-digits")
    ids = [run.id for run in baseline_runs(request, [source])]
    assert ids == [run.id for run in baseline_runs(request, [source])] and len(set(ids)) == 2
    other = [run.id for run in baseline_runs(request, [replace(source, fingerprint="f")])]
    monkeypatch.setattr(baseline, "HASH", f"{baseline.HASH}+")
    later = [run.id for run in baseline_runs(request, [source])]
    assert not {*ids} & {*other, *later}


def test_they_can_be_left_out() -> None:
    assert not baseline_runs(EvaluationRequest(TASK, baselines=False), [find(TASK, "spoken-digits")])


def test_each_run_says_its_place_and_the_time_left(folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    options = {"models": ["yamnet"], "variant": "nano", "strategies": ["scratch"], "weights": "none", "seeds": [0, 1]}
    options |= {"data": str(folder), "out": tmp_path, "fractions": [0.2], "budget": 8}
    evaluate(TASK, say=lines.append, **options)  # type: ignore[arg-type]
    places = [line for line in lines if line.startswith("run ")]
    assert [line.partition("; ")[0] for line in places] == [
        "run 1 of 4: baseline/trivial trivial, 20% of the labels, seed 0",
        "run 2 of 4: baseline/classical classical, 20% of the labels, seed 0",
        "run 3 of 4: yamnet/nano scratch, 20% of the labels, seed 0",
        "run 4 of 4: yamnet/nano scratch, 20% of the labels, seed 1",
    ]
    assert "; at most " in places[2], "no model has been run yet"
    assert "; about " in places[3]
    evaluate(TASK, say=(again := list[str]()).append, **options | {"seeds": [0, 1, 2]})  # type: ignore[arg-type]
    assert [line.partition(",")[0] for line in again if line.startswith("run ")] == ["run 5 of 5: yamnet/nano scratch"]
