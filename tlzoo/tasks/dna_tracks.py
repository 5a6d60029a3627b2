"""Values along a sequence of DNA: the form that language modeling has for models that read DNA."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from datasets import Features, List

from tlzoo.core.batch import Row
from tlzoo.core.predictions import DnaTracks
from tlzoo.core.task import Task
from tlzoo.data.schemas import track_features
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import moments
from tlzoo.tasks.language_modeling import Cloze


class Tracks(Task):
    """Predict what was measured in each bin of a sequence, for each of several tracks.

    A row has ``tracks``, ``(bins, tracks)``.
    """

    name = Cloze.name

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        bins = features.get("tracks")
        if not isinstance(bins, List) or not isinstance(bins.feature, List) or bins.feature.length < 1:
            raise InputError(
                f"{self.name} of DNA needs a column 'tracks' with equally many values in each bin; "
                f"columns: {', '.join(features)}"
            )
        self._count = int(bins.feature.length)

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Tracks of any number of bins."""
        return track_features(-1, len(labels))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of DNA."""
        return self.facts.metrics_of("dna")

    @property
    def labels(self) -> tuple[str, ...]:
        """What to call the tracks, which have numbers only."""
        return tuple(f"track {i + 1}" for i in range(self._count))

    def statistics(self, prediction: DnaTracks, row: Row) -> dict[str, list[float]]:
        """Moments of each track over the row's bins."""
        return {"pearson": moments(np.asarray(prediction.values), np.asarray(row["tracks"]))}
