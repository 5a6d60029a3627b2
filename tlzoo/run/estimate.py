"""How long a run is expected to take, from measured rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tlzoo.adapters.weights import card_of
from tlzoo.run.plan import Run
from tlzoo.transfer import pretraining
from tlzoo.transfer.strategies import trains_on_cached_features
from tlzoo.vocabulary import UNTRAINED, task_facts

if TYPE_CHECKING:
    from tlzoo.adapters.chat_api.endpoint import RequestEstimate
    from tlzoo.run.measurement import Measured, Rates

VECTOR_PROBE_SECONDS = 5.0
"""Training of a head on cached vectors."""


@dataclass(frozen=True)
class Estimate:
    """Expected seconds of each part of a run.

    Attributes:
        pretraining: Of a stand-in, where it has to be made first.
        training: Of all learning rates together.
        inference: Predictions in validation and test, or the features of all examples.
    """

    pretraining: float = 0.0
    training: float = 0.0
    inference: float = 0.0

    @property
    def seconds(self) -> float:
        """All parts together; 0 where nothing is known, as of an endpoint that was not measured."""
        return self.pretraining + self.training + self.inference

    @classmethod
    def of(cls, run: Run, measured: Measured, requests: RequestEstimate | None = None) -> Self:
        """Estimate a run.

        Args:
            run: The run.
            measured: What was measured of its model.
            requests: What it is going to send, if its model is behind an API.
        """
        throughput, rates = measured.measurement.throughput, measured.rates
        if throughput is None:
            return cls()
        if requests is not None:
            return cls(inference=requests.requests / throughput)
        assert rates is not None, "a model that runs here is measured with its rates"
        pretraining, sizes = _pretraining(run, rates), rates.sizes
        if run.strategy in UNTRAINED:
            return cls(pretraining, inference=sizes["test"] / throughput)
        features = sum(sizes.values()) / throughput
        if run.strategy == "probe" and "probe" not in rates.training:
            return cls(pretraining, VECTOR_PROBE_SECONDS, features)
        recipe = run.recipe.for_examples(max(1, round(run.fraction * sizes["train"])))
        pace = rates.training.get(run.strategy, rates.training["full"])
        training = recipe.work() * recipe.batch_size / pace
        if trains_on_cached_features(card_of(run.checkpoint), task_facts(run.task), run.strategy):
            return cls(pretraining, training, features)
        validated = recipe.work() / recipe.steps * recipe.looks * run.fraction * sizes["validation"]
        return cls(pretraining, training, (validated + sizes["test"]) / throughput)


class Pace:
    """How long the rest of a plan takes, from the runs that have ended."""

    def __init__(self) -> None:
        """Begin without any."""
        self._taken: dict[tuple[object, ...], list[float]] = defaultdict(list)

    def add(self, run: Run, seconds: float) -> None:
        """Count a run that has ended."""
        for kind in _kinds(run):
            self._taken[kind].append(seconds)

    def alike(self, run: Run) -> float:
        """Seconds that runs of the same model, strategy and share of the labels took in the mean; 0 without any."""
        taken = self._taken.get(_kinds(run)[0], [])
        return sum(taken) / max(1, len(taken))

    def seconds(self, runs: Iterable[Run]) -> float | None:
        """Seconds that runs take: as long as those most like them took; None where nothing like one has ended yet.

        Args:
            runs: Those that are left.
        """
        total = 0.0
        for run in runs:
            taken = next((self._taken[kind] for kind in _kinds(run) if kind in self._taken), None)
            if taken is None:
                return None
            total += sum(taken) / len(taken)
        return total


def _kinds(run: Run) -> list[tuple[object, ...]]:
    """What a run has in common with others that take as long, from near to far."""
    if run.is_baseline:
        return [("baseline", run.strategy), ("baseline",)]
    model = (run.checkpoint.card, run.checkpoint.variant)
    how = (run.strategy, run.fraction)
    return [(*model, *how), how, (*model, run.strategy), (run.strategy,), ("model",)]


def _pretraining(run: Run, rates: Rates) -> float:
    """Seconds until a stand-in is there, guessed from what full training on the task's own data takes."""
    pace = rates.training.get("full")
    if run.tier != "stand-in" or not run.is_to_be_pretrained or not pace:
        return 0.0
    recipe = pretraining.training(card_of(run.checkpoint), run.checkpoint.variant)
    return recipe.work() * recipe.batch_size / pace
