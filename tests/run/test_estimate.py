"""How long a run is expected to take."""

from dataclasses import replace

import pytest

from tlzoo.adapters.chat_api.endpoint import OPENAI_URL, Endpoint, RequestEstimate
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.measure.measurement import Measurement
from tlzoo.run import estimate as module
from tlzoo.run.estimate import VECTOR_PROBE_SECONDS, Estimate, Pace
from tlzoo.run.measurement import Measured, Rates
from tlzoo.run.plan import Run, plan, recipe_for
from tlzoo.run.request import EvaluationRequest
from tlzoo.vocabulary import Strategy

SIZES = {"train": 800, "validation": 200, "test": 1000}
FAST = Measurement(throughput=100.0)
RATES = Rates(SIZES, {"full": 10.0, "partial": 20.0})


def run(strategy: Strategy, task: str = "image-classification", fraction: float = 1.0) -> Run:
    card = catalogue.get("resnet-50")
    source = Source("rows", task, "image", "0", "rendered", "")
    recipe = recipe_for(card, variant_of(card, "nano"), task, strategy)
    return Run(Checkpoint(card.id, "nano", "none"), task, source, strategy, 0, fraction, recipe, "hash")


def test_training_takes_the_steps_of_its_recipe_at_the_measured_rate() -> None:
    full = run("full")
    expected = Estimate.of(full, Measured(FAST, RATES))
    recipe = full.recipe.for_examples(800)
    assert expected.training == pytest.approx(recipe.work() * recipe.batch_size / 10)
    looks = recipe.work() / recipe.steps * recipe.looks
    assert expected.inference == pytest.approx((looks * 200 + 1000) / 100)
    assert expected.seconds == expected.training + expected.inference and expected.pretraining == 0
    assert Estimate.of(run("partial"), Measured(FAST, RATES)).training < expected.training


def test_few_labels_are_trained_on_for_less_time() -> None:
    few = Estimate.of(run("full", fraction=0.05), Measured(FAST, RATES))
    assert few.training < Estimate.of(run("full"), Measured(FAST, RATES)).training


def test_a_probe_on_cached_vectors_takes_one_pass_over_all_examples() -> None:
    assert Estimate.of(run("probe"), Measured(FAST, RATES)) == Estimate(0.0, VECTOR_PROBE_SECONDS, 2000 / 100)


def test_a_probe_on_cached_maps_is_trained_at_its_rate_and_predicts_nothing_more() -> None:
    dense = run("probe", "object-detection")
    rates = replace(RATES, training={**RATES.training, "probe": 50.0})
    expected = Estimate.of(dense, Measured(FAST, rates))
    recipe = dense.recipe.for_examples(800)
    assert expected == Estimate(0.0, recipe.work() * recipe.batch_size / 50, 2000 / 100)


def test_without_training_only_the_test_is_predicted() -> None:
    assert Estimate.of(run("zero-shot"), Measured(FAST, Rates(SIZES))) == Estimate(inference=10.0)


def test_a_stand_in_that_is_not_there_is_pretrained_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "is_to_be_pretrained", True)
    there = run("full")
    to_make = replace(there, checkpoint=replace(there.checkpoint, tier="stand-in"))
    recipe = module.pretraining.training(catalogue.get("resnet-50"), "nano")
    examples, measured = recipe.work() * recipe.batch_size, Measured(FAST, RATES)
    assert Estimate.of(to_make, measured).pretraining == pytest.approx(examples / 10), "as training in full"
    assert Estimate.of(there, measured).pretraining == 0, "random weights need none"


def test_an_endpoint_takes_its_requests_and_nothing_is_known_of_one_that_was_not_measured() -> None:
    requests = RequestEstimate(Endpoint(OPENAI_URL, "m", False), 30, 5, 0, 0)
    assert Estimate.of(run("full"), Measured(Measurement(throughput=2.0)), requests).seconds == 15
    assert Estimate.of(run("full"), Measured(), requests).seconds == 0


def test_what_is_left_takes_as_long_as_what_was_most_like_it() -> None:
    runs = {
        (run.checkpoint.card, run.strategy, run.fraction): run
        for run in plan(
            EvaluationRequest("audio-classification", ["yamnet", "crepe"], weights="none", seeds=(0,)),
            [Source("rows", "audio-classification", "audio", "0", "rendered", "")],
        ).runs
    }
    few, many = (runs["yamnet", "scratch", share] for share in (0.1, 1.0))
    pace, other = Pace(), runs["crepe", "scratch", 1.0]
    assert pace.seconds([few]) is None and pace.seconds([]) == 0
    pace.add(few, 10)
    assert pace.seconds([few, other]) == 20, "nothing else is known"
    pace.add(many, 100)
    assert pace.seconds([few, many]) == 110
    assert pace.seconds([other]) == 100, "of another model with as many labels"
    assert (pace.alike(few), pace.alike(many), pace.alike(other)) == (10, 100, 0)
