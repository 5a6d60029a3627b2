"""Score the baselines of every task on the data that are always at hand.

Usage: python benchmarks/baselines.py [--task TASK]... [--data NAME]

A board on which ``trivial`` and ``classical`` are as good as models shows little of models.
"""

from __future__ import annotations

import time
from typing import Annotated

import typer

from tlzoo.data.catalogue import find
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.run.baseline import baseline_runs, execute_baseline
from tlzoo.run.execute import prepare
from tlzoo.run.request import EvaluationRequest
from tlzoo.vocabulary import TASKS

LINE = "{:<21} {:<15} {:>6} {:>6}  {:<24} {:>9} {:>9} {:>8}  {}"


def main(
    task: Annotated[list[str] | None, typer.Option(help="Only this task; repeat for several.")] = None,
    data: Annotated[str | None, typer.Option(help="Name of other data than those that are always at hand.")] = None,
) -> None:
    """Print a line for each task and kind of input."""
    print(LINE.format("task", "data", "test", "groups", "metric", "trivial", "classical", "seconds", "classical is"))
    for name in task or TASKS:
        for kind in sorted(TASKS[name].inputs):
            source = find(name, data or TASKS[name].standard_of(kind)[1], kind=kind)
            prepare(source)
            began = time.monotonic()
            trivial, classical = map(
                execute_baseline, baseline_runs(EvaluationRequest(name, fractions=(1.0,)), [source])
            )
            seconds = time.monotonic() - began
            metric = TASKS[name].headline(source.kind)
            scores = (f"{outcome.values[metric]:.3f}" for outcome in (trivial, classical))
            sizes = trivial.n_test, len(set(trivial.groups))
            label = METRICS[metric].label
            print(LINE.format(name, source.name, *sizes, label, *scores, f"{seconds:.1f}", classical.description))


if __name__ == "__main__":
    typer.run(main)
