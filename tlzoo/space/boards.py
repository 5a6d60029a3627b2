"""What the pages show: boards of a domain's tasks, ranked once each, and a visitor's filters."""

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
from tlzoo.leaderboard.identity import PANEL, Titles, grouped
from tlzoo.leaderboard.row import BoardRow, ScoredRow, rows_of, scored
from tlzoo.leaderboard.views.html import missing
from tlzoo.vocabulary import TASKS


@dataclass(frozen=True)
class Filter:
    """Rows that a visitor wants to see; an empty attribute filters nothing.

    Attributes:
        search: Words that must all occur in a row's card, variant, data set or strategy, or in the card's summary.
        tiers: Of weights.
        strategies: What is trained.
        licenses: Of the weights.
        max_size_mb: Maximum size of the parameters in MB (10^6 bytes).
        max_latency_ms: Maximum latency of one example in ms, median.
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
        """List the tasks; a board is ranked when it is first read.

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
        return sorted({catalogue.license_of(row.card, row.weights, row.license) for row in self.rows(task)})

    def rows(self, task: str) -> list[BoardRow]:
        """Rows of a task's board."""
        return rows_of(self.board(task))

    def panels(self, task: str) -> dict[str, list[ScoredRow]]:
        """Rows with a value that are compared with each other, by the title of their data and machine."""
        rows = self.rows(task)
        titles = Titles(rows)
        return {titles.panel(alike[0]): alike for alike in grouped(scored(rows), PANEL)}

    def filtered(self, task: str, wanted: Filter) -> pa.Table:
        """A task's board with the rows that pass the filters; a row without a measurement exceeds every limit of it."""
        board = self.board(task)
        keep = pa.array([True] * board.num_rows, pa.bool_())
        for name, chosen in (("weights", wanted.tiers), ("strategy", wanted.strategies)):
            if chosen:
                keep = pc.and_(keep, pc.is_in(board[name], pa.array(list(chosen), pa.string())))
        limits = (
            ("size_bytes", wanted.max_size_mb and wanted.max_size_mb * 1e6),
            ("latency_ms_p50", wanted.max_latency_ms),
        )
        for name, limit in limits:
            if limit:
                keep = pc.and_(keep, pc.fill_null(pc.less_equal(board[name], limit), False))
        board = board.filter(keep)
        words = wanted.search.lower().split()
        if not words and not wanted.licenses:
            return board
        summaries = {card.id: card.summary for card in catalogue.cards()}
        fits = []
        for row in rows_of(board):
            columns = (row.card, row.variant, row.weights, row.dataset, row.strategy)
            text = " ".join([*map(str, columns), summaries.get(row.card, "")]).lower()
            licensed = (
                not wanted.licenses or catalogue.license_of(row.card, row.weights, row.license) in wanted.licenses
            )
            fits.append(licensed and all(word in text for word in words))
        return board.filter(pa.array(fits, pa.bool_()))

    def empty(self, task: str, unfit: str = "No row fits these filters; loosen one.") -> str:
        """The message where there is no row to show, as HTML.

        Args:
            task: The task.
            unfit: Why the rows of the board are not shown, where some have a value.
        """
        board = self.board(task)
        if not board.num_rows:
            able = ", ".join(card.id for card in self.cards(task))
            return (
                f"<p>No results for {task} yet. Make some: <code>tlzoo eval --task {task}</code>, and start this page "
                f"again. Models that can do it: {able}.</p>"
            )
        if board["value"].null_count == board.num_rows:
            return f"<p>No result for {task} yet: no run succeeded.</p>{missing(board)}"
        return f"<p>{escape(unfit)}</p>"
