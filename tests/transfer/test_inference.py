"""What is no number is no prediction and no score."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.small import stored, whole
from tlzoo.errors import DivergedError, InputError
from tlzoo.tasks.classification import AudioClassification
from tlzoo.tasks.image_segmentation import Segmentation
from tlzoo.tasks.text_embedding import TextEmbedding
from tlzoo.transfer.inference import is_sound, predict, statistics, values


def test_a_network_of_nan_has_no_accuracy(tiny: Any, notes: Any) -> None:
    """One class would be named for all, and be right for a third of them."""
    task = AudioClassification(notes.features)
    model = tiny.for_task(task)
    assert is_sound(model)
    with torch.no_grad():
        model.head = torch.nn.Linear(16, 3)
        model.head.weight.fill_(math.nan)
    assert not is_sound(model)
    with pytest.raises(DivergedError, match="layer head gives NaN"):
        statistics(task, predict(model, [model.encode(row) for row in notes]), notes)


def test_a_rank_correlation_with_what_is_all_the_same_is_no_number() -> None:
    task = TextEmbedding.of(())
    with pytest.raises(InputError, match="Spearman is not defined on these rows"):
        values(task, {"spearman": [[0.1, 0.5], [0.2, 0.5]]})
    assert values(task, {"spearman": [[0.1, 0.5], [0.2, 0.6]]}) == {"spearman": 1.0}


def test_a_mask_decoded_from_nan_is_no_mask() -> None:
    """Every weight is a number, and the first class would be named for each pixel."""
    task = Segmentation.of(("background", "disc"))
    model = whole(task)
    picture = {"image": stored(np.zeros((64, 96, 3), np.uint8))}
    assert len(list(predict(model, [model.encode(picture)]))) == 1
    with torch.no_grad():
        first = next(layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d))
        assert first.running_var is not None
        first.running_var.fill_(math.nan)
    assert is_sound(model)
    with pytest.raises(DivergedError, match=r"layer backbone\.parts\.0\.1 gives NaN"):
        list(predict(model, [model.encode(picture)]))
