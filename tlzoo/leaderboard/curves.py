"""Learning curves: the score of each model over the number of labels that it was trained with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlzoo.leaderboard.identity import VIEW, Titles, grouped
from tlzoo.leaderboard.row import ScoredRow
from tlzoo.vocabulary import BASELINE, BASELINES, TIERS, shown

MIN_POINTS = 2
"""Fewer are no curve."""


@dataclass(frozen=True)
class Curve:
    """One model on some data, from few labels to many.

    Attributes:
        rows: With the strategy that validation chose on the most labels; a row for each share of them.
        scratch: The same architecture, trained from scratch.
    """

    rows: tuple[ScoredRow, ...]
    scratch: tuple[ScoredRow, ...]

    @property
    def last(self) -> ScoredRow:
        """The row with the most labels."""
        return self.rows[-1]

    @property
    def name(self) -> str:
        """What a person calls it: the card, its variant where it is not the published model, and the strategy."""
        last = self.last
        variant = "" if last.weights == "official" else shown(last.card, last.variant)
        return " ".join(filter(None, (last.card, variant, last.strategy)))


@dataclass(frozen=True)
class Curves:
    """All curves of one data set and machine.

    Attributes:
        models: Best first, as validation has it.
        baselines: Those of trivial and classical that were run, each a row for each share of the labels.
    """

    models: tuple[Curve, ...]
    baselines: tuple[tuple[ScoredRow, ...], ...]

    @property
    def first(self) -> ScoredRow:
        """A row, for what all have in common."""
        return self.models[0].last

    @property
    def has_several_shares(self) -> bool:
        """Whether there is anything to draw: a model that was trained with two shares of the labels."""
        return any(len(curve.rows) >= MIN_POINTS for curve in self.models)


def curves_of(rows: Iterable[ScoredRow]) -> list[Curves]:
    """The curves of each data set and machine that a model was trained on.

    Args:
        rows: Of a board.
    """
    views = []
    for view in grouped([row for row in rows if row.n_train and row.runtime is None], VIEW):
        if models := _models(view):
            mine = [row for row in view if row.weights == BASELINE]
            baselines = (_by_share(row for row in mine if row.strategy == name) for name in BASELINES)
            views.append(Curves(tuple(models), tuple(filter(None, baselines))))
    return views


def trained_on(row: ScoredRow) -> int:
    """Number of training examples of a row of a curve, which has one."""
    assert row.n_train
    return row.n_train


def lacking(curves: Iterable[Curves], titles: Titles) -> str:
    """How to get the curves of what was trained with one share of the labels; empty where there is no such thing."""
    few = [each.first for each in curves if not each.has_several_shares]
    if not few:
        return ""
    names = ", ".join(dict.fromkeys(f"{row.task} on {titles.data(row)}" for row in few))
    task = few[0].task if len({row.task for row in few}) == 1 else "TASK"
    return (
        f"no learning curve of {names}: one share of the labels was run; "
        f"tlzoo eval --task {task} --data DATA --fractions 0.1,0.3,1 runs several"
    )


def _best_first(curve: Curve) -> tuple[float, float, int]:
    """Sort key: validation with the most labels decides, so that the test score was not chosen for being high."""
    last = curve.last
    known = float("-inf") if last.validation is None else last.validation
    return -last.fraction, -known, TIERS.index(last.weights)


def _models(view: Sequence[ScoredRow]) -> list[Curve]:
    """The curve of each model that validation chose a strategy for, best first."""
    models = []
    for mine in grouped((row for row in view if row.weights not in (BASELINE, "none")), ("card", "variant", "weights")):
        chosen = max((row for row in mine if row.chosen), key=lambda row: row.fraction, default=None)
        if chosen is None:
            continue
        same = _by_share(row for row in mine if row.strategy == chosen.strategy)
        scratch = _by_share(
            row
            for row in view
            if (row.card, row.variant, row.strategy, row.weights) == (chosen.card, chosen.variant, "scratch", "none")
        )
        models.append(Curve(same, scratch))
    return sorted(models, key=_best_first)


def _by_share(rows: Iterable[ScoredRow]) -> tuple[ScoredRow, ...]:
    """One row for each share of the labels, rising: of runs of several versions, the one with the most seeds."""
    best: dict[float, ScoredRow] = {}
    for row in rows:
        if row.fraction not in best or len(row.seeds or ()) > len(best[row.fraction].seeds or ()):
            best[row.fraction] = row
    return tuple(best[share] for share in sorted(best))
