"""Which model for data that nobody has evaluated: what a classifier on frozen vectors of each reaches, in a minute.

The score is the accuracy of a regularised linear classifier, cross-fitted: each example is judged by one that was not
fitted on it, and no group is on both sides. Training more than a head may give more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tlzoo.check import ALL
from tlzoo.check.views import Data, frozen_vectors, params_of, probes
from tlzoo.data.catalogue import find, load
from tlzoo.data.suspects.mislabelled import out_of_fold, reduced
from tlzoo.errors import InputError, UnavailableError
from tlzoo.run.plan import Run

RESAMPLES = 2_000
LEVEL = 0.9
"""Of the intervals."""


@dataclass(frozen=True)
class Forecast:
    """What is expected of a model.

    Attributes:
        model: Its name.
        card: Id of its card.
        variant: The variant.
        weights: Tier of the weights.
        params: Number of parameters.
        accuracy: Of the classifier on its frozen vectors, 0 to 1.
        low: Lower end of the 90% interval, over groups of examples.
        high: Upper end.
        best: Probability that it is the best of all, over the same resamples.
        seconds: Time that its vectors and the classifier took.
    """

    model: str
    card: str
    variant: str
    weights: str
    params: int
    accuracy: float
    low: float
    high: float
    best: float
    seconds: float


@dataclass(frozen=True)
class Forecasts:
    """All forecasts, the best first; what was read; and a line for each model that was not looked at."""

    read: str
    models: tuple[Forecast, ...]
    skipped: tuple[str, ...]


def forecast(
    task: str,
    path: Path,
    given: Mapping[str, str] = MappingProxyType({}),
    minutes: float = 1.0,
    device: str = "cpu",
    accepts: Callable[[Run], bool] = lambda run: True,
    say: Callable[[str], None] = lambda line: None,
) -> Forecasts:
    """Look at data with every model that fits, the smallest first, as long as there is time.

    Args:
        task: A task with one class an example.
        path: A person's data.
        given: Columns of own data, as of :func:`tlzoo.data.catalogue.find`.
        minutes: Time for all.
        device: Where vectors are computed.
        accepts: Whether a model is within the limits.
        say: Takes a line for each model.

    Raises:
        InputError: The data cannot be used, have no classes, or no model fits.
    """
    end = time.monotonic() + 60 * minutes
    source = find(task, str(path), ALL, given=given)
    prepared = load(source)
    if not prepared.counts().classes:
        raise InputError(
            f"--task {task}: only classes are forecast; evaluate with: tlzoo eval --task {task} --data {path}"
        )
    data = Data.of(source, prepared)
    labels = np.asarray(data.labels)
    right: dict[Run, NDArray[np.bool_]] = {}
    seconds: dict[Run, float] = {}
    skipped = []
    for run in filter(accepts, probes(data)):
        began = time.monotonic()
        try:
            vectors = frozen_vectors(run, data, device, end - began)
        except UnavailableError as error:
            skipped.append(f"{run.checkpoint.name}: {error}")
            continue
        right[run] = out_of_fold(reduced(vectors), labels, data.groups).argmax(axis=1) == labels
        seconds[run] = time.monotonic() - began
        say(f"{run.checkpoint.name}: {right[run].mean():.3f}")
    if not right:
        raise InputError("; ".join(["no model within the limits could be looked at", *skipped[:3]]))
    low, high, best = _resampled(list(right.values()), data.groups)
    models = [
        Forecast(
            run.checkpoint.name,
            run.checkpoint.card,
            run.checkpoint.variant,
            run.tier,
            params_of(run),
            float(right[run].mean()),
            float(low[i]),
            float(high[i]),
            float(best[i]),
            seconds[run],
        )
        for i, run in enumerate(right)
    ]
    return Forecasts(str(prepared.counts()), tuple(sorted(models, key=lambda each: -each.accuracy)), tuple(skipped))


def _resampled(
    right: Sequence[NDArray[np.bool_]], groups: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the interval of each model, and how often it is the best, over groups drawn with replacement.

    Args:
        right: Whether each example was judged right, by model.
        groups: Group of each example.
    """
    place = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    owner = np.array([place[name] for name in groups])
    size = np.bincount(owner)
    hits = np.stack([np.bincount(owner, weights=each, minlength=len(size)) for each in right])
    drawn = np.random.default_rng(0).multinomial(len(size), np.full(len(size), 1 / len(size)), RESAMPLES)
    scores = (drawn @ hits.T) / (drawn @ size)[:, None]
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    is_best = scores == scores.max(axis=1, keepdims=True)
    return low, high, (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
