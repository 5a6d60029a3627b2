"""What is no number is no prediction and no score."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from tlzoo.errors import DivergedError, InputError
from tlzoo.tasks.classification import AudioClassification
from tlzoo.tasks.text_embedding import TextEmbedding
from tlzoo.transfer.inference import is_finite, is_sound, predict, statistics, values


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_are_looked_for_however_deep(bad: float) -> None:
    good: dict[str, Any] = {"label": "a", "none": None, "n": 3, "mask": np.zeros(3, np.uint8), "scores": [0.5, 0.25]}
    assert is_finite(good)
    for wrong in (
        bad,
        [0.1, bad],
        {"deep": ({"score": bad},)},
        np.array([1, bad]),
        torch.tensor([bad]),
        np.float32(bad),
    ):
        assert not is_finite(good | {"more": wrong})


def test_a_network_of_nan_has_no_accuracy(tiny: Any, notes: Any) -> None:
    """One class would be named for all, and be right for a third of them."""
    task = AudioClassification(notes.features)
    model = tiny.for_task(task)
    assert is_sound(model)
    with torch.no_grad():
        model.head = torch.nn.Linear(16, 3)
        model.head.weight.fill_(math.nan)
    assert not is_sound(model)
    with pytest.raises(DivergedError, match="prediction 1 holds NaN"):
        statistics(task, predict(model, [model.encode(row) for row in notes]), notes)


def test_a_rank_correlation_with_what_is_all_the_same_is_no_number() -> None:
    task = TextEmbedding.of(())
    with pytest.raises(InputError, match="Spearman is not defined on these rows"):
        values(task, {"spearman": [[0.1, 0.5], [0.2, 0.5]]})
    assert values(task, {"spearman": [[0.1, 0.5], [0.2, 0.6]]}) == {"spearman": 1.0}
