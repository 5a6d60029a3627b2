"""What any model should beat: two baselines of every task, fitted on the same rows and scored by the same statistics.

``trivial`` sees the targets of the training rows and nothing of an input: the most frequent class, the mean pose, no
answer. ``classical`` is a method that needs no pretrained network and takes seconds: logistic regression or nearest
neighbours on hand-made features, Otsu's threshold, YIN, the overlap of words. What has variants is chosen on the
validation rows; all is fitted on the training rows alone, and test rows are only predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, get_type_hints

from tlzoo.core.predictions import Prediction

if TYPE_CHECKING:
    from tlzoo.baselines.fitted import Fitted
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task
    from tlzoo.vocabulary import Baseline

VERSION = 1
"""Raised when a baseline predicts something else than before, so that its runs are run again."""
_MODULES: Mapping[str, str] = {
    "AnswerSpan": "answers",
    "Boxes": "boxes",
    "ClassScores": "classes",
    "Clip": "clips",
    "Completion": "completions",
    "DnaTracks": "tracks",
    "Embedding": "vectors",
    "Entities": "entities",
    "Mask": "masks",
    "PitchTrack": "pitch",
    "Poses": "poses",
    "Reply": "replies",
    "Similarity": "similarity",
    "Transcript": "transcripts",
}
"""Module of this package by the type of a task's predictions; its functions ``trivial`` and ``classical`` fit one."""


def fit(name: Baseline, task: Task, train: Sequence[Row], validation: Sequence[Row], kind: str | None = None) -> Fitted:
    """Fit a baseline.

    Args:
        name: ``trivial`` or ``classical``.
        task: The task, bound to the data.
        train: The training rows, with targets.
        validation: The validation rows, with targets, on which variants of ``classical`` are chosen; ``trivial`` does
            not read them.
        kind: Kind of the input; by default that of the task's domain.

    Returns:
        What predicts other rows.

    Raises:
        InputError: A row cannot be decoded.
    """
    predicted: type[Prediction] = get_type_hints(type(task).statistics)["prediction"]
    module = import_module(f"tlzoo.baselines.{_MODULES[predicted.__name__]}")
    kind = kind or task.facts.domain
    if name == "trivial":
        trivial: Callable[..., Fitted] = module.trivial
        return trivial(task, kind, train)
    classical: Callable[..., Fitted] = module.classical
    return classical(task, kind, train, validation)
