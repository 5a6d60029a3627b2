"""Baselines of values along DNA: the mean of each track; ridge regression on counts of short words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.core.predictions import DnaTracks
from tlzoo.data.media.dna import BASES, codes, window

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_LENGTHS = (3, 4, 5)
_PENALTIES = (10.0, 1000.0)
_SIDES = 2  # bins to the left and to the right that are looked at, all of one side together


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The mean of each track over all bins of the training rows."""
    mean = np.concatenate([np.asarray(row["tracks"], np.float64) for row in train]).mean(0)

    def predict(rows: Rows) -> list[DnaTracks]:
        return [_tracks(task, row, np.tile(mean, (_bins(row, train), 1)), _size(row, train)) for row in rows]

    return Fitted("the mean of each track", predict)


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Ridge regression of a bin's values on counts of the words of a few bases in it and beside it.

    A word counts together with its reverse complement.
    """
    return best(task, _variants(task, train), validation)


def _variants(task: Task, train: Rows) -> Iterator[Fitted]:
    values = np.concatenate([np.asarray(row["tracks"], np.float64) for row in train])
    mean = values.mean(0)
    for length in _LENGTHS:
        counts = _counts(train, train, length)
        centre = np.asarray(counts.mean(0))
        inner = np.asarray((counts.T @ counts).todense()) - counts.shape[0] * centre.T @ centre
        outer = np.asarray(counts.T @ (values - mean))
        for penalty in _PENALTIES:
            weights = np.linalg.solve(inner + penalty * np.eye(len(inner)), outer)
            offset = mean - (centre @ weights)[0]
            name = f"ridge regression on words of {length} bases ({penalty:g})"
            yield Fitted(name, partial(_predicted, task, train, length, weights, offset))


def _predicted(task: Task, train: Rows, length: int, weights: Array, offset: Array, rows: Rows) -> list[DnaTracks]:
    predictions = []
    for row in rows:
        values = np.maximum(np.asarray(_counts([row], train, length) @ weights) + offset, 0)
        predictions.append(_tracks(task, row, values, _size(row, train)))
    return predictions


def _tracks(task: Task, row: Row, values: Array, size: int) -> DnaTracks:
    start = (len(row["dna"]) - len(values) * size) // 2
    return DnaTracks(values.astype(np.float32), list(task.labels), size, start)


def _bins(row: Row, train: Rows) -> int:
    """Number of bins of a row; of one without tracks, that of the training rows."""
    return len(row["tracks"] if "tracks" in row else train[0]["tracks"])


def _size(row: Row, train: Rows) -> int:
    """Bases of a bin; where the data do not say, the bins share the whole sequence."""
    return int(row.get("bin_size") or train[0].get("bin_size") or max(1, len(row["dna"]) // _bins(row, train)))


def _counts(rows: Rows, train: Rows, length: int) -> csr_matrix:
    """Counts of words in each bin, on its left and on its right, ``(bins of all rows, 3 * words)``."""
    from scipy.sparse import csr_matrix, hstack, vstack

    places = _classes(length)
    words = int(places.max()) + 1
    counted = []
    for row in rows:
        bins, size = _bins(row, train), _size(row, train)
        start = len(row["dna"]) // 2 - bins * size // 2 - _SIDES * size
        wide = bins + 2 * _SIDES
        bases = window(codes(row["dna"]), start, wide * size + length - 1).astype(np.int64)
        spans = np.lib.stride_tricks.sliding_window_view(bases, length)[: wide * size]
        known = (spans < len(BASES)).all(1)
        numbers = places[spans[known] @ (len(BASES) ** np.arange(length))]
        bin_of = (np.arange(wide * size) // size)[known]
        each = csr_matrix((np.ones(len(numbers)), (bin_of, numbers)), (wide, words))
        left = sum(each[i : i + bins] for i in range(_SIDES))
        right = sum(each[_SIDES + 1 + i : _SIDES + 1 + i + bins] for i in range(_SIDES))
        counted.append(hstack([each[_SIDES : _SIDES + bins], left, right]))
    return vstack(counted, format="csr")


def _classes(length: int) -> NDArray[np.int64]:
    """A number for each word, the same for its reverse complement, ``(4 ** length,)``."""
    powers = len(BASES) ** np.arange(length)
    digits = np.arange(len(BASES) ** length)[:, None] // powers % len(BASES)
    reverse = (len(BASES) - 1 - digits[:, ::-1]) @ powers
    return np.unique(np.minimum(digits @ powers, reverse), return_inverse=True)[1].astype(np.int64)
