"""What a model can do by its outputs, it does: the nano variant of every card on each task besides its own."""

import json

import numpy as np
import pytest

from tests.conformance.models import Subject, other_tasks
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.transfer.inference import fit_reference, statistics, value


@pytest.mark.parametrize("subject", list(other_tasks()), ids=str, indirect=True)
def test_it_is_trained_predicts_and_is_scored(subject: Subject) -> None:
    assert np.isfinite([*subject.training.losses, subject.training.varied]).all()
    assert subject.training.infinite == subject.training.unchanged == []
    fit_reference(subject.task, subject.model, subject.examples, subject.rows)
    for name, each in statistics(subject.task, subject.predictions, subject.rows).items():
        metric, number = METRICS[name], value(name, each)
        assert metric.low <= number <= metric.high or np.isnan(number), name
    for line in (prediction.to_json() for prediction in subject.predictions):
        assert json.loads(json.dumps(line, allow_nan=False)) == line
