"""What a model can do by its outputs, it does: the nano variant of every card on each task besides its own."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.conformance.models import Case, Subject, cases, other_tasks
from tlzoo.errors import DivergedError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.transfer.inference import fit_reference, predict, statistics, value


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


def of_each_task() -> list[Case]:
    """A model that is trained, for each task."""
    trained = [case for case in (*cases(), *other_tasks()) if case.is_trained and case.is_small]
    return list({case.task: case for case in trained}.values())


@pytest.mark.parametrize("subject", of_each_task(), ids=str, indirect=True)
def test_nan_is_divergence_whatever_is_decoded_from_it(subject: Subject) -> None:
    """A class, a mask or a transcript shows no NaN."""
    last = [layer for layer in subject.model.stages()[-1].modules() if not next(layer.children(), None)]
    hooks = [layer.register_forward_hook(lambda _, __, output: spoilt(output)) for layer in last]
    try:
        with pytest.raises(DivergedError, match="gives NaN"):
            list(predict(subject.model, subject.examples))
    finally:
        for hook in hooks:
            hook.remove()


def spoilt(output: Any) -> Any:
    """The output of a layer with NaN in place of each number."""
    if isinstance(output, torch.Tensor):
        return output * math.nan if output.is_floating_point() else output
    return type(output)(map(spoilt, output))
