"""The one training loop, on ``accelerate``."""

from __future__ import annotations

import copy
import gc
import math
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim.optimizer import StateDict
from torch.utils.data import BatchSampler, RandomSampler, Sampler, WeightedRandomSampler
from tqdm import tqdm

from tlzoo.core.batch import Example
from tlzoo.core.model import Learner
from tlzoo.errors import DivergedError, InputError
from tlzoo.transfer.examples import loader, read
from tlzoo.transfer.inference import is_sound
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.repeatable import state_sha256
from tlzoo.transfer.saved import SavedState, key_of, random_state, set_random_state
from tlzoo.transfer.strategies import set_train_mode

LearnerT = TypeVar("LearnerT", bound=Learner)
VERSION = 1
"""Raised when the loop trains in another way, so that no state of an earlier version is taken up."""
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
    saved: SavedState | None = None,
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
        device: ``"cpu"``, or the accelerator of this machine.
        label: Text of the progress bar.
        progress: Whether to show the progress bar.
        saved: Where the state is kept after validations, and taken from if an earlier process was killed; the result is
            the same to the last digit. The caller forgets it.

    Raises:
        DivergedError: No learning rate gives a model with finite loss, weights and validation score.
        InputError: Not even one example at a time fits into the memory of the device.
    """
    initial = copy.deepcopy(model.state_dict())
    while True:
        try:
            return _fit(model, initial, examples, score, recipe, seed, floor, until, device, label, progress, saved)
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
    saved: SavedState | None,
) -> Fit:
    """As :func:`fit`, from a state of the model, with batches that have to fit into memory."""
    AcceleratorState._reset_state(reset_partial_state=True)  # it remembers the precision of the previous fit
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision=recipe.precision)
    model.to(accelerator.device)
    if accelerator.device.type == "cuda" and recipe.precision != "no":
        model.to(memory_format=torch.channels_last)  # in which tensor cores compute convolutions
    last = recipe.steps if until is None else min(until, recipe.steps)
    trial = last if len(recipe.learning_rates) == 1 else max(1, round(recipe.trial * recipe.steps))
    awaited = floor if floor is not None and recipe.awaits_learning else -math.inf
    grid = _Grid(recipe.learning_rates, recipe.extensions)
    order = _Order(model, examples, recipe, seed)

    @cache
    def key() -> str:
        return key_of(VERSION, recipe, seed, floor, until, device, len(examples), state_sha256(initial))

    state = saved.read(key) if saved is not None else None
    total = last + trial * (max(len(recipe.learning_rates), len(state["candidates"]) if state else 0) - 1)
    candidates: list[_Training[LearnerT]] = []
    chosen: _Training[LearnerT] | None = None
    is_searched = False
    with tqdm(total=total, desc=label, unit="step", leave=False, disable=not progress) as bar:

        def begin(rate: float) -> _Training[LearnerT]:
            candidates.append(
                _Training(accelerator, model, examples, score, recipe, rate, order, bar, awaited, is_due, keep)
            )
            return candidates[-1]

        def is_due(is_last: bool = False) -> bool:
            return saved is not None and (saved.is_due or (is_last and saved.is_written))

        def keep(active: _Training[LearnerT]) -> None:
            if saved is not None:
                state = {
                    "grid": grid.state(),
                    "candidates": [each.snapshot(each is active) for each in candidates],
                    "chosen": candidates.index(chosen) if chosen is not None else None,
                    "is_searched": is_searched,
                    "random": random_state(accelerator.device),
                    "scaler": accelerator.scaler.state_dict() if accelerator.scaler else None,
                }
                saved.write(key(), state)

        resumed: _Training[LearnerT] | None = None
        if state is not None:
            grid.set_state(state["grid"])
            for each in state["candidates"]:
                begin(each["rate"]).resume(each)
            chosen = None if state["chosen"] is None else candidates[state["chosen"]]
            is_searched = state["is_searched"]
            resumed = chosen if is_searched else candidates[-1]
            assert resumed is not None
            resumed.restore()
            if accelerator.scaler:
                accelerator.scaler.load_state_dict(state["scaler"])
            set_random_state(state["random"], accelerator.device)
            del state
        while not is_searched:
            training, resumed = resumed, None
            if training is None:
                rate = grid.next(chosen.rate if chosen else None)
                if rate is None:
                    break
                if candidates:
                    model.load_state_dict(initial)
                if len(candidates) >= len(recipe.learning_rates):
                    bar.total = bar.total + trial if bar.total else None
                set_seed(seed)
                training = begin(rate)
            training.advance(trial)
            rivals = [c for c in (chosen, training) if c is not None and c.best is not None]
            chosen = max(rivals, key=lambda c: c.merit, default=None)
            for candidate in candidates:
                if candidate is not chosen:
                    candidate.release()
        if chosen is None:
            rates = ", ".join(f"{c.rate:g}" for c in candidates)
            what = "training loss" if all(c.failed for c in candidates) else "validation score"
            raise DivergedError(f"the {what} became infinite or NaN at every learning rate ({rates})")
        if not is_searched and chosen is not candidates[-1]:
            chosen.restore()
        is_searched = True
        chosen.advance(last)
        if is_due(is_last=True):
            keep(chosen)
    if chosen.best is None:
        raise DivergedError(f"the training loss became infinite or NaN at learning rate {chosen.rate:g}")
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

    def state(self) -> dict[str, Any]:
        """What :meth:`set_state` takes."""
        return {"tried": list(self.tried), "waiting": list(self._waiting), "extensions": self._extensions}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on where another grid was."""
        self.tried, self._waiting, self._extensions = state["tried"], state["waiting"], state["extensions"]

    def is_edge(self, rate: float) -> bool | None:
        """Whether a learning rate is the highest or the lowest of those tried; absent if it is the only one."""
        return rate in (min(self.tried), max(self.tried)) if len(self.tried) > 1 else None


class _Unread(BatchSampler):
    """The batches of an epoch, without the first ones."""

    skip = 0

    def __iter__(self) -> Iterator[list[int]]:
        return islice(super().__iter__(), self.skip, None)


class _Order:
    """In which order training draws examples: random, and from any place on the same.

    Attributes:
        batches: The batches of an epoch.
        generator: What they are drawn with.
        start: Its state before the first epoch.
    """

    def __init__(self, model: Learner, examples: Sequence[Example], recipe: Recipe, seed: int) -> None:
        size = max(1, min(recipe.batch_size, len(examples)) // recipe.accumulation)
        lonely = len(examples) % size == 1 and len(examples) > 1
        self.generator = torch.Generator().manual_seed(seed)
        self.start = self.generator.get_state()
        sampler: Sampler[int] | None = model.sampler(examples, size, self.generator)
        if recipe.is_balanced:
            targets = torch.stack([example["target"] for example in examples])
            weights = 1 / torch.bincount(targets)[targets]
            sampler = WeightedRandomSampler(weights.tolist(), len(targets), generator=self.generator)
        sampler = RandomSampler(examples, generator=self.generator) if sampler is None else sampler
        self.batches = _Unread(sampler, size, drop_last=lonely)  # a batch of one has no batch statistics


_PLAIN = (
    "rate", "step", "seconds", "best", "best_key", "last_loss", "stale", "failed", "epoch", "place", "total", "since"
)  # fmt: skip
"""Plain fields of a training that its state holds."""


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
    order: _Order
    bar: tqdm[Any]
    floor: float
    is_due: Callable[[], bool]
    keep: Callable[[_Training[LearnerT]], None]
    step: int = 0
    seconds: float = 0.0
    history: list[Point] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    best_key: tuple[float, float] = (-math.inf, -math.inf)
    last_loss: float = math.inf
    stale: int = 0
    failed: bool = False
    total: Tensor | None = None
    since: int = 0

    def __post_init__(self) -> None:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=self.rate, weight_decay=self.recipe.weight_decay, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._factor)
        loaded: Any = loader(
            self.examples,
            self.order.batches,
            self.model.collate,
            self.order.generator,
            self.accelerator.device.type == "cuda",
        )
        self.loader = self.accelerator.prepare_data_loader(loaded)
        self.epoch, self.place = self.order.start, 0
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

    def _batches(self) -> Generator[Any]:
        """Batches without end, from the place on at which earlier ones ended."""
        while True:
            self.order.generator.set_state(self.epoch)
            self.order.batches.skip = self.place
            for batch in read(self.loader):
                self.place += 1
                yield batch
            self.epoch, self.place = self.order.generator.get_state(), 0

    def advance(self, until: int) -> None:
        """Train up to a step, or until patience runs out."""
        every = max(1, self.recipe.steps // self.recipe.looks)
        self.batches = self._batches()
        while self.step < until and not self.failed and self.stale < self.recipe.patience:
            goal = min(until, self.step - self.step % every + every)
            loss = self._train(goal)
            if not math.isfinite(loss):
                self.failed = True
                self.best = None
                break
            self._evaluate(loss)
            if self.is_due():
                self.keep(self)
        self.batches.close()
        self.bar.update(max(0, until - self.step))
        self.state = _State(copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict()))

    def restore(self) -> None:
        """Resume where :meth:`advance` stopped."""
        assert self.state is not None, "advance comes first"
        self.model.load_state_dict(self.state.model)
        self.optimizer.load_state_dict(self.state.optimizer)

    def snapshot(self, is_active: bool) -> dict[str, Any]:
        """What :meth:`resume` takes.

        Args:
            is_active: Whether the model is in this training's state now.
        """
        state = self.state
        if is_active:
            state = _State(self.model.state_dict(), self.optimizer.state_dict())
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "history": [astuple(point) for point in self.history],
            "schedule": self.schedule.state_dict(),
            "state": None if state is None else tuple(state),
        }

    def resume(self, snapshot: dict[str, Any]) -> None:
        """Put this training where another process was; :meth:`restore` puts the model there."""
        for name in _PLAIN:
            setattr(self, name, snapshot[name])
        self.history = [Point(*point) for point in snapshot["history"]]
        self.schedule.load_state_dict(snapshot["schedule"])
        self.state = None if snapshot["state"] is None else _State(*snapshot["state"])
        self.bar.update(self.step)

    def _train(self, goal: int) -> float:
        set_train_mode(self.model)
        if self.total is None:
            self.total, self.since = torch.zeros(()), self.step
        self.total = self.total.to(self.accelerator.device)
        scaler = self.accelerator.scaler  # of float16 alone
        start = time.perf_counter()
        while self.step < goal:
            for _ in range(self.recipe.accumulation):
                batch = next(self.batches)
                with self.accelerator.autocast():
                    varied = self.model.augment(batch) if self.recipe.augment else batch
                    loss = self.model.loss(varied) / self.recipe.accumulation
                self.accelerator.backward(loss)
                self.total += loss.detach()
            self.accelerator.unscale_gradients(self.optimizer)
            self.accelerator.clip_grad_norm_(self.trained, self.recipe.max_norm)
            if scaler is None:
                self.optimizer.step()
            else:
                scaler.step(self.optimizer)
                scaler.update()
            self.optimizer.zero_grad()
            self.schedule.step()
            self.step += 1
            self.bar.update()
            if self.step < goal and self.is_due():
                self.seconds += time.perf_counter() - start
                self.keep(self)
                start = time.perf_counter()
        mean = float(self.total) / (self.step - self.since)  # waits for the device
        self.seconds += time.perf_counter() - start
        self.total = None
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
