"""What is left of the time goes into fine-tuning the models that may be the best, half of them dropped at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tlzoo.check.views import Data
from tlzoo.data.dataset import Prepared
from tlzoo.errors import TlzooError
from tlzoo.forecast.classifier import Array
from tlzoo.run.execute import execute, ready, threads
from tlzoo.run.finetune.candidates import folds_of, pool
from tlzoo.run.plan import Run, plan
from tlzoo.run.request import EvaluationRequest

WAY = "full"
"""How models are fine-tuned: the whole network, with the recipe of ``tlzoo eval``."""
MAX_MODELS = 8
"""Models that begin."""
ROUNDS = (1, 3, 5)
"""Folds that the models of a round have been judged on when it ends; then the worse half is dropped."""


@dataclass
class Tuned:
    """What fine-tuning gave of a model so far.

    Attributes:
        right: Whether each example was judged right by a fine-tuned network that had not learnt from it; NaN where
            none has judged it yet, shape ``(examples,)``.
        folds: Number of folds that were judged.
    """

    right: Array
    folds: int = 0

    def corrected(self, probe: Array) -> Array:
        """What is expected of each example: as a head on frozen vectors does, and what fine-tuning changes of that.

        Where only some examples were judged, their mean difference corrects all, so that models which were judged on
        different examples can be compared; where all were, it is what they gave.

        Args:
            probe: In which share of repeats such a head judges each example right, shape ``(examples,)``.
        """
        is_judged = ~np.isnan(self.right)
        if is_judged.all():
            return self.right
        difference = np.where(is_judged, np.nan_to_num(self.right) - probe, 0.0)
        corrected: Array = probe + difference / is_judged.mean()
        return corrected


@dataclass
class Halving:
    """Fine-tuning of several models, as long as there is time.

    Attributes:
        tuned: What it gave, of the models that were fine-tuned on at least one fold.
        notes: A line for each model that it was not tried with, or not to the end.
    """

    tuned: dict[Run, Tuned] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def halve(
    probes: Mapping[Run, Array],
    data: Data,
    prepared: Prepared,
    end: float,
    say: Callable[[str], None] = lambda line: None,
) -> Halving:
    """Fine-tune models on folds, the most promising ones on more of them (Jamieson & Talwalkar 2016, 1502.07943).

    Args:
        probes: What heads on frozen vectors judge of the models that may be the best, the best first (see
            :meth:`Tuned.corrected`).
        data: The examples.
        prepared: The same, as they were prepared.
        end: When to end, by ``time.monotonic()``; nothing is begun that is expected to take longer.
        say: Takes a line for each trial.
    """
    done = Halving()
    whole = pool(prepared)
    folds = folds_of(whole, ROUNDS[-1], 0)
    place = {name: i for i, name in enumerate(data.ids)}
    whole_networks = {run: _whole_network(run) for run in list(probes)[:MAX_MODELS]}
    runs = {run: tuning for run, tuning in whole_networks.items() if tuning is not None}
    done.notes += [f"{run.checkpoint.name}: is not fine-tuned whole" for run in whole_networks if run not in runs]
    alive = list(runs)
    seconds: dict[Run, float] = {}

    def judge(run: Run, tuned: Tuned) -> str:
        """Fine-tune a model on its next fold; why that was not done, or empty."""
        fold, left = folds[tuned.folds], max(0.0, end - time.monotonic())
        try:
            if run not in seconds and left:
                seconds[run] = _expected_seconds(runs[run], fold)
            if seconds.get(run, 0.0) >= left:
                needed = f"a fold takes about {seconds[run]:,.0f} s, and " if run in seconds else ""
                return f"{needed}{left:,.0f} s are left"
            began = time.monotonic()
            outcome = execute(runs[run], progress=False, cores=threads(), data=fold)
        except TlzooError as error:
            return str(error)
        seconds[run] = time.monotonic() - began
        scores = [row[0] for row in outcome.statistics["accuracy"]]
        tuned.right[[place[name] for name in outcome.example_ids]] = scores
        tuned.folds += 1
        done.tuned[run] = tuned
        say(f"{run.checkpoint.name}, {WAY}, fold {tuned.folds} of {len(folds)}: {np.mean(scores):.3f}")
        return ""

    for goal in ROUNDS:
        for run in list(alive):
            tuned = done.tuned.get(run, Tuned(np.full(len(place), np.nan)))
            while tuned.folds < min(goal, len(folds)):
                if reason := judge(run, tuned):
                    done.notes.append(f"{run.checkpoint.name}: {reason}")
                    alive.remove(run)
                    break
        ranked = sorted(alive, key=lambda run: -done.tuned[run].corrected(probes[run]).mean())
        alive = ranked[: -(-len(ranked) // 2)]
    return done


def _whole_network(probe: Run) -> Run | None:
    """The run that trains the whole network of a probe; absent where its card has none."""
    request = EvaluationRequest(
        task=probe.task, models=(probe.checkpoint.card,), strategies=(WAY,), folds=1, seeds=(probe.seed,),
        fractions=(1.0,), device=probe.device,
    )  # fmt: skip
    same = (probe.checkpoint.variant, probe.checkpoint.sha256)
    runs = plan(request, [probe.source]).runs
    return next((run for run in runs if (run.checkpoint.variant, run.checkpoint.sha256) == same), None)


def _expected_seconds(run: Run, data: Prepared) -> float:
    """Seconds of a run, as a few steps of training let expect; validation and test cost a third of that an example."""
    from tlzoo.measure.measure import training_rate
    from tlzoo.tasks import task_type
    from tlzoo.transfer.repeatable import repeatable

    rows = data.splits["train"]
    recipe = run.recipe.for_examples(len(rows))
    few = rows.select(range(min(recipe.batch_size, len(rows))))
    with repeatable(threads()):
        _, learner, _ = ready(run, task_type(run.task, run.source.kind)(data.features), few, progress=False)
        rate = training_rate(learner, few, recipe.batch_size, run.device)
    judged = recipe.looks * len(data.splits["validation"]) + len(data.splits["test"])
    return (recipe.work() * recipe.batch_size + judged / 3) / rate
