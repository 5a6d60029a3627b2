"""Execute one run: load, assemble, train, predict the test examples once. Called in a worker process."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.catalogue import Source, load
from tlzoo.data.protocol import shots, subset
from tlzoo.errors import DivergedError, InputError, StoppedError, UnavailableError
from tlzoo.run.plan import Run
from tlzoo.vocabulary import UNTRAINED

if TYPE_CHECKING:
    from datasets import Dataset

    from tlzoo.core.model import Backbone, Limits, Model
    from tlzoo.core.task import Task
    from tlzoo.data.dataset import Counts, Prepared


@dataclass(frozen=True)
class DataFacts:
    """What the driver wants to know of a data set.

    Attributes:
        name: What boards call it.
        counts: Rows, classes and groups.
        problems: One line for each example that could not be read.
        notices: One line for each thing that a person should know.
    """

    name: str
    counts: Counts
    problems: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What is told before anything trains, a line each."""
        unreadable = [f"unreadable, left out: {problem}" for problem in self.problems]
        return [f"data: {self.name}: {self.counts}", *self.notices, *unreadable]


@cache
def threads() -> int:
    """Set the threads once a process: ``OMP_NUM_THREADS``, else every core."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    return torch.get_num_threads()


@lru_cache(maxsize=2)
def data_of(source: Source) -> Prepared:
    """Load a data set; the last two are kept, since a task may have one for each kind of input."""
    return load(source)


def prepare(source: Source) -> DataFacts:
    """Load a data set, and say what was noticed."""
    data = data_of(source)
    return DataFacts(source.name, data.counts(), data.problems, data.notices)


def execute(run: Run, progress: bool = True, sheet: Path | None = None, limits: Limits | None = None) -> dict[str, Any]:
    """Execute a run.

    Args:
        run: The run.
        progress: Whether to show progress bars on standard error.
        sheet: Where to draw some right and some wrong predictions, of a form that is drawn; its suffix is the form's.
        limits: How far a model that is asked may go.

    Returns:
        Columns of ``leaderboard.schema.RESULT`` that only the run knows; ``statistics`` and ``values`` by metric.

    Raises:
        StoppedError: A limit was reached; its ``facts`` are columns too.
        DivergedError: Weights or predictions are not finite.
        InputError: The first metric is no number on the test examples.
    """
    import torch
    from accelerate.utils import set_seed

    from tlzoo.tasks import task_type
    from tlzoo.transfer.inference import is_sound, predict, refer, statistics, values

    threads()
    data = data_of(run.source)
    task = task_type(run.task, run.source.kind)(data.features)
    test = data.splits["test"]
    set_seed(run.seed)
    fitted: dict[str, Any] = {"n_train": min(run.recipe.shots, len(data.splits["train"]))}
    if run.strategy in UNTRAINED:
        model = shown(run, data, task)
        model.to(run.device)
    else:
        model, _, fitted = train(run, data, task, progress)
    if not is_sound(model):
        raise DivergedError("the weights hold NaN or infinite numbers")
    if limits is not None:
        model.limit(limits)
    train_rows = taught(run, data)
    refer(task, model, (model.encode(row) for row in train_rows), train_rows, run.device)
    encoded = (model.encode(row) for row in test)
    name = f"{run.checkpoint.card} {run.strategy}: test" if progress else ""
    try:
        predictions = list(predict(model, encoded, run.device, name))
    except (StoppedError, UnavailableError) as error:
        raise _with_facts(error, model, limits, len(test)) from None
    found = statistics(task, predictions, test)
    numbers = values(task, found)
    if sheet is not None and task.metrics[0] in found:
        facts = zip(predictions, test, found[task.metrics[0]], strict=True)
        _draw(sheet, test, model.spec.input, predictions, [task.is_right(*each) for each in facts])
    return fitted | {
        **model.usage,
        "threads": threads(),
        "device": torch.cuda.get_device_name() if run.device == "cuda" else "cpu",
        "n_test": len(test),
        "example_ids": test["id"][:],
        "groups": data.test_groups(),
        "statistics": found,
        "values": numbers,
    }


def _with_facts(
    error: StoppedError | UnavailableError, model: Model, limits: Limits | None, total: int
) -> StoppedError | UnavailableError:
    """The same, with what was spent, and how many answers of a model that is asked are kept."""
    usage = model.usage
    if limits is None or not usage:
        return error
    kept = total - limits.requests + usage["requests"]
    said = f"; {kept} of {total} answers are kept, and the same command goes on from there" if kept else ""
    found = type(error)(f"{error}{said}")
    found.facts = usage
    return found


def shown(run: Run, data: Prepared, task: Task) -> Model:
    """The model of a run that trains nothing, with the examples that it is shown.

    Examples are training rows, as many of each class as of any other; another seed gives others, in another order.

    Raises:
        UnavailableError: The model cannot be used so.
        InputError: It has no prompt to put examples into.
    """
    model = as_published(run, task)
    if run.recipe.shots:
        rows = data.splits["train"]
        classes = rows["label"][:] if "label" in rows.column_names else [0] * len(rows)
        model.show([rows[int(i)] for i in shots(classes, run.recipe.shots, run.seed)])
    return model


def as_published(run: Run, task: Task) -> Model:
    """The model of a run without any training.

    Raises:
        UnavailableError: It was published without a head, or with none of the data's classes.
    """
    from tlzoo.transfer.adaptation import untrained
    from tlzoo.transfer.assemble import assemble

    model = untrained(assemble(run.checkpoint, task), task)
    name = f"{run.checkpoint.card} {run.checkpoint.variant}"
    if model is None:
        raise UnavailableError(f"{name} has no published head for zero-shot use")
    classes = model.spec.labels
    if classes and task.labels and not set(classes) & set(task.labels):
        raise UnavailableError(
            f"{name} knows {len(classes)} classes ({', '.join(classes[:3])}...) and none of the data's "
            f"({', '.join(task.labels[:3])}...): zero-shot needs one in common"
        )
    return model


def _draw(sheet: Path, test: Dataset, kind: str, predictions: list[Any], right: list[bool]) -> None:
    """Draw a sheet of examples; what cannot be drawn is said, and costs no result."""
    from tlzoo.draw import renderer_for

    renderer = renderer_for(predictions[0], kind)
    if renderer is None:
        return
    try:
        renderer.contact_sheet(test, predictions, right, sheet.with_suffix(renderer.sheet_suffix))
    except InputError as error:
        print(f"no sheet of examples: {error}", file=sys.stderr)


def taught(run: Run, data: Prepared) -> Dataset:
    """The training examples of a run: the fraction that its seed draws."""
    train = data.splits["train"]
    classes = train["label"][:] if "label" in train.column_names else [0] * len(train)
    return train.select(subset(classes, run.fraction, run.seed))


def train(run: Run, data: Prepared, task: Task, progress: bool) -> tuple[Model, Backbone | Model, dict[str, Any]]:
    """Train as a run says.

    Returns:
        The model (of a backbone's probe, where features are cached, the head on them), the network without the task's
        head (a native model is that itself), and what training found.

    Raises:
        InputError: A native model cannot be trained on the task, or the task has no head for a backbone.
    """
    from dataclasses import replace

    from tlzoo.core.model import Backbone
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.tasks.head_model import HeadModel, frame
    from tlzoo.transfer.adaptation import headed, trainable
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.features import frozen
    from tlzoo.transfer.inference import predict, refer, statistics, value
    from tlzoo.transfer.loop import fit
    from tlzoo.transfer.strategies import apply

    chosen, validation = taught(run, data), data.splits["validation"]
    checkpoint = replace(run.checkpoint, tier="none") if run.strategy == "scratch" else run.checkpoint
    network = assemble(checkpoint, task)
    offset = 0.0
    if run.strategy == "probe" and isinstance(network, Backbone) and task.facts.is_cacheable:
        task = headed(task)
        frame(network, task)
        key = [run.card_hash, run.checkpoint.sha256, run.source.fingerprint]
        features = frozen(network, task, list(data.splits.values()), key, run.device, progress)
        model: Any = HeadModel(task.head(network.spec), task, features, network.spec)
        offset = features.seconds(chosen["id"][:])
    else:
        model = trainable(network, task)
        apply(model, run.strategy)
    examples = [model.encode(row) for row in chosen]
    held_out = [model.encode(row) for row in validation]
    metric = task.metrics[0]

    def score(current: Any) -> float:
        refer(task, current, examples, chosen, run.device)
        found = statistics(task, predict(current, held_out, run.device), validation)
        return METRICS[metric].sign * value(metric, found[metric])

    recipe = run.recipe.for_examples(len(examples))
    label = f"{run.checkpoint.card} {run.strategy}"
    fitted = fit(model, examples, score, recipe, run.seed, device=run.device, label=label, progress=progress)
    return (
        model,
        network,
        {
            "n_train": len(examples),
            "history": [asdict(p) | {"seconds": p.seconds + offset} for p in fitted.history],
            "train_seconds": fitted.train_seconds + offset,
            "search_seconds": fitted.search_seconds,
            "learning_rate": fitted.learning_rate,
            "steps": fitted.steps,
        },
    )
