"""Models behind an API: what a run is about to ask of one, and how soon one on this machine answers."""

from __future__ import annotations

from typing import Any

from tlzoo.adapters.chat_api.endpoint import RequestEstimate
from tlzoo.run.plan import Run

ROWS = 8


def prospect(run: Run) -> RequestEstimate:
    """What a run is about to ask; sends nothing."""
    model, test = _model(run)
    found: RequestEstimate = model.estimate(model.encode(row) for row in test)
    return found


def measure_asked(run: Run) -> dict[str, Any]:
    """Measure an endpoint that costs nothing, on a few examples, without kept answers; called in a fresh process.

    Returns:
        ``latency_ms_p50`` and ``latency_ms_p90`` of requests one at a time, and ``throughput``, examples a second with
        as many at a time as a run sends. A 99th percentile cannot be told from so few.
    """
    from tlzoo.measure.measure import measure_answers

    model, test = _model(run)
    model.cache = False
    return measure_answers(model, [test[i] for i in range(min(ROWS, len(test)))])


def _model(run: Run) -> Any:
    from tlzoo.run.execute import data_of, shown
    from tlzoo.tasks import task_type

    data = data_of(run.source)
    return shown(run, data, task_type(run.task, run.source.kind)(data.features)), data.splits["test"]
