"""Speed and size of the model of a run, measured once in a process of its own, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tlzoo.data.catalogue import sample
from tlzoo.files import cached, damage
from tlzoo.keys import key
from tlzoo.measure.measurement import Measurement
from tlzoo.run import record
from tlzoo.run.plan import Run
from tlzoo.vocabulary import TRAINED, UNTRAINED, Strategy, Tier, task_facts

if TYPE_CHECKING:
    from tlzoo.core.model import Learner, Model, TrainableModel

ROWS = 8
"""Examples to measure with, repeated in larger batches."""
MAX_STEP_SECONDS = 30.0
"""Longest training step to try; the rate of longer ones is guessed from the throughput."""
MEASUREMENT_VERSION = 9
"""Raised when a field of a measurement changes its meaning, so that models are measured again."""


@dataclass(frozen=True)
class Rates:
    """What a run is planned with.

    Attributes:
        sizes: Number of rows of each split.
        training: Training examples a second, by strategy; none for a probe on cached vectors, which takes seconds.
    """

    sizes: Mapping[str, int]
    training: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """All that is measured of a model: columns of its rows, and what its runs are planned with."""

    measurement: Measurement = field(default_factory=Measurement)
    rates: Rates | None = None

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` gave."""
        content = json.loads(text)
        rates = content["rates"]
        return cls(Measurement(**content["measurement"]), None if rates is None else Rates(**rates))


class MeasurementCache:
    """A folder of measurements, one file each for a variant, its weights, task, data set and machine."""

    def __init__(self, folder: Path) -> None:
        """Open a folder; it need not exist yet."""
        self.folder = folder

    def __contains__(self, run: Run) -> bool:
        """Whether the model of a run was measured here."""
        return self.find(run, [record.environment()]) is not None

    def find(self, run: Run, environments: Iterable[record.Environment]) -> Measured | None:
        """What is kept of the model of a run, in the first of some environments that it was measured in."""
        for path in (self.path(run, where) for where in environments):
            if path.is_file() and damage(path) is None:
                return Measured.from_json(path.read_text(encoding="utf-8"))
        return None

    def get(self, run: Run, measure: Callable[[], Measured], where: record.Environment | None = None) -> Measured:
        """What is kept of the model of a run, or was measured now.

        Args:
            run: The run.
            measure: Measures it.
            where: Versions and hardware of the process that measures it; by default of this one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        what = f"the speed of {run.checkpoint.name}"
        path = cached(self.path(run, where), lambda new: new.write_text(measure().to_json(), encoding="utf-8"), what)
        return Measured.from_json(path.read_text(encoding="utf-8"))

    def path(self, run: Run, where: record.Environment | None = None) -> Path:
        """Where a measurement is kept; whoever serves an API model decides its speed.

        One vector an example takes as long with any weights, so that scratch is not measured again.
        """
        tier = measured_tier(run)
        model = (run.checkpoint.card, run.checkpoint.variant, run.card_hash)
        weights: tuple[str, ...] = (tier, "" if tier == "none" else run.checkpoint.sha256)
        if run.strategy in TRAINED and task_facts(run.task).annotation == "class":
            weights = ()
        data = (run.task, run.source.fingerprint)
        how = run.strategy if run.is_api_model else run.strategy in UNTRAINED
        parts = (*model, *weights, *data, run.device, how, where or record.environment(), MEASUREMENT_VERSION)
        return self.folder / f"{key(*parts)[:32]}.json"


def measured_tier(run: Run) -> Tier:
    """The tier of the weights that a run's model is measured with now.

    They are those of its row, on which the speed of cascades and of suppressing overlapping boxes depends; but a
    stand-in that is not there yet is measured with random ones, for the plan alone.
    """
    return "none" if run.strategy == "scratch" or run.is_to_be_pretrained else run.checkpoint.tier


def measure_run(run: Run) -> Measured:
    """Measure a run's model with the weights of its row, but for the heads that training adds, on examples of its data.

    A stand-in is never pretrained here (see :func:`measured_tier`).
    """
    from tlzoo.transfer.repeatable import repeatable

    with repeatable():
        return _measure_run(run)


def _measure_run(run: Run) -> Measured:
    import torch

    from tlzoo.adapters.weights import card_of
    from tlzoo.core.model import HeadedModel, trainable
    from tlzoo.core.task import HeadTask
    from tlzoo.measure.measure import BATCH_SIZES, measure, training_rate
    from tlzoo.run.execute import as_published, training_threads
    from tlzoo.tasks import task_type
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.features import Features
    from tlzoo.transfer.repeatable import repeatable
    from tlzoo.transfer.strategies import apply, trains_on_cached_features

    card = card_of(run.checkpoint)
    few = sample(run.source, max(BATCH_SIZES))
    task = task_type(run.task, run.source.kind)(few.rows.features)
    is_siamese = isinstance(task, HeadTask) and task.siamese  # equal texts of a batch are computed once
    rows = list(few.rows if is_siamese else few.rows.select(range(min(ROWS, len(few.rows)))))
    weighted = replace(run, checkpoint=replace(run.checkpoint, tier=measured_tier(run)))
    is_trained = run.strategy not in UNTRAINED

    def build() -> TrainableModel:
        torch.manual_seed(0)  # where weights are random, what a cascade passes on depends on them
        return trainable(assemble(weighted.checkpoint, task)).for_task(task)

    def published() -> Model:
        return as_published(weighted, task)

    has_head = task.facts.untrained or not run.is_to_be_pretrained  # a stand-in's own comes with its pretraining
    inputs = [{name: value for name, value in row.items() if name != task.facts.target} for row in rows]
    measurement = measure(build if is_trained or not has_head else published, inputs, run.device)
    assert measurement.throughput is not None
    strategies: tuple[Strategy, ...] = ("full", "partial", "probe") if is_trained else ()
    training: dict[str, float] = {}
    size = run.recipe.batch_size
    for strategy in strategies:
        whole = build()
        model: Learner = whole
        if trains_on_cached_features(card, task.facts, strategy):
            if not task.facts.is_dense:
                continue  # on cached vectors it takes seconds
            assert isinstance(whole, HeadedModel)
            model = whole.on_features(Features.of(whole.backbone, whole.task, rows, run.device))
        else:
            apply(whole, strategy)
        guess = measurement.throughput / 3  # backwards costs about twice as much as forwards
        is_slow = size / guess > MAX_STEP_SECONDS
        with repeatable(training_threads(run)):
            training[strategy] = guess if is_slow else training_rate(model, rows, size, run.device)
    return Measured(measurement, Rates(few.sizes, training))
