"""Models behind an API: what a run is going to send, and how soon an endpoint on this machine answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tlzoo.adapters.chat_api.endpoint import RequestEstimate
from tlzoo.run.measurement import Measured
from tlzoo.run.plan import Run

if TYPE_CHECKING:
    from datasets import Dataset

    from tlzoo.adapters.chat_api.model import ChatModel

ROWS = 8
"""Examples to measure an endpoint with."""


def estimate_requests(run: Run) -> RequestEstimate:
    """What a run is going to send; sends nothing."""
    model, test = _model(run)
    return model.estimate(model.encode(row) for row in test)


def measure_endpoint(run: Run) -> Measured:
    """Measure an endpoint that costs nothing, on a few examples, without its cached answers; called in a new process.

    With so few examples no 99th percentile of the latency is measured.
    """
    from tlzoo.measure.measure import measure_answers

    model, test = _model(run)
    model.cache = False
    return Measured(measure_answers(model, list(test.select(range(min(ROWS, len(test)))))))


def _model(run: Run) -> tuple[ChatModel, Dataset]:
    from tlzoo.run.execute import data_for, with_demonstrations
    from tlzoo.tasks import task_type

    data = data_for(run)
    task = task_type(run.task, run.source.kind)(data.features)
    return cast("ChatModel", with_demonstrations(run, data, task)), data.splits["test"]
