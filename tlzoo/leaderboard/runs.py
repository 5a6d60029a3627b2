"""Results in columns: short ones as rows, long ones as arrays that are shared where they are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.leaderboard.row import ResultRow
from tlzoo.leaderboard.types import Statistics

LONG = ("example_ids", "groups", "statistics")
"""Columns with a value for each test example."""


@dataclass(frozen=True)
class Scores:
    """What a run gave for each test example.

    Attributes:
        ids: Id of each example.
        groups: Group of each example.
        statistics: Statistic of each example; an array, shape ``(examples, numbers)``, where all have as many numbers.
        folds: Fold of each example, where several runs are joined.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    statistics: Statistics
    folds: tuple[int, ...] | None = None

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        if isinstance(self.statistics, np.ndarray):
            return bool(np.isfinite(self.statistics).all())
        return all(np.isfinite(each).all() for each in self.statistics)


def short(results: pa.Table) -> list[ResultRow]:
    """The rows of a table without their long columns."""
    rows: list[ResultRow] = results.drop_columns([name for name in LONG if name in results.column_names]).to_pylist()
    return rows


def scores(results: pa.Table) -> list[Scores]:
    """The long columns of each row; equal lists of names become one object, which is compared at no cost.

    Raises:
        ValueError: The columns of a row do not fit together.
    """
    tuples: dict[bytes, tuple[str, ...]] = {}
    ids, groups = (_names(results[name], tuples) for name in ("example_ids", "groups"))
    statistics = _statistics(results["statistics"])
    for one, two, three in zip(ids, groups, statistics, strict=True):
        if not one or not len(one) == len(two) == len(three):
            raise ValueError(f"{len(three)} statistics and {len(two)} groups of {len(one)} examples")
    return [Scores(*each) for each in zip(ids, groups, statistics, strict=True)]


def _names(column: pa.ChunkedArray, tuples: dict[bytes, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Lists of names as tuples, one object for all that are equal."""
    whole = column.combine_chunks()
    coded = whole.flatten().dictionary_encode()
    names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
    made = []
    local: dict[bytes, tuple[str, ...]] = {}
    start = 0
    for count in pc.fill_null(pc.list_value_length(whole), 0).to_pylist():
        part = codes[start : start + count]
        start += count
        key = part.tobytes()
        if key not in local:
            listed = tuple(names[int(code)] for code in part)
            local[key] = tuples.setdefault("\0".join(listed).encode(), listed)
        made.append(local[key])
    return made


def _statistics(column: pa.ChunkedArray) -> list[Statistics]:
    """Lists of numbers, as one array a run where each example has as many."""
    whole = column.combine_chunks()
    inner = whole.flatten()
    numbers = inner.flatten().to_numpy(zero_copy_only=False)
    if whole.null_count or inner.null_count or inner.flatten().null_count:
        raise ValueError("a statistic is null")
    widths = pc.list_value_length(inner).to_numpy(zero_copy_only=False)
    counts = pc.list_value_length(whole).to_numpy(zero_copy_only=False)
    made: list[Statistics] = []
    example = number = 0
    for count in counts.tolist():
        width = widths[example : example + count]
        total = int(width.sum())
        mine = numbers[number : number + total]
        if count and (width == width[0]).all():
            made.append(mine.reshape(count, -1))
        else:
            made.append(np.split(mine, np.cumsum(width)[:-1]))
        example, number = example + count, number + total
    return made


def joined(folds: Sequence[Scores]) -> Scores:
    """The folds of a cross-validation as one run over all examples, in the order of their ids."""
    ids = [name for fold in folds for name in fold.ids]
    groups = [name for fold in folds for name in fold.groups]
    statistics = [np.asarray(each, dtype=np.float64) for fold in folds for each in fold.statistics]
    number = [place for place, fold in enumerate(folds) for _ in fold.ids]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return Scores(
        tuple(ids[i] for i in order),
        tuple(groups[i] for i in order),
        [statistics[i] for i in order],
        tuple(number[i] for i in order),
    )
