"""Ways of training a model on a person's data: each cross-fitted, the best chosen on validation.

An example is judged by a model that saw neither it nor its group, so that what the chosen way scores, how certain it
may be, and how far its own examples lie from each other, are known before all examples are learnt from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from datasets import DatasetDict, concatenate_datasets

from tlzoo.data.catalogue import FEW_ROWS, MIN_GROUPS
from tlzoo.data.dataset import Prepared
from tlzoo.data.folds import Fold, folded
from tlzoo.errors import DivergedError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.run.execute import execute, threads
from tlzoo.run.finetune.final import unit_vectors
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import DEFAULT_FOLDS, Run
from tlzoo.transfer.saved import SavedState

if TYPE_CHECKING:
    from torch import Tensor

    from tlzoo.core.predictions import Prediction

IMBALANCE = 3.0
"""Ratio of the largest class to the smallest from which drawing all classes equally often is tried, too."""


@dataclass(frozen=True)
class Trial:
    """One way of training on one fold.

    Attributes:
        score: On validation, more is better.
        rate: The learning rate that validation chose.
        epochs: How often each example was seen until the state that validation chose.
        n_train: Examples that it was trained on.
        outcome: What the fold's examples gave.
        labels: Class of each of these; none where there are no classes.
        distances: How far each of these is from those that it was trained on, in units of how far these are apart;
            absent where it has no vectors.
    """

    score: float
    rate: float
    epochs: float
    n_train: int
    outcome: Outcome
    labels: Sequence[int]
    distances: Tensor | None


@dataclass(frozen=True)
class Chosen:
    """The chosen way of training, and what cross-fitting says of it.

    Attributes:
        run: The way.
        rate: Geometric mean of the learning rates that the folds chose.
        epochs: Median of how often they saw each example.
        scores: Mean validation score of every way that was tried, by name, more is better.
        trials: Of the way that each fold's own validation chose, which is what the recorded score is of.
        same: Of the chosen way, all folds.
    """

    run: Run
    rate: float
    epochs: float
    scores: Mapping[str, float]
    trials: Sequence[Trial]
    same: Sequence[Trial] = field(repr=False)

    @property
    def statistics(self) -> dict[str, list[Sequence[float]]]:
        """Per-example statistics of each metric."""
        metrics = self.trials[0].outcome.statistics
        return {name: [row for trial in self.trials for row in trial.outcome.statistics[name]] for name in metrics}

    @property
    def groups(self) -> list[str]:
        """Group of each example."""
        return [group for trial in self.trials for group in trial.outcome.groups]

    @property
    def predictions(self) -> list[Prediction]:
        """Predictions of the chosen way, each by a model that did not see the example."""
        return [prediction for trial in self.same for prediction in trial.outcome.predictions]

    @property
    def labels(self) -> list[int]:
        """Class of each of these examples."""
        return [label for trial in self.same for label in trial.labels]


def pool(data: Prepared) -> Prepared:
    """All examples that may be learnt from, as the training examples; a test that came with the data stays apart."""
    names = ["train", "validation"] + (["test"] if "test" in data.cut else [])
    rows = concatenate_datasets([data.splits[name] for name in names])
    empty = rows.select([])
    test = empty if "test" in data.cut else data.splits["test"]
    return replace(data, splits=DatasetDict({"train": rows, "validation": empty, "test": test}))


def folds_of(whole: Prepared, count: int | None, seed: int) -> list[Prepared]:
    """The examples of a pool, split for each fold; one of five alone where they are many.

    Raises:
        InputError: There are fewer groups than folds.
    """
    rows = whole.splits["train"]
    apart = replace(whole, splits=DatasetDict(whole.splits | {"test": rows.select([])}))
    groups = len(set(rows["group"][:]))
    is_few = len(rows) < FEW_ROWS and groups >= MIN_GROUPS
    wanted = count or (DEFAULT_FOLDS if is_few else 1)
    dealt = min(DEFAULT_FOLDS, groups) if wanted == 1 else wanted
    return [folded(apart, Fold(number, dealt, seed)) for number in range(wanted)]


def ways(runs: Sequence[Run], whole: Prepared) -> list[Run]:
    """The runs, and where classes are of unequal size the same with all classes drawn equally often."""
    counts = [count for count in whole.counts().classes.values() if count]
    if not counts or max(counts) <= IMBALANCE * min(counts):
        return list(runs)
    return [replace(run, recipe=replace(run.recipe, is_balanced=b)) for run in runs for b in (False, True)]


def name_of(run: Run) -> str:
    """A way of training, as it is shown."""
    return run.strategy + (", classes balanced" if run.recipe.is_balanced else "")


def choose(
    runs: Sequence[Run], folds: Sequence[Prepared], progress: bool, say: Callable[[str], None], state: Path
) -> Chosen:
    """Try every way on every fold, and choose on validation.

    Args:
        runs: The ways of training.
        folds: The examples, split for each fold.
        progress: Whether to show progress bars.
        say: Takes a line for each trial.
        state: A folder for the states of trainings, from which a killed one goes on.

    Raises:
        DivergedError: No way gives a finite model on every fold.
        InputError: A metric is not a number on the examples of a fold.
    """
    trials: dict[Run, list[Trial]] = {run: [] for run in runs}
    failures: dict[Run, str] = {}
    seconds: dict[Run, list[float]] = {run: [] for run in runs}
    for number, data in enumerate(folds, 1):
        for run in runs:
            if run in failures:
                continue
            began = time.monotonic()
            try:
                trial = _try(run, data, progress, SavedState(state, f"{run.id}-{number}"))
            except DivergedError as error:
                failures[run] = f"{name_of(run)}: {error}"
                say(f"{failures[run]}; it is not tried further")
                continue
            trials[run].append(trial)
            seconds[run].append(time.monotonic() - began)
            if len(runs) * len(folds) > 1:
                metric = METRICS[run.recipe.metric or next(iter(trial.outcome.values))].label
                of = f", fold {number} of {len(folds)}" if len(folds) > 1 else ""
                score = f"{abs(trial.score):.3f} on validation ({metric})"
                say(f"{name_of(run)}{of}: {score}{_left(seconds, len(folds))}")
    whole = {run: each for run, each in trials.items() if run not in failures}
    if not whole:
        raise DivergedError("; ".join(failures.values()))
    scores = {run: fmean(trial.score for trial in each) for run, each in whole.items()}
    best = max(scores, key=lambda run: scores[run])
    own = [max((each[i] for each in whole.values()), key=lambda trial: trial.score) for i in range(len(folds))]
    rates = [math.log(trial.rate) for trial in whole[best]]
    return Chosen(
        best,
        math.exp(fmean(rates)),
        median(trial.epochs for trial in whole[best]),
        {name_of(run): score for run, score in scores.items()},
        own,
        whole[best],
    )


def _left(seconds: Mapping[Run, Sequence[float]], folds: int) -> str:
    """Time that the other trials will take, once each way was tried."""
    if not all(seconds.values()):
        return ""
    left = sum(fmean(each) * (folds - len(each)) for each in seconds.values())
    return f"; about {max(1, round(left / 60))} min left" if left > 30 else ""


def _try(run: Run, data: Prepared, progress: bool, saved: SavedState) -> Trial:
    from tlzoo.transfer.calibration import relative, some

    outcome = execute(run, progress, cores=threads(), data=data, saved=saved)
    training, model = outcome.training, outcome.model
    assert training is not None and model is not None
    best = max(training.history, key=lambda point: (point["score"], -point["loss"]))
    rows, test = data.splits["train"], data.splits["test"]
    far = None
    labels: list[int] = test["label"][:] if data.counts().classes else []
    if labels:
        inside = some(len(rows))
        vectors = unit_vectors(run, model, concatenate_datasets([rows.select(inside), test]))
        far = None if vectors is None else relative(vectors[: len(inside)], vectors[len(inside) :])
    return Trial(
        float(best["score"]),
        training.learning_rate,
        best["step"] * min(run.recipe.batch_size, training.n_train) / training.n_train,
        training.n_train,
        replace(outcome, model=None, predictions=outcome.predictions if labels else ()),
        labels,
        far,
    )
