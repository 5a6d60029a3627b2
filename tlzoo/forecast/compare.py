"""Which model for data that nobody has evaluated: what a classifier on frozen vectors of each reaches, in a minute.

The score is the accuracy of a regularised linear classifier, cross-fitted: each example is judged by one that was not
fitted on it, and no group is on both sides. Training more than a head may give more, which is tried with the time that
is left, of the models that may be the best.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.check import ALL
from tlzoo.check.views import Data, frozen_vectors, params_of, probes
from tlzoo.data.catalogue import find, load
from tlzoo.errors import InputError, UnavailableError
from tlzoo.forecast.classifier import Array, Classes, judged_by_neighbours, reduced
from tlzoo.forecast.curve import FACTORS, Curve, measured
from tlzoo.forecast.halving import Halving, halve
from tlzoo.forecast.portfolio import complements, difference
from tlzoo.forecast.record import record
from tlzoo.forecast.resampling import LEVEL, chances, resampled
from tlzoo.forecast.scores import h_score, log_evidence
from tlzoo.run.plan import Run

EDGE = 0.02
"""Accuracies nearer to 0 and 1 are taken for as uncertain as this."""
MIN_BEST = 0.05
"""Probability of being the best from which on a model is worth training."""


@dataclass(frozen=True)
class Look:
    """What the vectors of a model say of some labelled examples.

    Attributes:
        few: The vectors, reduced, shape ``(examples, components)``.
        right: In which share of the repeats a linear classifier of others judges each example right, shape
            ``(examples,)``.
        neighbours: Accuracy of the nearest neighbours by cosine, 0 to 1.
        log_evidence: LogME, in nats an example.
        h_score: H-score.
        curve: Accuracy of the linear classifier with fewer labels.
    """

    few: Array
    right: Array
    neighbours: float
    log_evidence: float
    h_score: float
    curve: Curve

    @classmethod
    def at(cls, vectors: Array, labels: Classes, groups: Sequence[str]) -> Look:
        """Look at vectors ``(examples, dimensions)``; labels count from 0."""
        return cls.of(reduced(vectors), vectors - vectors.mean(axis=0), labels, groups)

    @classmethod
    def of(cls, few: Array, whole: Array, labels: Classes, groups: Sequence[str]) -> Look:
        """Look at vectors that were reduced, and at the same as they were, from their mean."""
        curve = measured(few, labels, groups, extra=record().curves.variance)
        return cls(
            few,
            1 - curve.errors[:, -1],
            float(judged_by_neighbours(whole, labels, groups).mean()),
            log_evidence(few, labels),
            h_score(few, labels),
            curve,
        )


@dataclass(frozen=True)
class Expected:
    """Forecasts of several models, in the order in which they were given; each shape ``(models,)``.

    Attributes:
        accuracy: Share of the examples that are judged right.
        low: Lower end of the 90% interval.
        high: Upper end.
        best: Probability of being the best.
    """

    accuracy: Array
    low: Array
    high: Array
    best: Array


def spread(accuracy: Array) -> Array:
    """Variance of one judgement, ``p * (1 - p)``, from 0 and 1 a little away; shape as that of ``accuracy``."""
    share = accuracy.clip(EDGE, 1 - EDGE)
    variance: Array = share * (1 - share)
    return variance


def expected(
    right: Sequence[NDArray[np.bool_] | Array], groups: Sequence[str], variance: float = 0.0, own_variance: float = 0.0
) -> Expected:
    """What is expected of models, over groups drawn again, and over what forecasts lacked on other data.

    Args:
        right: Whether each example was judged right, or in which share of repeats, by model.
        groups: Group of each example.
        variance: Between forecast and truth, beyond sampling, in units of :func:`spread`.
        own_variance: The part of it that models do not share.
    """
    scores = np.stack(right, axis=1).astype(np.float64)
    accuracy = scores.mean(axis=0)
    drawn = resampled(scores, groups)
    rng = np.random.default_rng(1)
    common = rng.normal(size=(len(drawn), 1)) * np.sqrt(max(0.0, variance - own_variance))
    more = common + rng.normal(size=drawn.shape) * np.sqrt(own_variance)
    wider = drawn + more * np.sqrt(spread(accuracy))
    low, high = np.quantile(wider, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Expected(
        accuracy, np.minimum(low.clip(0, 1), accuracy), np.maximum(high.clip(0, 1), accuracy), chances(wider)
    )


@dataclass(frozen=True)
class Forecast:
    """What is expected of a model.

    Attributes:
        model: Its name.
        card: Id of its card.
        variant: The variant.
        weights: Tier of the weights.
        params: Number of parameters.
        accuracy: Expected of the better of two ways of training, 0 to 1: a linear classifier on its frozen vectors, or
            the whole network.
        tuned: What is expected of training the whole network; absent where that was not tried.
        folds: How many folds of the examples that is judged on; the others are expected to differ as much.
        low: Lower end of the 90% interval, over groups of examples and over what forecasts lacked on other data.
        high: Upper end.
        best: Probability that it is the best of all, over the same resamples.
        neighbours: Accuracy of the nearest neighbours, 0 to 1.
        log_evidence: LogME, in nats an example; more is better.
        h_score: H-score; more is better.
        seconds: Time that its vectors and the classifiers took.
        curve: Its learning curve.
    """

    model: str
    card: str
    variant: str
    weights: str
    params: int
    accuracy: float
    tuned: float | None
    folds: int
    low: float
    high: float
    best: float
    neighbours: float
    log_evidence: float
    h_score: float
    seconds: float
    curve: Curve

    def to_json(self) -> dict[str, Any]:
        """All but the curve, of which there are its points and what it predicts for twice and four times the labels.

        ``more_labels`` holds of each number of labels the gain, and the accuracy where that is sure enough, each with
        its 90% interval; where there is none, the reason.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "curve"}
        points = zip(self.curve.labels.tolist(), (1 - self.curve.errors.mean(axis=0)).tolist(), strict=True)
        more = []
        for factor in FACTORS:
            count = factor * len(self.curve.errors)
            gain, there = self.curve.gain(count), self.curve.at(count)
            more.append({"labels": count, "gain": asdict(gain), "accuracy": asdict(there)})
        return {
            **values,
            "curve": [{"labels": round(labels), "accuracy": accuracy} for labels, accuracy in points],
            "more_labels": more,
        }


@dataclass(frozen=True)
class Forecasts:
    """All forecasts, the best first; what was read; and lines for what was left out.

    Attributes:
        read: The data, in a line.
        models: The forecasts.
        skipped: A line for each model that was not looked at.
        untrained: A line for each model that was worth training, and was not trained, or not to the end.
    """

    read: str
    models: tuple[Forecast, ...]
    skipped: tuple[str, ...]
    untrained: tuple[str, ...]


def side_by_side(
    looks: Mapping[Run, Look], data: Data, accepts: Callable[[Run], bool]
) -> tuple[Run, Look, float] | None:
    """Models side by side as one, where that is better than the best single one for certain.

    Args:
        looks: What the vectors of each model say.
        data: The examples.
        accepts: Whether a model is within the limits.

    Returns:
        A probe of them, a look at their vectors, and the seconds that it took; absent where there are none.
    """
    began, labels, runs = time.monotonic(), np.asarray(data.labels), list(looks)
    few = [look.few for look in looks.values()]
    chosen = complements(few, [look.right for look in looks.values()], labels, data.groups)[0]
    if len(chosen) == 1:
        return None
    (run,) = probes(data, [f"concat:{'+'.join(runs[i].checkpoint.name for i in chosen)}"])
    if not accepts(run):
        return None
    together = np.hstack([few[i] for i in chosen])
    return run, Look.of(together, together, labels, data.groups), time.monotonic() - began


def forecast(
    task: str,
    path: Path,
    given: Mapping[str, str] = MappingProxyType({}),
    minutes: float = 1.0,
    device: str = "cpu",
    tune: bool = True,
    accepts: Callable[[Run], bool] = lambda run: True,
    say: Callable[[str], None] = lambda line: None,
) -> Forecasts:
    """Look at data with every model that fits, the smallest first, as long as there is time; then train the best.

    Args:
        task: A task with one class an example.
        path: A person's data.
        given: Columns of own data, as of :func:`tlzoo.data.catalogue.find`.
        minutes: Time for all.
        device: Where to compute.
        tune: Whether to fine-tune the models that may be the best, with the time that is left.
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
    looks: dict[Run, Look] = {}
    seconds: dict[Run, float] = {}
    skipped = []
    for run in filter(accepts, probes(data)):
        began = time.monotonic()
        try:
            vectors = frozen_vectors(run, data, device, end - began)
        except UnavailableError as error:
            skipped.append(f"{run.checkpoint.name}: {error}")
            continue
        looks[run] = Look.at(vectors, labels, data.groups)
        seconds[run] = time.monotonic() - began
        say(f"{run.checkpoint.name}: {looks[run].right.mean():.3f}")
    if not looks:
        raise InputError("; ".join(["no model within the limits could be looked at", *skipped[:3]]))

    def judged(right: Mapping[Run, Array]) -> Expected:
        return expected(list(right.values()), data.groups, record().variance, record().own_variance)

    right = {run: look.right for run, look in looks.items()}
    first = dict(zip(looks, judged(right).best, strict=True))
    worth = sorted((run for run in looks if first[run] >= MIN_BEST), key=lambda run: -first[run])
    joined = side_by_side(looks, data, accepts) if end > time.monotonic() else None
    done = halve({run: right[run] for run in worth}, data, prepared, end, say) if tune else Halving()
    tuned = {run: each.corrected(right[run]) for run, each in done.tuned.items()}
    right |= {run: each for run, each in tuned.items() if each.mean() > right[run].mean()}
    if joined is not None:
        run, look, taken = joined
        best = max(right.values(), key=lambda each: float(each.mean()))
        if difference(look.right, best, data.groups)[1] > 0:
            looks[run], right[run], seconds[run] = look, look.right, taken
            say(f"{run.checkpoint.name}: {look.right.mean():.3f}")
    all_ = judged(right)
    models = [
        Forecast(
            run.checkpoint.name,
            run.checkpoint.card,
            run.checkpoint.variant,
            run.tier,
            params_of(run),
            float(all_.accuracy[i]),
            float(tuned[run].mean()) if run in tuned else None,
            done.tuned[run].folds if run in tuned else 0,
            float(all_.low[i]),
            float(all_.high[i]),
            float(all_.best[i]),
            look.neighbours,
            look.log_evidence,
            look.h_score,
            seconds[run],
            look.curve,
        )
        for i, (run, look) in enumerate(looks.items())
    ]
    models.sort(key=lambda each: -each.accuracy)
    return Forecasts(str(prepared.counts()), tuple(models), tuple(skipped), tuple(done.notes))
