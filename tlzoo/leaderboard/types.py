"""Types that metrics, statistics and their reducers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Statistics = Sequence[Sequence[float]] | Sequence[Array] | Array
"""One short list of numbers for each test example; what they are depends on the metric."""


class LeaveOut:
    """Weights of all examples, and then of all but one group after another, shape ``(1 + groups, examples)``.

    A product with it costs as much as the sums over groups, and not as a matrix of that shape; ``numpy.asarray`` makes
    the matrix.
    """

    def __init__(self, group: NDArray[np.intp]) -> None:
        """Take the group of each example, counted from 0."""
        self._group, self._count = group, int(group.max()) + 1

    def __len__(self) -> int:
        """Number of rows."""
        return 1 + self._count

    def __matmul__(self, values: Array) -> Array:
        """Weighted sums; ``(examples,)`` or ``(examples, numbers)`` to ``(1 + groups, ...)``."""
        numbers = values.reshape(len(values), -1)
        sums = np.stack([np.bincount(self._group, column, self._count) for column in numbers.T], axis=1)
        total = numbers.sum(axis=0)
        without: Array = np.concatenate([total[None], total - sums]).reshape(-1, *values.shape[1:])
        return without

    def sum(self, axis: int) -> Array:
        """Sum of each row's weights."""
        assert axis == 1, "rows are what is summed"
        return self @ np.ones(len(self._group))

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Array:
        """The matrix."""
        rows = self._group != np.arange(-1, self._count)[:, None]
        matrix: Array = rows.astype(np.float64)
        return matrix


Weights = Array | LeaveOut
Reducer = Callable[[Statistics, Weights], Array]
"""Turns statistics and weights, ``(resamples, examples)``, into the metric of each resample, ``(resamples,)``."""
