"""What transfer gave, in one sentence, as far as the intervals allow it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.leaderboard.curves import Curve, Curves, curves_of, trained_on
from tlzoo.leaderboard.identity import Titles
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.schema import INCOMPARABLE
from tlzoo.leaderboard.speed_up import MIN_FRACTIONS, log_needed
from tlzoo.vocabulary import is_ad_hoc, task_facts


def sentences(board: pa.Table) -> list[str]:
    """A :func:`sentence` for each data set and machine of a board, which it begins with where there are several."""
    rows = rows_of(board)
    titles, views = Titles(rows), curves_of(scored(rows))
    titled = [(f"{curves.first.task} on {titles.panel(curves.first)}: ", sentence(curves)) for curves in views]
    return [(title if len(views) > 1 else "") + text for title, text in titled if text]


def sentence(curves: Curves) -> str:
    """What transfer gave on some data; empty where no model was compared with scratch.

    It is told of one model alone, which validation chose before anything was tested: of those that can be compared with
    scratch, if any can; of these, of those that are listed for the task with official weights, else of all others.

    Args:
        curves: Of one data set and machine.
    """
    compared = [curve for curve in curves.models if any(row.verdict for row in curve.rows)]
    if not compared:
        return ""
    curve = min(compared, key=_first_told)
    return _few_labels(curve) or _all_labels(curve)


def _first_told(curve: Curve) -> tuple[bool, bool, bool]:
    """Sort key of curves that are in the order of validation."""
    is_compared = any(row.verdict and row.verdict not in INCOMPARABLE for row in curve.rows)
    return not is_compared, not _is_listed(curve.last), curve.last.weights != "official"


def _is_listed(row: ScoredRow) -> bool:
    """Whether a row's model is listed for its task, or was named ad hoc; a card that is gone is not."""
    try:
        return is_ad_hoc(row.card) or catalogue.get(row.card).task == row.task
    except InputError:
        return False


def _few_labels(curve: Curve) -> str:
    """What the fewest labels give with which the model beats scratch for certain; empty where there are none."""
    row = next((row for row in curve.rows if row.verdict == "positive"), None)
    if row is None:
        return ""
    most = curve.scratch[-1] if curve.scratch else None
    start = f"With {_count(row)} {curve.name} "
    if most is not None and most.fraction > row.fraction:
        everything = _number(most)
        if _surely_better(row, most):
            return f"{start}does better than the same network from scratch with {everything}."
        if len(curve.scratch) >= MIN_FRACTIONS:
            needed = _needed(curve.scratch, [each.score for each in curve.scratch], row.score)
            if needed is None:
                return f"{start}reaches about what the same network from scratch reaches with {everything}."
            return f"{start}reaches what scratch needs about {_rounded(needed):,} for{_between(curve.scratch, row)}."
    gained = f"gains {row.gain:+.3f} [{row.gain_low:+.3f}, {row.gain_high:+.3f}]"
    return f"{start}{gained} over scratch in {METRICS[row.metric].label}{_lost_again(curve, row)}."


def _all_labels(curve: Curve) -> str:
    """What cannot be said, and why."""
    last = curve.last
    how = f"with {_count(last)}"
    if last.verdict == "unreplicated":
        why = "one seed tells nothing of training; a larger --budget runs more"
        return f"Whether transfer helped {curve.name} is not known yet: {why}."
    if last.verdict == "scratch did not learn":
        return f"Scratch did not learn {how}, so that nothing shows what transfer gave {curve.name}."
    if last.gain is None or last.gain_low is None or last.gain_high is None:
        return ""
    ends = f"{last.gain:+.3f} [{last.gain_low:+.3f}, {last.gain_high:+.3f}]"
    ahead = "is behind scratch" if last.gain_high < 0 else "is not better than scratch for certain"
    return f"{curve.name} {ahead} {how}: {ends} in {METRICS[last.metric].label}."


def _lost_again(curve: Curve, row: ScoredRow) -> str:
    """That with more labels scratch gets ahead, where it does for certain."""
    last = curve.last
    is_behind = last is not row and last.gain_high is not None and last.gain_high < 0
    return f"; with {_number(last)} scratch is ahead" if is_behind else ""


def _count(row: ScoredRow) -> str:
    return f"{_number(row)} training {task_facts(row.task).noun(row.metric)}"


def _number(row: ScoredRow) -> str:
    every = "all " if row.on_all_labels else ""
    return f"{every}{trained_on(row):,}"


def _surely_better(row: ScoredRow, other: ScoredRow) -> bool:
    """Whether the intervals of two rows do not overlap: less than a paired test would need, never more."""
    ends = _ends(row), _ends(other)
    return ends[0] is not None and ends[1] is not None and ends[0][0] > ends[1][1]


def _ends(row: ScoredRow) -> tuple[float, float] | None:
    """The interval of a row's score, of which more is better."""
    if row.ci_low is None or row.ci_high is None:
        return None
    low, high = sorted(METRICS[row.metric].sign * end for end in (row.ci_low, row.ci_high))
    return low, high


def _between(scratch: Sequence[ScoredRow], row: ScoredRow) -> str:
    """Numbers of examples between which scratch reaches a row's score, by the ends of all intervals."""
    own, ends = _ends(row), [end for end in map(_ends, scratch) if end is not None]
    if own is None or len(ends) < len(scratch):
        return ""
    few = _needed(scratch, [high for _, high in ends], own[0]) or 0.0
    many = _needed(scratch, [low for low, _ in ends], own[1])
    most = f"more than {trained_on(scratch[-1]):,}" if many is None else f"{_rounded(many):,}"
    return f" [{_rounded(max(trained_on(row), few)):,}, {most}]"


def _needed(curve: Sequence[ScoredRow], scores: Sequence[float], target: float) -> float | None:
    """Training examples with which a curve reaches a score; None where all are not enough.

    Args:
        curve: Its rows, from few labels to many.
        scores: Of each of them; more is better.
        target: The score.
    """
    log = float(log_needed(np.array([[target, *scores]]), [trained_on(row) for row in curve])[0])
    return None if math.isinf(log) else math.exp(log)


def _rounded(count: float) -> int:
    """A number of examples in two digits."""
    step = int(10 ** max(0, math.floor(math.log10(count)) - 1))
    return round(count / step) * step
