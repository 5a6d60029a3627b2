"""The baselines of an evaluation: planned before any model, executed and recorded as a model's runs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from tlzoo.adapters.weights import Checkpoint
from tlzoo.baselines import VERSION
from tlzoo.data.catalogue import Source
from tlzoo.run.outcome import Outcome
from tlzoo.run.plan import Run, folds_of
from tlzoo.run.request import EvaluationRequest
from tlzoo.transfer.recipe import Recipe
from tlzoo.vocabulary import BASELINE, BASELINES, Baseline

HASH = f"{BASELINE} {VERSION}"
"""What stands for a card's hash in the key and in the row of a baseline."""
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
            HASH,
            "cpu",
            *fold,
        )
        for fraction in sorted(request.fractions, reverse=True)
        for source in data
        for name in (BASELINES if request.baselines and request.shard[0] == 1 else ())
        for fold in folds_of(request, source)
    ]


def execute_baseline(run: Run) -> Outcome:
    """Fit a baseline and predict the test examples once.

    Raises:
        InputError: The first metric is not a number on the test examples.
    """
    from tlzoo.baselines import fit
    from tlzoo.run.execute import data_for, training_subset, validation_subset
    from tlzoo.tasks import task_type
    from tlzoo.transfer.inference import baseline_statistics, values
    from tlzoo.transfer.repeatable import THREADS, repeatable

    data = data_for(run)
    task = task_type(run.task, run.source.kind)(data.features)
    train, test = training_subset(run, data), data.splits["test"]
    with repeatable():
        fitted = fit(cast("Baseline", run.strategy), task, train, validation_subset(run, data), run.source.kind)
        scores = baseline_statistics(task, fitted, train, test)
    return Outcome(
        values=values(task, scores),
        statistics=scores,
        example_ids=test["id"][:],
        groups=data.test_groups(),
        n_train=len(train),
        device="cpu",
        threads=THREADS,
        description=fitted.description,
    )
