"""Results on a person's own data: named, and published only on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from tlzoo.data.named import DATASETS
from tlzoo.vocabulary import TASKS

OPTION = "--include-own-data"


@dataclass(frozen=True, order=True)
class Data:
    """Results on a data set.

    Attributes:
        name: What boards call it.
        results: How many.
        is_own: Whether it is a person's own.
    """

    name: str
    results: int
    is_own: bool

    def __str__(self) -> str:
        own = " (your own data)" if self.is_own else ""
        return f"{self.name}{own}, {self.results} result{'s' * (self.results != 1)}"


@dataclass(frozen=True)
class Selection:
    """Results that are published, and those that are not.

    Attributes:
        results: Raw rows (``tlzoo.leaderboard.schema.RESULT``).
        board: Ranked rows (``tlzoo.leaderboard.schema.BOARD``) of the same runs.
        own: Ids of all runs on a person's own data.
        left_out: Data sets whose results are not published.
    """

    results: pa.Table
    board: pa.Table
    own: frozenset[str]
    left_out: tuple[Data, ...]


def select(results: pa.Table, board: pa.Table, include_own: bool) -> Selection:
    """Leave out results on a person's own data.

    Args:
        results: Raw rows.
        board: Ranked rows of any of them.
        include_own: Whether to keep them.
    """
    columns = [results[name].to_pylist() for name in ("run_id", "dataset", "dataset_source")]
    is_theirs = [is_own(name or "", source) for _, name, source in zip(*columns, strict=True)]
    own = frozenset(run for run, theirs in zip(columns[0], is_theirs, strict=True) if theirs)
    if include_own or not own:
        return Selection(results, board, own, ())
    left_out = results.filter(pa.array(is_theirs, pa.bool_()))
    is_public = [own.isdisjoint(runs or ()) for runs in board["run_ids"].to_pylist()]
    return Selection(
        results.filter(pa.array([not theirs for theirs in is_theirs], pa.bool_())),
        board.filter(pa.array(is_public, pa.bool_())),
        own,
        data(((name, [run]) for name, run in _columns(left_out, "dataset", "run_id")), own),
    )


def is_own(dataset: str, source: str | None = None) -> bool:
    """Whether results are on a person's own data.

    Args:
        dataset: What boards call the data.
        source: The row's ``dataset_source``; without it, data are a person's own unless their name is one of tlzoo or
            of the Hub.
    """
    if source is not None:
        return source == "folder"
    name, _, kind = dataset.rpartition("-")
    kinds = {kind for task in TASKS.values() for kind in task.inputs}
    return not (dataset.startswith("hub:") or dataset in DATASETS or (name in DATASETS and kind in kinds))


def data(rows: Iterable[tuple[str, Iterable[str]]], own: frozenset[str]) -> tuple[Data, ...]:
    """The data sets of rows, each given by its data set and its runs."""
    counted = Counter((name, not own.isdisjoint(runs)) for name, runs in rows)
    return tuple(sorted(Data(name, number, theirs) for (name, theirs), number in counted.items()))


def _columns(table: pa.Table, *names: str) -> Iterable[tuple[str, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
