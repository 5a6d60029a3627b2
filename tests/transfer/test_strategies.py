import copy

import pytest
import torch
from datasets import Dataset

from tests.support.tiny import Tiny
from tlzoo.adapters import build, is_built
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card
from tlzoo.core.model import Backbone, HeadedModel
from tlzoo.tasks import task_type
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.strategies import apply, merge_lora, trains_on_cached_features
from tlzoo.vocabulary import TASKS, Strategy

STEPS = Recipe(steps=5, learning_rates=(1e-2,), batch_size=16, looks=1)


@pytest.fixture
def model(tiny: Tiny, notes: Dataset) -> HeadedModel:
    return tiny.for_task(AudioClassification(notes.features))


def changed(model: HeadedModel, notes: Dataset, strategy: Strategy) -> set[str]:
    before = copy.deepcopy(model.state_dict())
    apply(model, strategy)
    fit(model, [model.encode(row) for row in notes], lambda _: 0.0, STEPS, seed=0, progress=False)
    if strategy == "lora":
        merge_lora(model)
    after = model.state_dict()
    assert after.keys() == before.keys()
    return {name.rpartition(".")[0] for name in before if not torch.equal(before[name], after[name])}


LATTER = {"backbone.second.0", "head.0", "head.1"}


@pytest.mark.parametrize(("strategy", "names"), [("full", {"backbone.first.0", *LATTER}), ("partial", LATTER)])
def test_what_a_strategy_trains(model: HeadedModel, notes: Dataset, strategy: Strategy, names: set[str]) -> None:
    assert changed(model, notes, strategy) == names


def test_lora_changes_the_layers_by_a_low_rank(model: HeadedModel, notes: Dataset) -> None:
    before = model.backbone.first[0].weight.clone()
    names = changed(model, notes, "lora")
    assert {"backbone.first.0", "backbone.second.0", "head.1"} <= names
    assert torch.linalg.matrix_rank(model.backbone.first[0].weight.detach() - before.detach()) <= 8


def test_merging_lora_does_not_change_predictions(model: HeadedModel, notes: Dataset) -> None:
    apply(model, "lora")
    examples = [model.encode(row) for row in notes]
    fit(model, examples, lambda _: 0.0, STEPS, seed=0, progress=False)
    with torch.inference_mode():
        before = model(model.collate(examples))
        merge_lora(model)
        assert torch.allclose(model(model.collate(examples)), before, atol=1e-5)


LOCAL = [card for card in catalogue.cards() if not card.default.is_api_model]


@pytest.mark.parametrize("card", LOCAL, ids=lambda card: card.id)
def test_heads_are_trained_on_cached_features_where_the_network_is_a_backbone(card: Card) -> None:
    variant = card.variants[-1]
    for name in (name for name in TASKS if card.can_do(name) and is_built(variant)):
        task = task_type(name, card.input.kind).of(("face", "nose"))
        with torch.device("meta"):
            is_backbone = isinstance(build(variant, card.input_of(variant), task), Backbone)
        assert trains_on_cached_features(card, task.facts, "probe") == (is_backbone and task.facts.is_cacheable), name
        assert not trains_on_cached_features(card, task.facts, "full")
