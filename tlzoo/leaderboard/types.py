"""Types that metrics, statistics and their reducers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Statistics = Sequence[Sequence[float]] | Sequence[Array] | Array
"""One short list of numbers for each test example; what they are depends on the metric."""
Reducer = Callable[[Statistics, Array], Array]
"""Turns statistics and weights, ``(resamples, examples)``, into the metric of each resample, ``(resamples,)``."""
