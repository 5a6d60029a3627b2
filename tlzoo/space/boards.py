"""What the pages show: boards of a domain's tasks, ranked once each, and what a visitor wants of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.api import Leaderboard
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card
from tlzoo.leaderboard.html import missing
from tlzoo.leaderboard.identity import PANEL, Titles, grouped
from tlzoo.leaderboard.table import Row, rows_of
from tlzoo.vocabulary import TASKS


@dataclass(frozen=True)
class Filter:
    """What a visitor wants to see; empty where it does not matter.

    Attributes:
        search: Words that all have to be in a row's card, variant, data set or strategy, or in the card's summary.
        tiers: Of weights.
        strategies: What is trained.
        licenses: Of the weights.
        max_size_mb: Most megabytes (10^6 bytes) of parameters.
        max_latency_ms: Most milliseconds for one example, median.
    """

    search: str = ""
    tiers: Sequence[str] = ()
    strategies: Sequence[str] = ()
    licenses: Sequence[str] = ()
    max_size_mb: float | None = None
    max_latency_ms: float | None = None


class Boards:
    """The boards of one domain.

    Attributes:
        domain: The domain.
        tasks: Its tasks, those with results first.
    """

    def __init__(self, domain: str, out: Path) -> None:
        """Find what there is; nothing is ranked before it is asked for.

        Args:
            domain: ``image``, ``text``, ``audio`` or ``video``.
            out: Folder of local results, shown beside those that ship with the package.
        """
        self.domain = domain
        self._leaderboard = Leaderboard(out)
        known = set(self._leaderboard.tasks())
        self.tasks = sorted((t for t in TASKS if TASKS[t].domain == domain), key=lambda t: t not in known)
        self.board = cache(self._leaderboard.table)

    def cards(self, task: str | None = None) -> list[Card]:
        """The domain's cards, or all that can do a task."""
        if task is not None:
            return [card for card in catalogue.cards() if card.can_do(task)]
        return [card for card in catalogue.cards() if card.domain == self.domain]

    def licenses(self, task: str) -> list[str]:
        """Licences of the weights on a task's board."""
        return sorted({catalogue.license_of(row) for row in rows_of(self.board(task).select(["card", "weights"]))})

    def panels(self, task: str) -> dict[str, list[Row]]:
        """Rows with a value that are compared with each other, by what their data and machine are called."""
        rows = rows_of(self.board(task))
        titles = Titles(rows)
        return {titles.panel(alike[0]): alike for alike in grouped((r for r in rows if r["value"] is not None), PANEL)}

    def filtered(self, task: str, wanted: Filter) -> pa.Table:
        """A task's board with the rows that a visitor wants; a row without a measurement is within no limit of it."""
        board = self.board(task)
        keep = pa.array([True] * board.num_rows, pa.bool_())
        for name, chosen in (("weights", wanted.tiers), ("strategy", wanted.strategies)):
            if chosen:
                keep = pc.and_(keep, pc.is_in(board[name], pa.array(list(chosen), pa.string())))
        limits = (
            ("size_bytes", wanted.max_size_mb and wanted.max_size_mb * 1e6),
            ("latency_ms_p50", wanted.max_latency_ms),
        )
        for name, most in limits:
            if most:
                keep = pc.and_(keep, pc.fill_null(pc.less_equal(board[name], most), False))
        board = board.filter(keep)
        words = wanted.search.lower().split()
        if not words and not wanted.licenses:
            return board
        summaries = {card.id: card.summary for card in catalogue.cards()}
        fits = []
        for row in rows_of(board.select(["card", "variant", "weights", "dataset", "strategy"])):
            said = " ".join([*map(str, row.values()), summaries.get(row["card"], "")]).lower()
            licensed = not wanted.licenses or catalogue.license_of(row) in wanted.licenses
            fits.append(licensed and all(word in said for word in words))
        return board.filter(pa.array(fits, pa.bool_()))

    def empty(self, task: str, unfit: str = "No row fits these filters; loosen one.") -> str:
        """What to say where there is no row, as HTML.

        Args:
            task: The task.
            unfit: What is wrong with the rows of the board where some ended well.
        """
        board = self.board(task)
        if not board.num_rows:
            able = ", ".join(card.id for card in self.cards(task))
            return (
                f"<p>No results for {task} yet. Make some: <code>tlzoo eval --task {task}</code>, and start this page "
                f"again. Models that can do it: {able}.</p>"
            )
        if board["value"].null_count == board.num_rows:
            return f"<p>No result for {task} yet: nothing that was tried ended well.</p>{missing(board)}"
        return f"<p>{escape(unfit)}</p>"
