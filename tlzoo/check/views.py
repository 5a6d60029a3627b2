"""Vectors of a person's examples by unrelated means: frozen backbones, and features that were made by hand."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.adapters.weights import card_of, variant_of
from tlzoo.baselines.classes import FEATURES
from tlzoo.baselines.words import vectorizers
from tlzoo.data.protocol import SPLITS
from tlzoo.data.suspects.mislabelled import MAX_DIMENSIONS
from tlzoo.errors import UnavailableError
from tlzoo.run.execute import FEATURES_VERSION
from tlzoo.run.plan import Run, plan
from tlzoo.run.request import EvaluationRequest

if TYPE_CHECKING:
    from datasets import Dataset

    from tlzoo.data.catalogue import Source
    from tlzoo.data.dataset import Prepared

Vectors = NDArray[np.float64]
TRIED = 8
"""Examples that tell how long all take."""
BACKBONES = {"official": 2, "stand-in": 3}
"""Number of backbones of each tier that judge labels, the smallest ones."""


@dataclass(frozen=True)
class Data:
    """Prepared examples of all splits together.

    Attributes:
        source: Where they are from.
        splits: The rows.
        names: Class names.
    """

    source: Source
    splits: Sequence[Dataset]
    names: Sequence[str]

    @classmethod
    def of(cls, source: Source, data: Prepared) -> Data:
        """All splits of prepared data."""
        return cls(source, [data.splits[name] for name in SPLITS], data.features["label"].names)

    @property
    def labels(self) -> list[int]:
        """Class of each example."""
        return [label for rows in self.splits for label in rows["label"][:]]

    @property
    def ids(self) -> list[str]:
        """Name of each example."""
        return [name for rows in self.splits for name in rows["id"][:]]

    @property
    def groups(self) -> list[str]:
        """Group of each example."""
        return [name for rows in self.splits for name in rows["group"][:]]


@dataclass(frozen=True)
class View:
    """Vectors of all examples, ``(examples, dimensions)``, and what made them."""

    name: str
    vectors: Vectors


def views(data: Data, device: str, skipped: list[str]) -> Iterator[View]:
    """Vectors of a few backbones, the cheapest official ones first, and of features made by hand.

    Args:
        data: The examples.
        device: Where backbones compute.
        skipped: Receives why a backbone could not be used.
    """
    runs = probes(data)
    for tier, count in BACKBONES.items():
        for run in [run for run in runs if run.tier == tier][:count]:
            try:
                yield View(run.checkpoint.name, frozen_vectors(run, data, device))
            except UnavailableError as error:
                skipped.append(f"{run.checkpoint.name}: {error}")
    yield from _by_hand(data)


def _by_hand(data: Data) -> Iterator[View]:
    """Vectors that need no network."""
    features = FEATURES[data.source.kind]
    inputs = [features.read(row) for rows in data.splits for row in rows]
    counting = vectorizers()
    for name, extract in features.variants.items():
        if name in counting:
            from sklearn.decomposition import TruncatedSVD

            counts = counting[name].fit_transform(inputs)
            vectors = TruncatedSVD(min(MAX_DIMENSIONS, *(n - 1 for n in counts.shape)), random_state=0).fit_transform(
                counts
            )
        else:
            vectors = extract(inputs)
        yield View(name, np.asarray(vectors, dtype=np.float64))


def probes(data: Data, models: Sequence[str] = ()) -> list[Run]:
    """The models, all by default, whose frozen vectors heads for the task read, the smallest first."""
    task, once = data.source.task, (1.0,)
    request = EvaluationRequest(task=task, models=models, strategies=("probe",), folds=1, seeds=(0,), fractions=once)
    return sorted(plan(request, [data.source]).runs, key=params_of)


def params_of(run: Run) -> int:
    """Number of parameters of a run's model, as its card has it; 0 where it does not."""
    return variant_of(card_of(run.checkpoint), run.checkpoint.variant).params or 0


def frozen_vectors(run: Run, data: Data, device: str, seconds: float = math.inf) -> Vectors:
    """The vectors of a backbone, from a cache where they were computed before.

    Args:
        run: A probe of the backbone.
        data: The examples.
        device: Where to compute.
        seconds: Time that they may take, as a few examples let expect.

    Raises:
        UnavailableError: It has no frozen vectors, its weights are not available, or there is not enough time.
    """
    from tlzoo.core.model import HeadedModel, trainable
    from tlzoo.tasks import task_type
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.features import Features, are_cached, frozen

    task = task_type(run.task, run.source.kind)(data.splits[0].features)
    model = trainable(assemble(run.checkpoint, task)).for_task(task)
    if not isinstance(model, HeadedModel):
        raise UnavailableError("has no frozen vectors")
    key = [run.card_hash, run.checkpoint.sha256 or "", run.source.fingerprint, FEATURES_VERSION]
    if seconds < math.inf and not are_cached(model.task, key):
        few = list(data.splits[0].select(range(min(TRIED, len(data.splits[0])))))
        Features.of(model.backbone, model.task, few[:1], device)  # the first one may fetch a tokenizer
        began = time.perf_counter()
        Features.of(model.backbone, model.task, few, device)
        needed = (time.perf_counter() - began) / len(few) * len(data.ids)
        if needed > seconds:
            raise UnavailableError(f"takes about {needed:,.0f} s, and {max(0.0, seconds):,.0f} s are left")
    features = frozen(model.backbone, model.task, list(data.splits), key, device, progress=False)
    return np.stack([features({"id": name})["features"].numpy() for name in data.ids]).astype(np.float64)
