"""Baselines of classification: the most frequent class; a classifier of hand-made features."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines import pictures, sounds, videos
from tlzoo.baselines.fitted import Fitted, score
from tlzoo.baselines.words import vectorizers
from tlzoo.core.predictions import ClassScores

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]


@dataclass(frozen=True)
class Features:
    """Hand-made features of a kind of input.

    Attributes:
        read: Reads the input of a row, into little memory.
        variants: What classifiers are given of inputs, by its description.
        penalties: Inverse strengths of the penalty of logistic regression to choose from.
        neighbours: Whether the nearest neighbours are tried, too.
    """

    read: Callable[[Row], Any]
    variants: Mapping[str, Callable[[Sequence[Any]], Any]]
    penalties: tuple[float, ...] = (0.01, 0.1, 1.0)
    neighbours: bool = True


def _in_parts(parts: int) -> Callable[[Sequence[Any]], NDArray[np.float64]]:
    """Statistics of whole sounds, or of the parts of what is left of them without silence at both ends."""
    return lambda inputs: sounds.statistics(inputs if parts == 1 else list(map(sounds.trimmed, inputs)), parts)


FEATURES: Mapping[str, Features] = {
    "image": Features(
        pictures.small,
        {
            "pixels": pictures.pixels,
            "oriented gradients": pictures.gradients,
            "local binary patterns and colours": pictures.textures,
        },
    ),
    "audio": Features(
        sounds.mfcc, {f"MFCC of {n} part{'s' * (n > 1)}": _in_parts(n) for n in sounds.PARTS}, neighbours=False
    ),
    "video": Features(
        videos.grey,
        {"centre of mass": videos.trajectories, "small frames": videos.thumbnails},
        neighbours=False,
    ),
    "text": Features(
        lambda row: row["text"],
        {name: lambda inputs: inputs for name in vectorizers()},
        penalties=(1.0, 10.0, 100.0),
        neighbours=False,
    ),
}
"""By the kind of input."""


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The most frequent class of the training rows, with the share of each class as its score."""
    counts = np.bincount([row["label"] for row in train], minlength=len(task.labels))
    (prediction,) = _predictions(task, counts[None] / counts.sum())
    return Fitted(f"the most frequent class, {prediction.label}", lambda rows: [prediction] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Logistic regression or nearest neighbours on the features with which they do best on the validation rows."""
    features = FEATURES[kind]
    labels = [row["label"] for row in train]
    if len(set(labels)) < 2:
        return trivial(task, kind, train)
    inputs, others = ([features.read(row) for row in rows] for rows in (train, validation))
    chosen: tuple[float, str, str, Any] | None = None
    for variant, extract in features.variants.items():
        given, held_out = extract(inputs), extract(others)
        for name, classifier in _classifiers(features, variant):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "lbfgs failed to converge")  # separable classes have no best weights
                classifier.fit(given, labels)
            reached = score(task, _predictions(task, _scores(task, classifier, held_out)), validation)
            if chosen is None or reached > chosen[0]:
                chosen = reached, variant, name, classifier
    assert chosen is not None
    _, variant, name, best = chosen

    def predict(rows: Rows) -> list[ClassScores]:
        return _predictions(task, _scores(task, best, features.variants[variant]([features.read(r) for r in rows])))

    return Fitted(f"{variant}, {name}", predict)


def _classifiers(features: Features, variant: str) -> Iterator[tuple[str, Any]]:
    """Classifiers to choose from, not fitted yet, by their description."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for penalty in features.penalties:
        first = vectorizers().get(variant) or StandardScaler()
        yield f"logistic regression (C={penalty:g})", make_pipeline(first, LogisticRegression(C=penalty, max_iter=300))
    if features.neighbours:
        yield "nearest neighbour", KNeighborsClassifier(1)


def _scores(task: Task, classifier: Any, given: Any) -> NDArray[np.float64]:
    """Probability of each of the task's classes, 0 of those that training has not; ``(examples, classes)``."""
    scores = np.zeros((len(given), len(task.labels)))
    if len(given):
        scores[:, classifier.classes_] = classifier.predict_proba(given)
    return scores


def _predictions(task: Task, scores: NDArray[np.float64]) -> list[ClassScores]:
    names = task.labels
    return [
        ClassScores(names[best], float(each[best]), dict(zip(names, each.tolist(), strict=True)))
        for best, each in zip(scores.argmax(1).tolist(), scores, strict=True)
    ]
