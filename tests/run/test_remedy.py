"""Further training after negative transfer."""

import pyarrow as pa
import pytest

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.leaderboard.schema import RESULT
from tlzoo.run import remedy
from tlzoo.run.plan import Run, recipe_for
from tlzoo.run.remedy import further_runs
from tlzoo.vocabulary import Strategy

SOURCE = Source("toy", "audio-classification", "audio", "f", "rendered", "")


def run(strategy: Strategy, card_id: str = "yamnet", fraction: float = 1.0) -> Run:
    card = catalogue.get(card_id)
    recipe = recipe_for(card, card.variants[-1], SOURCE.task, strategy)
    checkpoint = Checkpoint(card_id, card.variants[-1].id, "stand-in", "0" * 64)
    return Run(checkpoint, SOURCE.task, SOURCE, strategy, 0, fraction, recipe, "hash")


def further(monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, str | None]) -> list[Run]:
    """What is run again, given the verdict on each strategy of YAMNet, and on all of OpenL3's."""
    runs = [run(strategy) for strategy in ("scratch", "probe", "full")] + [run("full", "openl3")]
    rows = [
        {
            "card": each.checkpoint.card,
            "variant": each.checkpoint.variant,
            "dataset_fingerprint": "f",
            "fraction": each.fraction,
            "verdict": verdicts[each.strategy] if each.checkpoint.card == "yamnet" else "positive",
        }
        for each in runs
    ]
    monkeypatch.setattr(remedy, "board", lambda results: pa.Table.from_pylist(rows))
    return further_runs(runs, RESULT.empty_table())


def test_a_model_is_trained_longer_where_every_verdict_is_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    (longer,) = further(monkeypatch, {"scratch": None, "probe": "negative", "full": "negative"})
    assert (longer.checkpoint.card, longer.strategy) == ("yamnet", "further")
    assert longer.recipe.steps > run("full").recipe.steps
    assert longer.id != run("full").id


@pytest.mark.parametrize("verdict", ["neutral", "positive", "unreplicated"])
def test_it_is_not_where_one_strategy_escapes(monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    assert further(monkeypatch, {"scratch": None, "probe": "negative", "full": verdict}) == []
    assert further(monkeypatch, {"scratch": None, "probe": None, "full": None}) == []
