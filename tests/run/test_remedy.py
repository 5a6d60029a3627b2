"""Further training after negative transfer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.leaderboard.schema import RESULT
from tlzoo.run import remedy
from tlzoo.run.plan import Run, recipe_for
from tlzoo.run.remedy import Remedies, further_runs
from tlzoo.vocabulary import Strategy

SOURCE = Source("toy", "audio-classification", "audio", "f", "rendered", "")
ALL: tuple[Strategy, ...] = ("scratch", "probe", "full", "partial")
NEGATIVE = {"probe": "negative", "full": "negative", "partial": "negative"}
Row = Callable[..., dict[str, Any]]


def run(strategy: Strategy, seed: int = 0, card_id: str = "yamnet", fraction: float = 1.0) -> Run:
    card = catalogue.get(card_id)
    recipe = recipe_for(card, card.variants[-1], SOURCE.task, strategy)
    checkpoint = Checkpoint(card_id, card.variants[-1].id, "stand-in", "0" * 64)
    return Run(checkpoint, SOURCE.task, SOURCE, strategy, seed, fraction, recipe, "hash")


def further(
    monkeypatch: pytest.MonkeyPatch, row: Row, verdicts: Mapping[str, str], best: str, runs: Sequence[Run]
) -> list[Run]:
    """What is trained further, given the verdict on each strategy and the one that is the best on validation."""
    results = []
    for each in runs:
        score = 0.9 if each.strategy == best else 0.5
        point = {"seconds": 1.0, "step": 1, "loss": 1.0, "score": score}
        made = row("yamnet", each.strategy, 0.5, seed=each.seed, run_id=each.id, history=[point])
        results.append(made)
    table = pa.Table.from_pylist(results, schema=RESULT)
    ids = {name: [each.id for each in runs if each.strategy == name] for name in verdicts}
    rows = [{"verdict": verdicts[name], "chosen": name == best, "run_ids": ids[name]} for name in verdicts]
    monkeypatch.setattr(remedy, "board", lambda results, metrics: pa.Table.from_pylist(rows))
    return further_runs(runs, table)


def test_a_model_is_trained_longer_for_each_seed_where_its_best_strategy_is_negative(
    monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    runs = [run(strategy, seed) for seed in (0, 1) for strategy in ALL]
    longer = further(monkeypatch, row, NEGATIVE, "full", runs)
    assert [(each.strategy, each.seed) for each in longer] == [("further", 0), ("further", 1)]
    assert longer[0].recipe.steps > run("full").recipe.steps
    assert len({each.id for each in (*longer, *runs)}) == 10


@pytest.mark.parametrize("verdict", ["neutral", "positive", "unreplicated"])
def test_the_best_on_validation_decides_and_no_other(monkeypatch: pytest.MonkeyPatch, row: Row, verdict: str) -> None:
    runs = [run(strategy) for strategy in ALL]
    assert not further(monkeypatch, row, NEGATIVE | {"full": verdict}, "full", runs)
    assert further(monkeypatch, row, NEGATIVE | {"probe": verdict}, "full", runs)


def test_a_probe_alone_is_no_reason(monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    for missing in ("full", "partial"):
        runs = [run(strategy) for strategy in ALL if strategy != missing]
        assert not further(monkeypatch, row, NEGATIVE, "probe", runs)


def test_it_comes_when_the_last_run_of_its_model_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [run(strategy, seed) for seed in (0, 1) for strategy in ALL]
    others = [run(strategy, card_id="openl3") for strategy in ("scratch", "full")]
    asked: list[list[Run]] = []
    monkeypatch.setattr(remedy, "further_runs", lambda cell, _: [asked.append(list(cell)), [cell[0]]][1])
    remedies = Remedies([*runs, *others])
    for each in (*runs[:-1], *others):
        assert remedies.after(each, RESULT.empty_table) == []
    assert asked == [], "of the other no latter part was trained"
    assert remedies.after(runs[-1], RESULT.empty_table) == [runs[0]]
    assert asked == [runs]
    assert remedies.after(run("further"), RESULT.empty_table) == []
