import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from datasets import Dataset

from tests.support.tiny import Tiny
from tlzoo.core.batch import Batch, Example
from tlzoo.core.model import HeadedModel, Model
from tlzoo.errors import DivergedError, InputError
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer.inference import is_sound, predict, statistics, value
from tlzoo.transfer.loop import Fit, fit
from tlzoo.transfer.recipe import Recipe, recipe

QUICK = Recipe(steps=80, learning_rates=(1e-2, 1e-5), batch_size=16, looks=8, patience=8)


def headed(tiny: Tiny, notes: Dataset, seed: int = 0) -> tuple[HeadedModel, list[Example]]:
    torch.manual_seed(seed)
    model = tiny.for_task(AudioClassification(notes.features))
    return model, [model.encode(row) for row in notes]


def train(tiny: Tiny, notes: Dataset, how: Recipe, seed: int = 0) -> tuple[HeadedModel, Fit, list[Example]]:
    model, examples = headed(tiny, notes, seed)
    held_out = notes.select(range(60, 90))

    def score(current: Model) -> float:
        found = statistics(model.task, predict(current, examples[60:]), held_out)
        return value("accuracy", found["accuracy"])

    return model, fit(model, examples[:60], score, how, seed, progress=False), examples


def test_training_learns_and_chooses_the_learning_rate_on_validation(tiny: Tiny, notes: Dataset) -> None:
    model, fitted, examples = train(tiny, notes, QUICK)
    assert fitted.learning_rate == 1e-2
    assert fitted.history[-1].loss < fitted.history[0].loss
    assert max(p.score for p in fitted.history) >= 0.9
    assert fitted.search_seconds > 0
    again = statistics(model.task, predict(model, examples[60:]), notes.select(range(60, 90)))
    assert value("accuracy", again["accuracy"]) == max(p.score for p in fitted.history), "left in its best state"


def test_no_step_is_taken_twice(tiny: Tiny, notes: Dataset) -> None:
    _, fitted, _ = train(tiny, notes, QUICK)
    assert fitted.steps == 80
    assert [p.step for p in fitted.history] == list(range(10, 81, 10))


def test_the_same_seed_gives_the_same_model(tiny: Tiny, notes: Dataset) -> None:
    other = copy.deepcopy(tiny)
    a, b = train(tiny, notes, QUICK)[0].state_dict(), train(other, notes, QUICK)[0].state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_one_process_trains_with_one_precision_after_the_other(tiny: Tiny, notes: Dataset) -> None:
    class Scale(torch.nn.Module):
        """Multiplies element by element, which every processor does in bf16."""

        ragged = frozenset[str]()

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(4))

        def sampler(self, *_: object) -> None:
            return None

        def collate(self, examples: Sequence[Example]) -> Batch:
            return {"x": torch.stack([example["x"] for example in examples])}

        def augment(self, batch: Batch) -> Batch:
            return batch

        def loss(self, batch: Batch) -> torch.Tensor:
            return ((self.weight * batch["x"] - 3) ** 2).mean()

    examples = [{"x": torch.ones(4)} for _ in range(8)]
    for precision in ("no", "bf16", "no"):
        how = Recipe(steps=4, learning_rates=(1e-2,), batch_size=4, looks=2, precision=precision)
        fitted = fit(Scale(), examples, lambda model: 1.0, how, 0, progress=False)  # type: ignore[arg-type]
        assert fitted.steps > 0


def test_patience_ends_training_early(tiny: Tiny, notes: Dataset) -> None:
    how = replace(QUICK, steps=400, learning_rates=(1e-2,), looks=40, patience=3)
    assert train(tiny, notes, how)[1].steps < 400


def test_divergence_is_said(tiny: Tiny, notes: Dataset) -> None:
    with torch.no_grad():
        tiny.first[0].weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="infinite or NaN at every learning rate"):
        train(tiny, notes, QUICK)


def scored(tiny: Any, notes: Any, score: Callable[[Any], float], how: Recipe = QUICK) -> Fit:
    return fit(*headed(tiny, notes), score, how, 0, progress=False)


def test_a_score_that_is_no_number_chooses_no_checkpoint_and_no_learning_rate(tiny: Any, notes: Any) -> None:
    """It comes first, at the first rate, and beats nothing: the rate with scores is taken, and its best look."""
    looks = iter([math.nan, math.nan, *(1 / look for look in range(2, 1000))])
    fitted = scored(tiny, notes, lambda _: next(looks), replace(QUICK, learning_rates=(1e-2, 1e-3)))
    assert fitted.learning_rate == 1e-3
    assert all(math.isfinite(point.score) for point in fitted.history)


@pytest.mark.parametrize("how", ["nan", "raises"])
def test_validation_that_never_gives_a_number_is_divergence(tiny: Any, notes: Any, how: str) -> None:
    def score(_: Any) -> float:
        if how == "raises":
            raise DivergedError("predictions hold NaN")
        return math.nan

    with pytest.raises(DivergedError, match="the validation score became infinite or NaN at every learning rate"):
        scored(tiny, notes, score)


def test_weights_that_became_nan_in_the_last_step_are_not_left(tiny: Any, notes: Any) -> None:
    """The loss was still a number when it was computed; a class is predicted from NaN all the same."""
    model, examples = headed(tiny, notes)
    step = torch.optim.AdamW.step
    count = 0

    def spoiling(self: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        result = step(self, *arguments, **named)
        if count == 20:
            with torch.no_grad():
                tiny.first[0].weight.fill_(math.nan)
        return result

    how = Recipe(steps=20, learning_rates=(1e-3,), batch_size=16, looks=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", spoiling)
        fitted = fit(model, examples, lambda _: 1.0, how, 0, progress=False)
    assert [point.step for point in fitted.history] == [10]
    assert is_sound(model)


def test_accumulated_batches_give_the_gradient_of_one(tiny: Tiny, notes: Dataset) -> None:
    """Up to rounding; the head here has no batch statistics, which would differ."""
    after = []
    for accumulation in (1, 2):
        model, examples = headed(copy.deepcopy(tiny), notes)
        torch.manual_seed(1)
        model.head = torch.nn.Linear(16, 3)
        how = Recipe(steps=3, learning_rates=(1e-3,), batch_size=90, accumulation=accumulation, looks=1)
        fit(model, examples, lambda _: 0.0, how, seed=0, progress=False)
        after.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.allclose(*after, atol=1e-5)


@pytest.mark.parametrize("augment", [True, False])
def test_batches_are_varied_only_where_the_recipe_says_so(
    tiny: Any, notes: Any, augment: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, examples = headed(tiny, notes)
    varied: list[int] = []
    monkeypatch.setattr(model, "augment", lambda batch: [varied.append(1), batch][1])
    how = Recipe(steps=3, learning_rates=(1e-3,), looks=1, augment=augment)
    fit(model, examples, lambda _: 0.0, how, seed=0, progress=False)
    assert len(varied) == (3 if augment else 0)


def test_recipes_shrink_with_the_data_but_not_to_nothing() -> None:
    assert recipe("scratch").for_examples(8).steps == 60
    assert recipe("scratch").for_examples(800).steps == recipe("scratch").steps
    dense = recipe("scratch", "maps")
    assert dense.for_examples(24).steps == 25 * 3 and dense.for_examples(8).steps == 60


def peaked(best: float) -> Callable[[Any], float]:
    """A validation score that is highest at a learning rate, which the moved weights show."""

    def score(model: Any) -> float:
        return -abs(math.log(model.rate.item() / best))

    return score


class Mover(torch.nn.Module):
    """Its weight moves by the learning rate in each step, as AdamW has it."""

    ragged = frozenset[str]()

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def sampler(self, *_: object) -> None:
        return None

    @property
    def rate(self) -> torch.Tensor:
        return self.weight.abs().max()

    def collate(self, examples: Sequence[Example]) -> Batch:
        return {"x": torch.stack([example["x"] for example in examples])}

    def augment(self, batch: Batch) -> Batch:
        return batch

    def loss(self, batch: Batch) -> torch.Tensor:
        return (self.weight * batch["x"]).mean()


ONES = [{"x": torch.ones(1)} for _ in range(4)]
GRID = Recipe(1, (9e-3, 3e-3, 1e-3), trial=1.0, looks=1, warmup=0, weight_decay=0, batch_size=4, extensions=2)


@pytest.mark.parametrize(
    ("best", "chosen", "at_edge"),
    [(3e-3, 3e-3, False), (9e-3, 9e-3, False), (1e-3, 1e-3, False), (27e-3, 27e-3, False), (1e-5, 1e-3 / 9, True)],
)
def test_the_grid_is_extended_until_the_best_rate_is_inside(best: float, chosen: float, at_edge: bool) -> None:
    fitted = fit(Mover(), ONES, peaked(best), GRID, 0, progress=False)  # type: ignore[arg-type]
    assert fitted.learning_rate == pytest.approx(chosen)
    assert fitted.at_edge is at_edge


def test_of_one_rate_nothing_is_at_the_edge_and_of_a_fixed_grid_the_best_may_be() -> None:
    alone = replace(GRID, learning_rates=(1e-3,))
    assert fit(Mover(), ONES, peaked(1), alone, 0, progress=False).at_edge is None  # type: ignore[arg-type]
    fixed = replace(GRID, extensions=0)
    fitted = fit(Mover(), ONES, peaked(1), fixed, 0, progress=False)  # type: ignore[arg-type]
    assert (fitted.learning_rate, fitted.at_edge) == (9e-3, True)


def test_patience_counts_from_when_the_trivial_predictor_is_beaten(tiny: Any, notes: Any) -> None:
    how = replace(QUICK, steps=40, learning_rates=(1e-3,), looks=20, patience=2, awaits_learning=True)

    def looks(floor: float | None, recipe: Recipe = how) -> int:
        """How often a score is seen that never rises, but for once."""
        scores = iter([0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.8, *[0.4] * 20])
        model, examples = headed(copy.deepcopy(tiny), notes)
        fitted = fit(model, examples, lambda _: next(scores), recipe, 0, floor=floor, progress=False)
        return len(fitted.history)

    assert looks(None) == 3, "from the start"
    assert looks(0.5) == 10, "two after the look that beats it"
    assert looks(0.9) == 20, "never"
    assert looks(0.9, replace(how, awaits_learning=False)) == 3


def test_while_scores_are_chance_the_training_loss_chooses(tiny: Any, notes: Any) -> None:
    how = replace(QUICK, steps=20, learning_rates=(1e-2, 1e-6), trial=0.5, looks=2, awaits_learning=True)

    def chosen(floor: float) -> float:
        scores = iter([0.3, 0.5, 0.5])  # the rate that learns nothing happens to score better
        model, examples = headed(copy.deepcopy(tiny), notes)
        return fit(model, examples, lambda _: next(scores), how, 0, floor=floor, progress=False).learning_rate

    assert chosen(0.6) == 1e-2
    assert chosen(0.4) == 1e-6


def test_scratch_and_full_are_given_the_same() -> None:
    for head in ("vector", "maps", "sequence", "frames", "ctc"):
        scratch, full = recipe("scratch", head), recipe("full", head)
        assert replace(scratch, learning_rates=full.learning_rates) == full
        assert len(scratch.learning_rates) == len(full.learning_rates)
        assert scratch.awaits_learning
        assert scratch.extensions == (2 if head not in ("frames", "ctc") else 0)


def test_a_batch_that_does_not_fit_is_halved_and_the_result_stays(
    tiny: Tiny, notes: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    how = replace(QUICK, learning_rates=(1e-2,), steps=8, looks=1)
    expected = train(copy.deepcopy(tiny), notes, replace(how, accumulation=4))[0].state_dict()
    loss = HeadedModel.loss

    def limited(self: HeadedModel, batch: Batch, most: int = 4) -> torch.Tensor:
        if len(batch["target"]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(self, batch)

    monkeypatch.setattr(HeadedModel, "loss", limited)
    model = train(copy.deepcopy(tiny), notes, how)[0].state_dict()
    assert all(torch.equal(model[name], expected[name]) for name in model)
    assert "16 examples at a time do not fit into the memory of cpu; going on with 8, 2" in capsys.readouterr().err
    monkeypatch.setattr(HeadedModel, "loss", lambda self, batch: limited(self, batch, most=0))
    with pytest.raises(InputError, match="not even one example at a time fits into the memory of cpu"):
        train(copy.deepcopy(tiny), notes, how)


def test_all_classes_are_drawn_as_often_where_the_recipe_says_so(
    tiny: Tiny, notes: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [i for i, label in enumerate(notes["label"]) if label or i % 10 == 0]
    counts = torch.bincount(torch.tensor(notes["label"])[rows])
    assert counts.max() > 3 * counts.min()
    for is_balanced in (False, True):
        model, examples = headed(copy.deepcopy(tiny), notes)
        seen: list[int] = []
        monkeypatch.setattr(model, "augment", lambda batch, seen=seen: seen.extend(batch["target"].tolist()) or batch)
        how = Recipe(steps=100, learning_rates=(1e-3,), batch_size=16, looks=1, is_balanced=is_balanced)
        fit(model, [examples[i] for i in rows], lambda _: 0.0, how, 0, progress=False)
        shares = torch.bincount(torch.tensor(seen)) / len(seen)
        assert bool((shares - 1 / len(shares)).abs().max() < 0.05) == is_balanced
