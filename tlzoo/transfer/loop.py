"""The one training loop, on ``accelerate``."""

from __future__ import annotations

import copy
import gc
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim.optimizer import StateDict
from torch.utils.data import DataLoader, Sampler, WeightedRandomSampler
from tqdm import tqdm

from tlzoo.core.batch import Example
from tlzoo.core.model import Learner
from tlzoo.errors import DivergedError, InputError
from tlzoo.transfer.inference import is_sound
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.strategies import set_train_mode

LearnerT = TypeVar("LearnerT", bound=Learner)
Score = Callable[[LearnerT], float]
"""Validation score of a model; more is better. Raises ``DivergedError`` if predictions are not finite."""


@dataclass(frozen=True)
class Point:
    """One evaluation on validation data, after ``seconds`` of training and ``step`` optimizer steps."""

    seconds: float
    step: int
    loss: float
    score: float


@dataclass
class Fit:
    """What training did.

    Attributes:
        learning_rate: The learning rate chosen on validation.
        history: Evaluations on validation data; higher scores are better.
        train_seconds: Time in training steps at the chosen learning rate.
        search_seconds: Time in training steps at the other rates.
        steps: Optimizer steps at the chosen learning rate.
        at_edge: Whether the chosen learning rate is the highest or the lowest of those tried; absent if one was tried.
    """

    learning_rate: float
    history: list[Point]
    train_seconds: float
    search_seconds: float
    steps: int
    at_edge: bool | None = None


def fit(
    model: LearnerT,
    examples: Sequence[Example],
    score: Score[LearnerT],
    recipe: Recipe,
    seed: int,
    *,
    floor: float | None = None,
    until: int | None = None,
    device: str = "cpu",
    label: str = "training",
    progress: bool = True,
) -> Fit:
    """Train a model and leave it in its best state on validation.

    Every learning rate is tried for the recipe's trial; where the highest or the lowest is the best, so is one beyond
    it, as often as the recipe extends. The best on validation continues from there to the end, so that no step is
    repeated.

    Args:
        model: The model; frozen parameters stay as they are.
        examples: Preprocessed training examples.
        score: Validation score of the model, more is better.
        recipe: Hyperparameters.
        seed: Seed of shuffling, dropout and the like.
        floor: Validation score of a trivial predictor, which a recipe that ``awaits_learning`` goes by.
        until: Step at which training ends, before the learning rate has fallen to its end; absent for all steps.
        device: ``"cpu"`` or ``"cuda"``.
        label: Text of the progress bar.
        progress: Whether to show the progress bar.

    Raises:
        DivergedError: No learning rate gives a model with finite loss, weights and validation score.
        InputError: Not even one example at a time fits into the memory of the device.
    """
    initial = copy.deepcopy(model.state_dict())
    while True:
        try:
            return _fit(model, initial, examples, score, recipe, seed, floor, until, device, label, progress)
        except torch.OutOfMemoryError:
            size = recipe.batch_size // recipe.accumulation
            if size <= 1:
                raise InputError(
                    f"{label}: not even one example at a time fits into the memory of {device}; "
                    "train fewer layers (--strategy probe), or a smaller model"
                ) from None
            recipe = replace(recipe, accumulation=2 * recipe.accumulation)
            print(
                f"{label}: {size} examples at a time do not fit into the memory of {device}; going on with "
                f"{recipe.batch_size // recipe.accumulation}, {recipe.accumulation} times a step",
                file=sys.stderr,
            )
            model.load_state_dict(initial)
        gc.collect()  # what the error held


def _fit(
    model: LearnerT,
    initial: Mapping[str, Tensor],
    examples: Sequence[Example],
    score: Score[LearnerT],
    recipe: Recipe,
    seed: int,
    floor: float | None,
    until: int | None,
    device: str,
    label: str,
    progress: bool,
) -> Fit:
    """As :func:`fit`, from a state of the model, with batches that have to fit into memory."""
    AcceleratorState._reset_state(reset_partial_state=True)  # it remembers the precision of the previous fit
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision=recipe.precision)
    model.to(accelerator.device)
    last = recipe.steps if until is None else min(until, recipe.steps)
    trial = last if len(recipe.learning_rates) == 1 else max(1, round(recipe.trial * recipe.steps))
    awaited = floor if floor is not None and recipe.awaits_learning else -math.inf
    grid = _Grid(recipe.learning_rates, recipe.extensions)
    total = last + trial * (len(recipe.learning_rates) - 1)
    candidates: list[_Training[LearnerT]] = []
    chosen: _Training[LearnerT] | None = None
    with tqdm(total=total, desc=label, unit="step", leave=False, disable=not progress) as bar:
        while (rate := grid.next(chosen.rate if chosen else None)) is not None:
            if candidates:
                model.load_state_dict(initial)
            if len(candidates) >= len(recipe.learning_rates):
                bar.total = bar.total + trial if bar.total else None
            set_seed(seed)
            training = _Training(accelerator, model, examples, score, recipe, rate, seed, bar, awaited)
            training.advance(trial)
            candidates.append(training)
            rivals = [c for c in (chosen, training) if c is not None and c.best is not None]
            chosen = max(rivals, key=lambda c: c.merit, default=None)
            for candidate in candidates:
                if candidate is not chosen:
                    candidate.release()
        if chosen is None:
            rates = ", ".join(f"{c.rate:g}" for c in candidates)
            what = "training loss" if all(c.failed for c in candidates) else "validation score"
            raise DivergedError(f"the {what} became infinite or NaN at every learning rate ({rates})")
        if chosen is not candidates[-1]:
            chosen.restore()
        chosen.advance(last)
    assert chosen.best is not None
    model.load_state_dict(chosen.best)
    model.eval()
    searched = sum(c.seconds for c in candidates if c is not chosen)
    return Fit(chosen.rate, chosen.history, chosen.seconds, searched, chosen.step, grid.is_edge(chosen.rate))


class _Grid:
    """The learning rates to try, one after the other."""

    def __init__(self, rates: Sequence[float], extensions: int) -> None:
        self.tried: list[float] = []
        self._waiting = list(rates)
        self._extensions = extensions

    def next(self, best: float | None) -> float | None:
        """The next learning rate; when all were tried, one beyond the best of them, if that is the first or the last.

        Args:
            best: The best one so far; absent if none gave a score.
        """
        if self._waiting:
            rate = self._waiting.pop(0)
        elif best is not None and self._extensions and self.is_edge(best):
            self._extensions -= 1
            first, second = sorted(self.tried, key=lambda tried: abs(math.log(tried / best)))[:2]
            rate = first * first / second
        else:
            return None
        self.tried.append(rate)
        return rate

    def is_edge(self, rate: float) -> bool | None:
        """Whether a learning rate is the highest or the lowest of those tried; absent if it is the only one."""
        return rate in (min(self.tried), max(self.tried)) if len(self.tried) > 1 else None


class _State(NamedTuple):
    """The state of a model and of its optimizer."""

    model: dict[str, Tensor]
    optimizer: StateDict


@dataclass
class _Training(Generic[LearnerT]):
    """Training at one learning rate, which can be interrupted and resumed."""

    accelerator: Accelerator
    model: LearnerT
    examples: Sequence[Example]
    score: Score[LearnerT]
    recipe: Recipe
    rate: float
    seed: int
    bar: tqdm[Any]
    floor: float
    step: int = 0
    seconds: float = 0.0
    history: list[Point] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    best_key: tuple[float, float] = (-math.inf, -math.inf)
    last_loss: float = math.inf
    stale: int = 0
    failed: bool = False

    def __post_init__(self) -> None:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=self.rate, weight_decay=self.recipe.weight_decay, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._factor)
        self.batches = self._batches()
        self.trained = trained
        self.state: _State | None = None

    @property
    def has_learnt(self) -> bool:
        """Whether it has beaten the trivial predictor on validation."""
        return self.best_key[0] > self.floor

    @property
    def merit(self) -> tuple[float, ...]:
        """What learning rates are compared by: the best score, or the training loss while scores are chance."""
        return (1.0, *self.best_key) if self.has_learnt else (0.0, -self.last_loss)

    def release(self) -> None:
        """Free the memory of a learning rate that was not chosen."""
        self.best = self.state = None
        self.optimizer.state.clear()

    def _factor(self, step: int) -> float:
        rise = max(1, round(self.recipe.warmup * self.recipe.steps))
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, self.recipe.steps - rise)))

    def _batches(self) -> Iterator[Any]:
        size = max(1, min(self.recipe.batch_size, len(self.examples)) // self.recipe.accumulation)
        lonely = len(self.examples) % size == 1 and len(self.examples) > 1
        generator = torch.Generator().manual_seed(self.seed)
        sampler: Sampler[int] | None = self.model.sampler(self.examples, size, generator)
        if self.recipe.is_balanced:
            targets = torch.stack([example["target"] for example in self.examples])
            weights = 1 / torch.bincount(targets)[targets]
            sampler = WeightedRandomSampler(weights.tolist(), len(targets), generator=generator)
        loader: Any = DataLoader(
            self.examples,  # type: ignore[arg-type]
            size,
            shuffle=sampler is None,
            sampler=sampler,
            collate_fn=self.model.collate,
            drop_last=lonely,  # a batch of one has no batch statistics
            generator=generator,
        )
        loader = self.accelerator.prepare_data_loader(loader)
        while True:
            yield from loader

    def advance(self, until: int) -> None:
        """Train up to a step, or until patience runs out."""
        every = max(1, self.recipe.steps // self.recipe.looks)
        while self.step < until and not self.failed and self.stale < self.recipe.patience:
            goal = min(until, self.step - self.step % every + every)
            loss = self._train(goal)
            if not math.isfinite(loss):
                self.failed = True
                self.best = None
                break
            self._evaluate(loss)
        self.bar.update(max(0, until - self.step))
        self.state = _State(copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict()))

    def restore(self) -> None:
        """Resume where :meth:`advance` stopped."""
        assert self.state is not None, "advance comes first"
        self.model.load_state_dict(self.state.model)
        self.optimizer.load_state_dict(self.state.optimizer)

    def _train(self, goal: int) -> float:
        set_train_mode(self.model)
        total = torch.zeros((), device=self.accelerator.device)
        steps = goal - self.step
        start = time.perf_counter()
        while self.step < goal:
            for _ in range(self.recipe.accumulation):
                batch = next(self.batches)
                with self.accelerator.autocast():
                    varied = self.model.augment(batch) if self.recipe.augment else batch
                    loss = self.model.loss(varied) / self.recipe.accumulation
                self.accelerator.backward(loss)
                total += loss.detach()
            self.accelerator.clip_grad_norm_(self.trained, self.recipe.max_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.schedule.step()
            self.step += 1
            self.bar.update()
        mean = float(total) / steps  # waits for the device
        self.seconds += time.perf_counter() - start
        return mean

    def _evaluate(self, loss: float) -> None:
        self.model.eval()
        value = self._value()
        if math.isnan(value):
            self.stale += 1
            return
        self.last_loss = loss
        self.history.append(Point(self.seconds, self.step, loss, value))
        self.bar.set_postfix(loss=f"{loss:.3f}", score=f"{value:.3f}")
        key = (value, -loss)
        if self.best is None or key > self.best_key:
            self.best, self.best_key = copy.deepcopy(self.model.state_dict()), key
            self.stale = 0
        elif self.has_learnt:
            self.stale += 1

    def _value(self) -> float:
        """The validation score; NaN, which chooses nothing, where weights or predictions are not finite."""
        try:
            return self.score(self.model) if is_sound(self.model) else math.nan
        except DivergedError:
            return math.nan
