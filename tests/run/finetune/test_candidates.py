"""Ways of training are cross-fitted, and chosen on validation; the final model learns from all examples."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Prepared
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.run.finetune import LIMITS, finetune
from tlzoo.run.finetune.candidates import Chosen, choose, folds_of, name_of, pool, ways
from tlzoo.run.finetune.settings import Settings
from tlzoo.run.plan import Run, plan, sources
from tlzoo.run.request import EvaluationRequest
from tlzoo.transfer.recipe import Recipe

TASK = "text-classification"
WORDS = {"fruit": ("apple", "pear", "plum", "fig"), "tool": ("hammer", "saw", "drill", "plane")}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Ninety texts of two classes, one of them four times as large."""
    lines = ["text,label"]
    for i in range(90):
        name = "tool" if i % 5 == 0 else "fruit"
        lines.append(f"number {i} is the {WORDS[name][i % 4]},{name}")
    path = tmp_path / "things.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def tested(table: Path) -> Path:
    """The same, with a test that is given."""
    lines = table.read_text().splitlines()
    folder = table.parent / "given"
    folder.mkdir()
    (folder / "train.csv").write_text("\n".join(lines[:71]))
    (folder / "test.csv").write_text("\n".join([lines[0], *lines[71:]]))
    return folder


def data(path: Path) -> Prepared:
    return load(find(TASK, str(path), LIMITS))


def runs(path: Path, *strategies: str) -> list[Run]:
    request = EvaluationRequest(
        TASK, ("bert",), strategies, "stand-in", variant="nano", data=str(path), folds=1, seeds=(0,), fractions=(1.0,)
    )
    how = Recipe(steps=30, learning_rates=(1e-2,), batch_size=16, looks=3)
    return [replace(run, recipe=how) for run in plan(request, sources(request, LIMITS)).runs]


def test_all_examples_are_learnt_from_but_those_of_a_given_test(table: Path, tested: Path) -> None:
    whole = pool(data(table))
    assert (len(whole.splits["train"]), len(whole.splits["test"])) == (90, 0)
    whole = pool(data(tested))
    assert (len(whole.splits["train"]), len(whole.splits["test"])) == (70, 20)
    assert not {*whole.splits["train"]["id"]} & {*whole.splits["test"]["id"]}


@pytest.mark.parametrize(("count", "trials"), [(None, 5), (3, 3), (1, 1)])
def test_every_example_of_a_pool_is_tried_once_by_a_model_without_it(tested: Path, count: int, trials: int) -> None:
    whole = pool(data(tested))
    folds = folds_of(whole, count, 0)
    assert len(folds) == trials
    seen = Counter(name for fold in folds for name in fold.splits["test"]["id"])
    assert max(seen.values()) == 1
    assert (set(seen) == {*whole.splits["train"]["id"]}) == (trials > 1)
    for fold in folds:
        parts = [{*rows["id"]} for rows in fold.splits.values()]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 70
    with pytest.raises(InputError, match="--folds 71: the data have 70 groups"):
        folds_of(whole, 71, 0)


def test_drawing_classes_equally_often_is_tried_where_they_are_not_of_a_size(table: Path) -> None:
    each = runs(table, "probe", "full")
    assert [name_of(run) for run in ways(each, pool(data(table)))] == [
        "probe", "probe, classes balanced", "full", "full, classes balanced",
    ]  # fmt: skip
    lines = table.read_text().splitlines()
    table.write_text("\n".join([line for i, line in enumerate(lines) if not line.endswith("fruit") or i % 2]))
    assert [name_of(run) for run in ways(each, pool(data(table)))] == ["probe", "full"]


def test_validation_chooses_and_the_recorded_score_is_of_what_each_fold_chose(table: Path, tmp_path: Path) -> None:
    whole = pool(data(table))
    lines: list[str] = []
    chosen = choose(
        runs(table, "probe", "scratch"), folds_of(whole, 2, 0), progress=False, say=lines.append, state=tmp_path
    )
    assert set(chosen.scores) == {"probe", "scratch"}
    assert chosen.scores[name_of(chosen.run)] == max(chosen.scores.values())
    assert len(chosen.groups) == len(chosen.predictions) == len(chosen.labels) == 90
    assert len(chosen.statistics["accuracy"]) == 90
    assert all(trial.n_train < 45 and trial.distances is not None for trial in chosen.trials)
    assert 0 < chosen.epochs <= 16 and chosen.rate == pytest.approx(1e-2)
    assert [line.partition(":")[0] for line in lines] == [
        "probe, fold 1 of 2", "scratch, fold 1 of 2", "probe, fold 2 of 2", "scratch, fold 2 of 2",
    ]  # fmt: skip


def test_the_card_says_what_was_chosen_and_how_good_it_is(table: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    done = finetune(
        "bert", TASK, str(table), tmp_path / "out", strategy="probe", weights="stand-in", variant="nano", folds=2,
        settings=Settings(learning_rate=3e-3, epochs=2, batch_size=8, metric="macro_f1"), progress=False,
        say=lines.append,
    )  # fmt: skip
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert (done.n_train, done.n_test, done.is_crossfitted) == (90, 90, True)
    assert recipe["training"]["n_train"] == 90 and recipe["training"]["learning_rate"] == pytest.approx(3e-3)
    assert recipe["run"]["recipe"]["batch_size"] == 8 and recipe["training"]["epochs"] <= 15
    assert recipe["results"][0]["n_test"] == 90
    assert any(f"on validation ({METRICS['macro_f1'].label})" in line for line in lines)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "trained on 90 examples (" + done.way + ")" in card
    assert "On 90 of these examples, each judged by that one of 2 models trained alike" in card
    assert "| fruit | 72 | " in card and "| tool | 18 | " in card and "(confusion.png)" in card
    assert "Scores are calibrated" in card and "gets the label `unknown`" in card
    assert (tmp_path / "out" / "confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": 0.0}, "--lr 0: expected more than 0"),
        ({"epochs": 0}, "--epochs 0: expected 1 or more"),
        ({"batch_size": -1}, "--batch-size -1: expected 1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**given)  # type: ignore[arg-type]


def test_a_metric_of_another_task_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="macro_f1"):
        finetune("bert", TASK, str(table), tmp_path / "out", settings=Settings(metric="wer"), say=lambda line: None)
    assert not (tmp_path / "out").exists()


def test_a_killed_search_goes_on_in_the_fold_where_it_was(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, folds = torch.optim.AdamW.step, folds_of(pool(data(table)), 2, 0)
    steps: list[int] = []

    def chosen(state: str, last: int = 1000) -> Chosen:
        def counted(self: Any, *arguments: Any, **named: Any) -> Any:
            steps.append(1)
            if len(steps) == last:
                raise KeyboardInterrupt
            return step(self, *arguments, **named)

        steps.clear()
        monkeypatch.setattr(torch.optim.AdamW, "step", counted)
        return choose(runs(table, "scratch"), folds, progress=False, say=lambda line: None, state=tmp_path / state)

    monkeypatch.setattr("tlzoo.transfer.saved.SECONDS", 0.0)
    monkeypatch.setattr("tlzoo.transfer.saved.MIN_RATIO", 0.0)
    whole = chosen("whole")
    count = len(steps)
    with pytest.raises(KeyboardInterrupt):
        chosen("killed", last=count - 5)
    again = chosen("killed")
    assert len(steps) == 6, "the step of the kill, and those after it"
    assert again.statistics == whole.statistics
    hashes = [[trial.outcome.trained_sha256 for trial in each.same] for each in (whole, again)]
    assert hashes[0] == hashes[1]
