"""The parts of the Python API that have no other home."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import Store, read_board, results

if TYPE_CHECKING:
    from tlzoo.core.model import Backbone, Model


def reference() -> Path:
    """The folder of results that stand beside local ones: ``runs``, and the board that they make.

    Those that ship with the package, or those of the folder that ``TLZOO_REFERENCE`` names.
    """
    if named := os.environ.get("TLZOO_REFERENCE"):
        return Path(named)
    package = Path(__file__).resolve().parent
    inside = package / "results"
    return inside if inside.is_dir() else package.parent / "results"


class Leaderboard:
    """A view of results: the local ones, then those that ship with the package, which are ranked already.

    They are of two origins, so no row of the one is compared with a row of the other.
    """

    def __init__(self, out: Path | str = ".tlzoo") -> None:
        """Read the results of a folder that ``tlzoo eval --out`` wrote."""
        self._folders = [Path(out) / "results", reference() / "runs"]
        self._local = Store(self._folders[0]).read()
        self._shipped = self._not_held(read_board(reference() / "board.parquet"))

    @cached_property
    def results(self) -> pa.Table:
        """Every row (``tlzoo.leaderboard.schema.RESULT``), with what the bootstrap needs."""
        return results(self._folders)

    def tasks(self) -> list[str]:
        """Tasks that have results, sorted."""
        return sorted({*self._local["task"].to_pylist(), *self._shipped["task"].to_pylist()})

    def table(self, task: str | None = None) -> pa.Table:
        """Ranked rows of one task or of all (``tlzoo.leaderboard.schema.BOARD``)."""
        shipped = self._shipped if task is None else self._shipped.filter(pc.equal(self._shipped["task"], task))
        return pa.concat_tables([board(self._local, tasks=None if task is None else [task]), shipped])

    def _not_held(self, shipped: pa.Table) -> pa.Table:
        """What ships, but for the runs that the folder has too, as one does that was filled with published results."""
        held = set(self._local.filter(pc.not_equal(self._local["origin"], "local"))["run_id"].to_pylist())
        new = [held.isdisjoint(runs or ()) for runs in shipped["run_ids"].to_pylist()]
        return shipped.filter(pa.array(new, pa.bool_()))


def load(card: str, weights: str = "auto", variant: str | None = None) -> Backbone | Model:
    """Build a model of the zoo with its weights.

    Args:
        card: A card's id.
        weights: ``auto``, ``official``, ``stand-in`` or ``none``.
        variant: Only this variant.

    Raises:
        InputError: No such card or variant.
        UnavailableError: The weights are not available.
    """
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.transfer.assemble import assemble

    return assemble(resolve(catalogue.get(card), weights, variant))  # type: ignore[arg-type]
