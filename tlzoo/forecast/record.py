"""How well forecasts did so far, as ``benchmarks/forecasts.py`` measured it on data sets left out one at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

RECORD = "record.json"


@dataclass(frozen=True)
class Order:
    """An order of models on the data sets of the record.

    Attributes:
        name: What orders them.
        in_three: Number of trials, a half of a data set each, in which the truly best model is among the first three.
        first: Number of trials in which the first is the truly best.
        regret: Accuracy that the first lacks to the best, median over data sets.
        mean_regret: The same, mean.
    """

    name: str
    in_three: int
    first: int
    regret: float
    mean_regret: float


@dataclass(frozen=True)
class Curves:
    """How well "how many more labels" did: 70% of the labels were hidden, and the accuracy with all was predicted.

    Attributes:
        data_sets: Number of data sets.
        asked: Number of predictions that were asked for.
        made: Number of those that were made; of the others the curve did not say enough.
        error: Median absolute error of the accuracy.
        coverage: Share of the 90% intervals that hold the accuracy with all labels.
        gains: Number of predictions of what the hidden labels add.
        gain_error: Median absolute error of these.
        gain_coverage: Share of their 90% intervals that hold it.
        variance: What an interval for twice the labels is wider by, as a variance.
    """

    data_sets: int
    asked: int
    made: int
    error: float
    coverage: float
    gains: int
    gain_error: float
    gain_coverage: float
    variance: float


@dataclass(frozen=True)
class Record:
    """What the benchmark measured.

    Attributes:
        data_sets: Their names.
        trials: Number of trials, two a data set: each half of it in turn, seen by a forecast.
        models: Number of models of all data sets together.
        forecast: The order by forecasts.
        others: Other orders, each as good as it was on the same data sets.
        coverage: Share of the 90% intervals that hold the accuracy on examples that no forecast saw, of which the
            sampling error was added; each data set had the variances of the others.
        variance: Between forecast and truth of a model, beyond sampling, as a share of ``p * (1 - p)``, where ``p`` is
            the accuracy.
        own_variance: The part of it that models of one data set do not share, which decides between them.
        curves: How well learning curves did.
    """

    data_sets: tuple[str, ...]
    trials: int
    models: int
    forecast: Order
    others: tuple[Order, ...]
    coverage: float
    variance: float
    own_variance: float
    curves: Curves

    def sentence(self) -> str:
        """How well forecasts and other orders did, in a line; where another one did as well, it says so."""
        parts = [
            f"so far: the best model in the first three in {self.forecast.in_three} of {self.trials} trials on "
            f"{len(self.data_sets)} data sets, regret of the first {_regrets(self.forecast)}, {self.coverage:.0%} of "
            "the 90% intervals right",
            *(f"ordering by {each.name}: {each.in_three} of {self.trials}, {_regrets(each)}" for each in self.others),
        ]
        for words, regret in (("median", "regret"), ("mean", "mean_regret")):
            better = [each.name for each in self.others if getattr(each, regret) <= getattr(self.forecast, regret)]
            if better:
                parts.append(f"in the {words}, the forecast does not beat ordering by {' nor by '.join(better)}")
        return "; ".join(parts)


def _regrets(order: Order) -> str:
    """Median and mean regret."""
    return f"{_points(order.regret)} in the median and {_points(order.mean_regret)} in the mean"


def _points(share: float) -> str:
    """Accuracy with three digits and no leading zero."""
    return f"{share:.3f}".removeprefix("0")


@cache
def record() -> Record:
    """The record that ships."""
    return parsed((resources.files("tlzoo.forecast") / RECORD).read_text(encoding="utf-8"))


def parsed(text: str) -> Record:
    """A record from its JSON."""
    values = json.loads(text)
    return Record(
        tuple(values["data_sets"]),
        values["trials"],
        values["models"],
        Order(**values["forecast"]),
        tuple(Order(**each) for each in values["others"]),
        values["coverage"],
        values["variance"],
        values["own_variance"],
        Curves(**values["curves"]),
    )
