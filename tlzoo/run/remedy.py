"""Further training, where no strategy of a model escapes negative transfer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.leaderboard.identity import grouped, of
from tlzoo.leaderboard.ranking import board
from tlzoo.run.plan import Run, recipe_for

_CELL = ("card", "variant", "dataset_fingerprint", "fraction")


def further_runs(runs: Sequence[Run], results: pa.Table) -> list[Run]:
    """Runs that train all of a model, and longer, where every verdict on it is negative transfer.

    Args:
        runs: The runs of a plan.
        results: Rows of their results.
    """
    ids = pa.array([run.id for run in runs], pa.string())
    ranked = board(results.filter(pc.is_in(results["run_id"], ids)))
    verdicts = {
        of(rows[0], _CELL): {row["verdict"] for row in rows if row["verdict"]}
        for rows in grouped(ranked.select([*_CELL, "verdict"]).to_pylist(), _CELL)
    }
    further: dict[str, Run] = {}
    for run in runs:
        cell = (run.checkpoint.card, run.checkpoint.label, run.source.fingerprint, run.fraction)
        if verdicts.get(cell) == {"negative"}:
            card = catalogue.get(run.checkpoint.card)
            variant = variant_of(card, run.checkpoint.variant)
            recipe = recipe_for(card, variant, run.task, "further", run.recipe.precision)
            longer = replace(run, strategy="further", recipe=recipe)
            further.setdefault(longer.id, longer)
    return list(further.values())
