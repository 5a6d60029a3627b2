"""Language modeling of DNA is a task of its own: other rows, another metric."""

import numpy as np
import pytest

from tlzoo.core.predictions import DnaTracks
from tlzoo.data.schemas import track_features
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import task_type
from tlzoo.tasks.dna_tracks import Tracks
from tlzoo.tasks.language_modeling import Cloze


def test_the_kind_of_input_decides() -> None:
    assert task_type("language-modeling", "dna") is Tracks
    assert task_type("language-modeling", "text") is task_type("language-modeling") is Cloze
    task = Tracks(track_features(8, 3))
    assert task.metrics == ("pearson",) and set(task.metrics) <= set(METRICS)
    assert task.facts.headlines == {"cloze_accuracy", "pearson"}
    assert (task.facts.headline("text"), task.facts.headline("dna")) == ("cloze_accuracy", "pearson")


def test_tracks_are_counted_and_numbered() -> None:
    assert Tracks(track_features(8, 3)).labels == ("track 1", "track 2", "track 3")
    assert Tracks.of(["track 1", "track 2"]).labels == ("track 1", "track 2")


def test_statistics_are_of_each_track() -> None:
    rng = np.random.default_rng(0)
    rows = [{"tracks": rng.poisson(3, (8, 2)).tolist()} for _ in range(5)]
    predictions = [DnaTracks(np.array(row["tracks"]) * [2, -1] + [1, 9], ["a", "b"], 128, 0) for row in rows]
    found = [Tracks(track_features(8, 2)).statistics(p, r)["pearson"] for p, r in zip(predictions, rows, strict=True)]
    assert METRICS["pearson"].reduce(found, np.ones((1, 5)))[0] == pytest.approx(0.0)
    assert METRICS["pearson"].reduce([s[:6] for s in found], np.ones((1, 5)))[0] == pytest.approx(1.0)
