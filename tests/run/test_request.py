"""Options of an evaluation are checked in one place."""

from typing import Any

import pytest

from tlzoo.errors import InputError
from tlzoo.run.request import EvaluationRequest

TASK = "audio-classification"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "audio-clasification"}, "did you mean 'audio-classification'"),
        ({"strategies": ["probe", "ful"]}, "--strategy: unknown strategy 'ful'; did you mean 'full'"),
        ({"weights": "offical"}, "--weights: unknown weights 'offical'; did you mean 'official'"),
        ({"device": "gpu"}, "--device: unknown device 'gpu'"),
        ({"precision": "fp8"}, "--precision: unknown precision 'fp8'"),
        ({"executor": "slurm"}, "--executor: unknown executor 'slurm'; known: local, ray"),
        ({"address": "auto"}, "--address auto: is for --executor ray"),
        ({"shard": (0, 2)}, "--shard 0/2: expected a part and of how many"),
        ({"shard": (3, 2)}, "--shard 3/2: expected a part and of how many"),
        ({"seeds": []}, "--seeds and --fractions need values"),
        ({"seeds": [0, -1]}, "--seeds: -1: expected whole numbers from 0"),
        ({"seeds": [2**32]}, "--seeds: 4294967296: expected whole numbers"),
        ({"seeds": [0, 1, 0]}, "--seeds: 0 is given twice"),
        ({"fractions": [0.5, 0.5]}, "--fractions: 0.5 is given twice"),
        ({"fractions": [0.0]}, r"fractions in \(0, 1\]; given: \[0, 1, 2\], \[0.0\]"),
        ({"fractions": [1.5]}, r"fractions in \(0, 1\]"),
        ({"fractions": [float("nan")]}, r"fractions in \(0, 1\]"),
        ({"budget": -1.0}, "--budget -1: expected minutes, 0 or more"),
        ({"budget": float("nan")}, "--budget nan: expected minutes"),
        ({"max_cost": -0.5}, "--max-cost -0.5: expected US dollars, 0 or more"),
        ({"patience": -1.0}, "patience -1: expected seconds, 0 or more"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_a_wrong_option_is_refused_when_it_is_given(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        EvaluationRequest(**{"task": TASK} | options)


def test_the_defaults_are_valid() -> None:
    request = EvaluationRequest(TASK)
    assert (request.seeds, request.fractions, request.budget, request.max_cost) == ((0, 1, 2), (0.1, 1.0), 10.0, None)
