"""How certain a fine-tuned model is, and may be: from predictions of examples by models that did not see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.dataset import Prepared
from tlzoo.run.finetune.candidates import Chosen
from tlzoo.run.finetune.final import unit_vectors

if TYPE_CHECKING:
    from tlzoo.core.model import Model
    from tlzoo.core.novelty import Novelty
    from tlzoo.core.predictions import ClassScores
    from tlzoo.core.task import Task


@dataclass(frozen=True)
class Certainty:
    """What cross-fitted predictions of classes show.

    Attributes:
        confusion: How many examples of each class (row) got each class (column), ``(classes, classes)``.
        temperature: What the logits were divided by; 1 where there are too few examples to tell.
        error_before: Expected calibration error of the scores as they were trained, 0 to 1.
        error: The same of the scores as they are now.
        novelty: What tells an input that is unlike all examples; absent where the model has no vectors.
    """

    confusion: NDArray[np.int64]
    temperature: float
    error_before: float
    error: float
    novelty: Novelty | None


def certainty(chosen: Chosen, model: Model, whole: Prepared, task: Task) -> Certainty | None:
    """Judge the chosen way of training, and give the final model certain scores.

    Args:
        chosen: The way.
        model: The final model, whose last layer is scaled.
        whole: The examples that it was trained on.
        task: The task.

    Returns:
        What the predictions show; nothing where they are no classes.
    """
    from tlzoo.core.model import HeadedModel
    from tlzoo.core.novelty import UNKNOWN
    from tlzoo.core.predictions import ClassScores
    from tlzoo.transfer import calibration

    predictions = [each for each in chosen.predictions if isinstance(each, ClassScores)]
    names = list(task.labels)
    if (
        not predictions
        or len(predictions) != len(chosen.labels)
        or any(len(p.scores) < len(names) for p in predictions)
    ):
        return None
    scores, labels = _matrix(predictions, names), np.asarray(chosen.labels)
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (labels, scores.argmax(axis=1)), 1)
    temperature, cooled = 1.0, scores
    is_enough = len(scores) >= calibration.MIN_EXAMPLES
    if is_enough and isinstance(model, HeadedModel):
        wanted = calibration.temperature_of(scores, labels)
        if calibration.cool(model.head, wanted):
            temperature, cooled = wanted, calibration.tempered(scores, wanted)
    novelty = None
    own = [trial.distances for trial in chosen.same]
    rows = whole.splits["train"]
    some = rows.select(calibration.some(len(rows)))
    vectors = unit_vectors(chosen.run, model, some) if is_enough and UNKNOWN not in names else None
    if vectors is not None and all(each is not None for each in own):
        import torch

        novelty = calibration.novelty_of(torch.cat([each for each in own if each is not None]), vectors)
    before, after = (calibration.calibration_error(each, labels) for each in (scores, cooled))
    return Certainty(confusion, temperature, before, after, novelty)


def _matrix(predictions: Sequence[ClassScores], names: Sequence[str]) -> NDArray[np.float64]:
    """Scores of all classes, ``(examples, classes)``."""
    return np.array([[each.scores[name] for name in names] for each in predictions])
