"""Execute one run: load, assemble, train, predict the test examples once."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.catalogue import Source, load
from tlzoo.data.problems import FILE
from tlzoo.data.protocol import shots, stratified_order, subset
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.measure.device import device_name, thread_count
from tlzoo.run.outcome import Outcome, Training
from tlzoo.run.plan import Run
from tlzoo.vocabulary import UNTRAINED, task_facts

if TYPE_CHECKING:
    from datasets import Dataset

    from tlzoo.core.model import HeadedModel, HeadModel, Limits, Model, TrainableModel, Usage
    from tlzoo.core.task import Task
    from tlzoo.data.counts import Counts
    from tlzoo.data.dataset import Prepared
    from tlzoo.data.folds import Fold
    from tlzoo.transfer.features import Features
    from tlzoo.transfer.saved import SavedState

MIN_VALIDATION = 10
"""Validation examples that a small fraction of the labels keeps: fewer choose neither a learning rate nor a step."""
MAX_PROBLEMS_SHOWN = 5
"""Examples left out that are named before anything is run; all stand in a file."""
FEATURES_VERSION = "4"
"""Raised when frozen features are computed in another way, so that they are computed again."""


@dataclass(frozen=True)
class DataFacts:
    """What is shown of a data set before anything trains.

    Attributes:
        name: What boards call it.
        counts: Rows, classes and groups.
        contents: What the rows hold, such as lengths and boxes.
        problems: One line for each example that could not be read.
        notices: One line for each thing that a person should know.
        rows: What each row of a person's own data holds, in short.
    """

    name: str
    counts: Counts
    contents: tuple[str, ...]
    problems: tuple[str, ...]
    notices: tuple[str, ...]
    rows: Mapping[str, str]

    @property
    def lines(self) -> list[str]:
        """A line for each fact, of the problems the first."""
        unreadable = [f"unreadable, left out: {problem}" for problem in self.problems[:MAX_PROBLEMS_SHOWN]]
        if more := len(self.problems) - len(unreadable):
            unreadable.append(f"unreadable, left out: {more:,} more, all named in {FILE}")
        held = [f"data: {'; '.join(self.contents)}"] if self.contents else []
        return [f"data: {self.name}: {self.counts}", *held, *self.notices, *unreadable]


@cache
def threads() -> int:
    """Set the threads once a process that only predicts (see :func:`~tlzoo.measure.device.thread_count`)."""
    import torch

    torch.set_num_threads(thread_count())
    return torch.get_num_threads()


@lru_cache(maxsize=2)
def data_of(source: Source) -> Prepared:
    """Load a data set; the last two are cached, since a task may have one for each kind of input.

    Raises:
        InputError: It has no test examples.
    """
    data = load(source)
    if "test" not in data.splits:
        raise InputError(f"{source.name} has no test examples: stand-ins are pretrained on it, and none are judged")
    return data


@lru_cache(maxsize=2)
def _folded(source: Source, fold: Fold) -> Prepared:
    from tlzoo.data.folds import folded

    return folded(data_of(source), fold)


def data_for(run: Run) -> Prepared:
    """The data of a run, split as it is tested."""
    if run.fold is None or run.folds is None:
        return data_of(run.source)
    from tlzoo.data.folds import Fold

    return _folded(run.source, Fold(run.fold, run.folds, run.seed))


def prepare(source: Source, folds: int | None = None) -> DataFacts:
    """Load a data set, and describe it.

    Args:
        source: The data.
        folds: Number of folds of cross-validation, where they are not split once.
    """
    from tlzoo.data.changes import contents_by_row
    from tlzoo.data.contents import contents

    data = data_of(source)
    counts = data.counts()
    cautions = [*counts.cautions(folds), *_look_at(source, data, counts)] if source.is_own else []
    rows = contents_by_row(data.splits) if source.is_own else {}
    held = tuple(contents(data.splits))
    return DataFacts(source.name, counts, held, data.problems, (*data.notices, *cautions), rows)


def _look_at(source: Source, data: Prepared, counts: Counts) -> list[str]:
    """In one line what is suspicious at first sight, and the command that looks closer; empty where nothing is."""
    from tlzoo.data.suspects.classes import sizes
    from tlzoo.data.suspects.shortcuts import all_facts, shortcuts

    if not counts.classes:
        return []
    rows = data.splits["train"]
    names, labels, kind = rows.features["label"].names, rows["label"][:], source.kind
    values = rows["text"][:] if kind == "text" else [None] * len(rows)  # files are not opened here
    facts = all_facts(kind if kind == "text" else "", values, rows["id"][:], [names[label] for label in labels])
    suspects = [each.message for each in (*sizes(counts.classes), *shortcuts(facts, labels, rows["group"][:], names))]
    if not suspects:
        return []
    more = f", and {len(suspects) - 1} more" if len(suspects) > 1 else ""
    return [f"look at: {suspects[0]}{more}; tlzoo check --task {source.task} --data PATH looks closer"]


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        model: The model with its head.
        predictor: What predicts the examples of the data set: the model, or its head on cached features.
        training: How it was trained; absent of a strategy without training.
    """

    model: Model
    predictor: Model
    training: Training | None = None


def execute_apart(
    run: Run, progress: bool, sheet: Path | None, limits: Limits | None, state: Path | None = None
) -> Outcome:
    """Execute a run in a worker process, in which the model stays; see :func:`execute`.

    Args:
        run: The run.
        progress: Whether to show progress bars on standard error.
        sheet: Where to draw some predictions.
        limits: Limits of an API model.
        state: A folder for the state of training, from which a killed run goes on; empty again when the run has ended.
            Not used where the folder that it is in does not exist, as on another machine.
    """
    from tlzoo.transfer.saved import SavedState

    with SavedState(state, run.id) if state is not None and state.parent.is_dir() else nullcontext() as saved:
        return replace(execute(run, progress, sheet, limits, saved=saved), model=None, predictions=())


def execute(
    run: Run,
    progress: bool = True,
    sheet: Path | None = None,
    limits: Limits | None = None,
    cores: int | None = None,
    data: Prepared | None = None,
    saved: SavedState | None = None,
) -> Outcome:
    """Execute a run.

    With the same weights, data and recipe the same machine gives the same numbers, to the last digit.

    Args:
        run: The run.
        progress: Whether to show progress bars on standard error.
        sheet: Where to draw some right and some wrong predictions, if they can be drawn; the suffix follows the form.
        limits: Limits of time and money, for an API model.
        cores: Number of threads, of a run that does not become a row; by default the same on every machine.
        data: The data of the run, split in another way, of a run that does not become a row.
        saved: Where the state of training is kept, and taken from if an earlier process was killed.

    Raises:
        StoppedError: A limit was reached; its ``usage`` is set.
        UnavailableError: The model is not available; for an API model, ``usage`` is set.
        DivergedError: Weights or predictions are not finite.
        InputError: The first metric is not a number on the test examples.
    """
    from tlzoo.transfer.repeatable import repeatable

    with repeatable(cores or training_threads(run)):
        return _execute(run, data or data_for(run), progress, sheet, limits, saved)


def training_threads(run: Run) -> int:
    """Threads of a run, which the size of its network decides and no machine."""
    from tlzoo.adapters.weights import card_of, variant_of
    from tlzoo.transfer.repeatable import PUBLISHED_THREADS, THREADS

    variant = variant_of(card_of(run.checkpoint), run.checkpoint.variant)
    return PUBLISHED_THREADS if variant.kind == "official" else THREADS


def _execute(
    run: Run, data: Prepared, progress: bool, sheet: Path | None, limits: Limits | None, saved: SavedState | None
) -> Outcome:
    from accelerate.utils import set_seed

    from tlzoo.core.model import ApiModel
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.tasks import task_type
    from tlzoo.transfer.inference import fit_reference, is_sound, predict, statistics, value, values
    from tlzoo.transfer.repeatable import THREADS, state_sha256

    task = task_type(run.task, run.source.kind)(data.features)
    test = data.splits["test"]
    set_seed(run.seed)
    trained = _untrained(run, data, task) if run.strategy in UNTRAINED else train(run, data, task, progress, saved)
    model = trained.predictor
    if not is_sound(model):
        raise DivergedError("the weights hold NaN or infinite numbers")
    if limits is not None and isinstance(model, ApiModel):
        model.set_limits(limits)
    train_rows = training_subset(run, data)
    fit_reference(task, model, (model.encode(row) for row in train_rows), train_rows, run.device)
    validation_score = None
    if trained.training is None and not isinstance(model, ApiModel):  # an answer of an API may cost money
        validation_rows, metric = validation_subset(run, data), task.metrics[0]
        encoded = (model.encode(row) for row in validation_rows)
        validated = statistics(task, predict(model, encoded, run.device), validation_rows)
        validation_score = METRICS[metric].sign * value(metric, validated[metric])
    name = f"{run.checkpoint.card} {run.strategy}: test" if progress else ""
    try:
        predictions = list(predict(model, (model.encode(row) for row in test), run.device, name))
    except (StoppedError, UnavailableError) as error:
        raise _with_usage(error, model, limits, len(test)) from None
    scores = statistics(task, predictions, test)
    numbers = values(task, scores)
    if sheet is not None and task.metrics[0] in scores:
        judged = zip(predictions, test, scores[task.metrics[0]], strict=True)
        _draw(sheet, test, model.spec.input, predictions, [task.is_right(*each) for each in judged])
    training = trained.training
    return Outcome(
        values=numbers,
        statistics=scores,
        example_ids=test["id"][:],
        groups=data.test_groups(),
        n_train=training.n_train if training else min(run.recipe.shots, len(data.splits["train"])),
        device=device_name(run.device),
        threads=THREADS,
        weights_sha256=_weights_sha256(run),
        trained_sha256=state_sha256(trained.model.state_dict()) if training else None,
        training=training,
        validation_score=validation_score,
        usage=_usage(model),
        model=trained.model,
        predictions=predictions,
    )


def _weights_sha256(run: Run) -> str | None:
    """Hash of the file of weights that a run starts from, pretrained now if it is of a stand-in and not there."""
    from tlzoo.adapters.weights import card_of
    from tlzoo.transfer import standin

    checkpoint = run.checkpoint
    if run.tier == "stand-in" and not checkpoint.served_by:
        return standin.weights_sha256(card_of(checkpoint), checkpoint)
    return checkpoint.sha256 or None if run.tier != "none" else None


def _usage(model: Model) -> Usage | None:
    """What a model behind an API was asked; absent for a model that runs here."""
    from tlzoo.core.model import ApiModel

    return model.usage if isinstance(model, ApiModel) else None


def _with_usage(
    error: StoppedError | UnavailableError, model: Model, limits: Limits | None, total: int
) -> StoppedError | UnavailableError:
    """The same error with what was spent, and with the number of answers of an API model that are cached."""
    usage = _usage(model)
    if limits is None or usage is None:
        return error
    answers = total - limits.requests + usage["requests"]
    resume = f"; {answers} of {total} answers are kept, and the same command goes on from there" if answers else ""
    whole = type(error)(f"{error}{resume}")
    whole.usage = usage
    return whole


def _untrained(run: Run, data: Prepared, task: Task) -> Trained:
    model = with_demonstrations(run, data, task)
    model.to(run.device)
    return Trained(model, model)


def with_demonstrations(run: Run, data: Prepared, task: Task) -> Model:
    """The model of a run without training, with the demonstrations of few-shot.

    They are training rows, as many of each class as of any other; another seed gives others, in another order.

    Raises:
        UnavailableError: The model cannot be used so.
        InputError: It has no prompt to put examples into.
    """
    from tlzoo.core.model import ApiModel

    model = as_published(run, task)
    if run.recipe.shots:
        rows = data.splits["train"]
        if not isinstance(model, ApiModel):
            raise InputError(f"{run.checkpoint.card} has no prompt to put examples into; run it with: zero-shot")
        model.set_demonstrations([rows[int(i)] for i in shots(_classes(rows), run.recipe.shots, run.seed)])
    return model


def as_published(run: Run, task: Task) -> Model:
    """The model of a run without any training.

    Raises:
        UnavailableError: It was published without a head, or with none of the data's classes.
    """
    from tlzoo.core.published import answering
    from tlzoo.transfer.assemble import assemble

    model = assemble(run.checkpoint, task).for_zero_shot(task)
    name = f"{run.checkpoint.card} {run.checkpoint.variant}"
    if model is None:
        raise UnavailableError(f"{name} has no published head for zero-shot use")
    classes = model.spec.labels
    if not classes or not task.labels:
        return model
    answers = answering(model, task.labels)
    if answers is None:
        raise UnavailableError(
            f"{name} knows {len(classes)} classes ({', '.join(classes[:3])}...) and none of the data's "
            f"({', '.join(task.labels[:3])}...): zero-shot needs one in common"
        )
    return answers


def _draw(sheet: Path, test: Dataset, kind: str, predictions: list[Any], right: list[bool]) -> None:
    """Draw a sheet of examples; a drawing failure is reported and never loses the result."""
    from tlzoo.draw import renderer_for

    renderer = renderer_for(predictions[0], kind)
    if renderer is None:
        return
    try:
        renderer.contact_sheet(test, predictions, right, sheet.with_suffix(renderer.sheet_suffix))
    except InputError as error:
        print(f"no sheet of examples: {error}", file=sys.stderr)


def training_subset(run: Run, data: Prepared) -> Dataset:
    """The training examples of a run: the fraction that its seed draws."""
    rows = data.splits["train"]
    return rows.select(subset(_classes(rows), run.fraction, run.seed))


def validation_subset(run: Run, data: Prepared) -> Dataset:
    """The validation examples of a run: the same fraction as of the training labels, but never fewer than a few."""
    rows = data.splits["validation"]
    return rows.select(validation_part(_classes(rows), run.fraction, run.seed))


def validation_part(labels: Sequence[int], fraction: float, seed: int) -> list[int]:
    """Indices of a fraction of the validation examples; for one seed, a smaller fraction lies inside a larger one.

    Args:
        labels: Class of each example; all equal where there are no classes.
        fraction: Share of the examples, at least ``MIN_VALIDATION`` of them and one of each class.
        seed: Seed of the order.
    """
    order = stratified_order(labels, seed).tolist()
    count = max(min(MIN_VALIDATION, len(order)), round(fraction * len(order)))
    first: dict[int, int] = {}
    for place in order:
        first.setdefault(labels[place], place)
    inside = set(order[:count]) | set(first.values())
    return [place for place in order if place in inside]


def _classes(rows: Dataset) -> Sequence[int]:
    """The class of each row; all equal where there are no classes."""
    classes: Sequence[int] = rows["label"][:] if "label" in rows.column_names else [0] * len(rows)
    return classes


def ready(
    run: Run, task: Task, chosen: Dataset, progress: bool
) -> tuple[TrainableModel, TrainableModel | HeadModel, float]:
    """The model of a run, before it is trained.

    Returns:
        The model; what of it is trained: itself, or its head on frozen features; and seconds that features of the
        chosen examples took.
    """
    from tlzoo.core.model import HeadedModel, trainable
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.strategies import apply

    checkpoint = replace(run.checkpoint, tier="none") if run.strategy == "scratch" else run.checkpoint
    model = trainable(assemble(checkpoint, task)).for_task(task)
    if not is_on_frozen_features(run):
        apply(model, run.strategy)
        return model, model, 0.0
    assert isinstance(model, HeadedModel)
    features = frozen_features(run, model, progress)
    return model, model.on_features(features), features.seconds(chosen["id"][:])


def is_on_frozen_features(run: Run) -> bool:
    """Whether a run trains a head on features that are computed once."""
    from tlzoo.adapters.weights import card_of
    from tlzoo.transfer.strategies import trains_on_cached_features

    return trains_on_cached_features(card_of(run.checkpoint), task_facts(run.task), run.strategy)


def frozen_features(run: Run, model: HeadedModel, progress: bool) -> Features:
    """Features of all examples of a run's data, however they are split, computed now or read from the cache."""
    from tlzoo.transfer.features import frozen

    key = [run.card_hash, _weights_sha256(run) or "", run.source.fingerprint, FEATURES_VERSION]
    everything = list(data_of(run.source).splits.values())
    return frozen(model.backbone, model.task, everything, key, run.device, progress)


def train(run: Run, data: Prepared, task: Task, progress: bool, saved: SavedState | None = None) -> Trained:
    """Train the model of a run.

    Args:
        run: The run.
        data: Its data.
        task: The task, bound to them.
        progress: Whether to show progress bars.
        saved: As of :func:`execute`.

    Raises:
        InputError: A native model cannot be trained on the task, or the task has no head for a backbone.
    """
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.transfer.examples import examples_of
    from tlzoo.transfer.inference import fit_reference, predict, statistics, trivial_score, value
    from tlzoo.transfer.loop import fit

    chosen, validation = training_subset(run, data), validation_subset(run, data)
    model, predictor, feature_seconds = ready(run, task, chosen, progress)
    examples, validation_examples = examples_of(predictor, chosen), examples_of(predictor, validation)
    metric = run.recipe.metric or task.metrics[0]

    def score(current: Model) -> float:
        fit_reference(task, current, examples, chosen, run.device)
        scores = statistics(task, predict(current, validation_examples, run.device), validation)
        return METRICS[metric].sign * value(metric, scores[metric])

    recipe = run.recipe.for_examples(len(examples))
    label = f"{run.checkpoint.card} {run.strategy}"
    floor = trivial_score(task, chosen, validation, run.source.kind, metric)
    fitted = fit(
        predictor, examples, score, recipe, run.seed, floor=floor, device=run.device, label=label, progress=progress,
        saved=saved,
    )  # fmt: skip
    training = Training(
        n_train=len(examples),
        n_validation=len(validation_examples),
        history=tuple(asdict(point) | {"seconds": point.seconds + feature_seconds} for point in fitted.history),
        train_seconds=fitted.train_seconds + feature_seconds,
        search_seconds=fitted.search_seconds,
        learning_rate=fitted.learning_rate,
        steps=fitted.steps,
        rate_at_edge=fitted.at_edge,
        trivial_score=floor,
    )
    model.to(run.device)
    return Trained(model, predictor, training)
