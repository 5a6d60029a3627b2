"""Further training, where a model does not escape negative transfer in any other way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.adapters.weights import card_of, variant_of
from tlzoo.leaderboard.ranking import board
from tlzoo.run import record
from tlzoo.run.plan import Run, recipe_for

FIRST = ("full", "partial")
"""Strategies that are tried first, of those that the model can be trained with."""


class Remedies:
    """Tells when a model on some data was trained in every other way that was planned, and is to be trained further."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """Take the runs of a plan; baselines have nothing to train further."""
        self._cells: dict[tuple[object, ...], list[Run]] = defaultdict(list)
        for run in runs:
            if not run.is_baseline:
                self._cells[_cell(run)].append(run)
        self._waiting = {cell: {run.id for run in each} for cell, each in self._cells.items()}

    def after(self, run: Run, results: Callable[[], pa.Table]) -> list[Run]:
        """What is to be trained further after a run has ended; nothing before the last one of its model.

        Args:
            run: The run that ended, in whatever way.
            results: Reads the rows of all results.
        """
        cell = _cell(run)
        waiting = self._waiting.get(cell)
        if not waiting:
            return []
        waiting.discard(run.id)
        is_complete = not waiting and _needed(run) <= {each.strategy for each in self._cells[cell]}
        return further_runs(self._cells[cell], results()) if is_complete else []


def further_runs(runs: Sequence[Run], results: pa.Table) -> list[Run]:
    """Runs that train all of a model, and longer, where its best strategy is negative transfer.

    They come only after all and the latter part of it were trained. Which strategy is the best, validation says.

    Args:
        runs: The runs of one model on one share of one data set.
        results: Rows of their results.

    Returns:
        One for each seed of that strategy.
    """
    ids = pa.array([run.id for run in runs], pa.string())
    finished = results.filter(pc.and_(pc.is_in(results["run_id"], ids), pc.equal(results["status"], "ok")))
    needed = _needed(runs[0])
    if not needed or not needed <= set(finished["strategy"].to_pylist()):
        return []
    rows = board(finished, metrics=[record.headline(runs[0].source)]).to_pylist()
    negative = {run_id for row in rows if row["chosen"] and row["verdict"] == "negative" for run_id in row["run_ids"]}
    return [_further(run) for run in runs if run.id in negative]


def _further(run: Run) -> Run:
    variant = variant_of(card_of(run.checkpoint), run.checkpoint.variant)
    recipe = recipe_for(card_of(run.checkpoint), variant, run.task, "further", run.recipe.precision)
    return replace(run, strategy="further", recipe=recipe)


def _needed(run: Run) -> set[str]:
    """Strategies that have to be tried first."""
    card = card_of(run.checkpoint)
    variant = variant_of(card, run.checkpoint.variant)
    return {strategy for strategy in FIRST if strategy in card.transfer.strategies and variant.takes(strategy)}


def _cell(run: Run) -> tuple[object, ...]:
    return run.checkpoint.card, run.checkpoint.label, run.source.fingerprint, run.fraction
