"""The parts of the Python API that have no other home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import results

if TYPE_CHECKING:
    from tlzoo.adapters.base import Backbone, Model


def reference() -> Path:
    """The folder of the results that ship with the package."""
    package = Path(__file__).resolve().parent
    inside = package / "results"
    return inside if inside.is_dir() else package.parent / "results"


class Leaderboard:
    """A view of results: the local ones first, then those that ship with the package."""

    def __init__(self, out: Path | str = ".tlzoo") -> None:
        """Read the results of a folder that ``tlzoo eval --out`` wrote."""
        self.results = results([Path(out) / "results", reference()])

    def table(self, task: str | None = None) -> pa.Table:
        """Ranked rows of one task or of all (``tlzoo.leaderboard.schema.BOARD``)."""
        return board(self.results, tasks=None if task is None else [task])


def load(card: str, weights: str = "auto", variant: str | None = None) -> Backbone | Model:
    """Build a model of the zoo with its weights.

    Args:
        card: A card's id.
        weights: ``auto``, ``official``, ``stand-in`` or ``none``.
        variant: Only this variant.

    Raises:
        InputError: No such card or variant.
        UnavailableError: The weights cannot be had.
    """
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.transfer.assemble import assemble

    return assemble(resolve(catalogue.get(card), weights, variant))  # type: ignore[arg-type]
