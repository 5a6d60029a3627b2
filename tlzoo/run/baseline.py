"""The baselines of an evaluation: planned before any model, executed and recorded as a model's runs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from tlzoo.adapters.weights import Checkpoint
from tlzoo.baselines import VERSION
from tlzoo.data.catalogue import Source
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Run
from tlzoo.run.request import EvaluationRequest
from tlzoo.transfer.recipe import Recipe
from tlzoo.vocabulary import BASELINE, BASELINES, Baseline

if TYPE_CHECKING:
    from tlzoo.baselines.fitted import Fitted
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

_NO_TRAINING = Recipe(steps=0, learning_rates=())


def baseline_runs(request: EvaluationRequest, data: Sequence[Source]) -> list[Run]:
    """The baselines of each data set, if they are asked for, with all labels before fewer.

    Args:
        request: The options.
        data: One data set for each kind of input.
    """
    return [
        Run(
            Checkpoint(BASELINE, name, BASELINE),
            request.task,
            source,
            name,
            0,
            fraction,
            _NO_TRAINING,
            f"{BASELINE} {VERSION}",
        )
        for fraction in sorted(request.fractions, reverse=True)
        for source in data
        for name in (BASELINES if request.baselines else ())
    ]


def execute_baseline(run: Run) -> Outcome:
    """Fit a baseline and predict the test examples once.

    Raises:
        InputError: The first metric is not a number on the test examples.
    """
    from tlzoo.baselines import fit
    from tlzoo.run.execute import data_of, threads, training_subset
    from tlzoo.tasks import task_type
    from tlzoo.transfer.inference import values

    n_threads = threads()
    data = data_of(run.source)
    task = task_type(run.task, run.source.kind)(data.features)
    train, test = training_subset(run, data), data.splits["test"]
    fitted = fit(cast("Baseline", run.strategy), task, train, data.splits["validation"], run.source.kind)
    scores = scored(task, fitted, train, test)
    return Outcome(
        values=values(task, scores),
        statistics=scores,
        example_ids=test["id"][:],
        groups=data.test_groups(),
        n_train=len(train),
        device="cpu",
        threads=n_threads,
        description=fitted.description,
    )


def scored(
    task: Task, fitted: Fitted, train: Sequence[Row], rows: Sequence[Row]
) -> Mapping[str, Sequence[Sequence[float]]]:
    """Per-example statistics of a baseline's predictions of some rows.

    Args:
        task: The task.
        fitted: The baseline.
        train: The rows that it was fitted to, with which predictions are compared where the task's metrics ask for it.
        rows: The rows to predict.
    """
    from tlzoo.core.task import ReferenceTask
    from tlzoo.transfer.inference import statistics

    if isinstance(task, ReferenceTask):
        task.fit_reference(fitted.predict(train), train)
    return statistics(task, fitted.predict(rows), rows)
