"""The script that makes what ships, as far as it can be tried in seconds."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.store import Store, read_board

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("reference")


def test_a_step_that_fails_is_named_and_ends_in_a_code(tmp_path: Path) -> None:
    command = [sys.executable, SCRIPTS / "reference.py", "run", "no-such-task", "--out", tmp_path / "out"]
    done = subprocess.run([*command, "--minutes", "1.5"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no-such-task, auto, 0.1: tlzoo eval ended with code 2" in done.stderr.splitlines()


def test_few_labels_come_first_and_steps_that_end_well_are_not_named(
    reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    assert reference.run(["audio-classification", "audio-embedding"], tmp_path, 5) == []
    plan = list(reference.steps(["audio-classification"]))
    assert [(step.data, step.small) for step in plan[:3]] == [("auto", True), ("fsdd", True), ("auto", False)]
    assert [step.fraction for step in plan] == [share for share in (0.1, 0.3, 1.0) for _ in range(4)] * 2
    assert {step.strategies for step in plan} == {(), ("lora",)} and len(set(plan)) == len(plan)
    assert "--variant nano" in " ".join(plan[0].arguments) and "--strategy lora" in " ".join(plan[-1].arguments)


def test_the_steps_name_tasks_and_data_that_there_are(reference: ModuleType) -> None:
    for step in reference.steps([]):
        assert step.data == "auto" or DATASETS[step.data].task == step.task


def test_what_is_kept_says_no_more_than_the_rows(
    reference: ModuleType, row: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    facts = {"hardware": "a machine", "threads": 2, "tlzoo_version": "0.1.0"}
    store = Store(tmp_path / "out" / "audio-classification" / "results")
    store.write([row("yamnet", "probe", 0.9, **facts)])
    without = {"value": None, "reason": "why"}
    store.write([row("crepe", "probe", 0.0, **facts) | {"status": "skipped"} | without])
    store.write([row("openl3", "probe", 0.0, **facts) | {"status": "unavailable"} | without])
    store.write([row("trill", "probe", 0.0, **facts) | {"status": "diverged"} | without])
    reference.keep(tmp_path / "out", tmp_path / "results")
    said = (tmp_path / "results" / "README.md").read_text()
    assert "| audio-classification | toy | 1 | 1 | 1 | 1 | " in said and "| a machine, 2 threads | 0.1.0 |" in said
    assert "minutes" not in said, "no row knows the budget"
    board = read_board(tmp_path / "results" / "board.parquet")
    assert set(board["origin"].to_pylist()) == {"reference"}
    assert dict(zip(board["card"].to_pylist(), board["rank"].to_pylist(), strict=True)) == {"yamnet": 1, "trill": None}


def test_a_run_that_was_run_again_is_kept_as_it_was_run_last(
    reference: ModuleType, row: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    earlier = row("yamnet", "probe", 0.5) | {"origin": "reference"}
    later = earlier | {"origin": "local", "value": 0.6, "created": earlier["created"] + timedelta(days=1)}
    for name, each in (("kept", earlier), ("again", later)):
        rows = Store(tmp_path / name).write([each])
        rows.rename(tmp_path / f"{name}.parquet")
    assert Store(tmp_path).read().num_rows == 2
    assert reference.newest(Store(tmp_path).read())["value"].to_pylist() == [0.6]


def test_results_of_what_has_changed_since_are_dropped(
    reference: ModuleType, row: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    card = catalogue.get("yamnet")
    nano = variant_of(card, "nano")
    now = {"variant": nano.id, "card_hash": card.variant_hash(nano)}
    store = Store(tmp_path)
    store.write([row(card.id, "scratch", 0.5, **now)])
    store.write([row(card.id, "scratch", 0.6, seed=1, **now | {"card_hash": "another network"})])
    store.write([row(card.id, "probe", 0.7, **now, weights="stand-in", weights_sha256=nano.weights[0].sha256)])
    store.write([row(card.id, "probe", 0.8, seed=1, **now, weights="stand-in", weights_sha256="another stand-in")])
    store.write([row(card.id, "probe", 0.9, seed=2, **now, dataset="spoken-digits", dataset_fingerprint="other data")])
    assert sorted(reference.current(store.read())["value"].to_pylist()) == [0.5, 0.7]
