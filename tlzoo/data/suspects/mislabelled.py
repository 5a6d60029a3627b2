"""Labels that are probably wrong: those that several unrelated views of the examples hold for improbable.

A view, such as the vectors of a backbone, gives class probabilities by a classifier that was not fitted on the example
itself, as in confident learning (Northcutt 2021, 1911.00068); views that see the classes much worse than the best do
not count. A label is suspected where the others give it a very small probability in the mean, and another class most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Classes = NDArray[np.int64]
FOLDS = 5
MAX_DIMENSIONS, EXAMPLES_EACH = 128, 7
"""Maximum number of principal components of a view that a classifier is given, and examples for each of them."""
MIN_ACCURACY = 0.8
"""Accuracy of a view that counts, as a share of the best view's."""
IMPROBABLE, PROBABLE = 0.3, 0.5
"""Maximum probability of a label that is suspected, as a share of chance; minimum of the class that is suggested."""


def reduced(vectors: Array) -> Array:
    """Standardised principal components, which need no labels, of vectors ``(examples, dimensions)``."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(vectors)
    size = min(MAX_DIMENSIONS, len(scaled) // EXAMPLES_EACH, scaled.shape[1])
    return np.asarray(PCA(max(1, size), random_state=0).fit_transform(scaled), dtype=np.float64)


def out_of_fold(vectors: Array, labels: Classes, groups: Sequence[str], seed: int = 0) -> Array:
    """Class probabilities of each example by discriminant analysis of others; no group is on both sides.

    The covariance, which all classes share, is shrunk (Ledoit 2004, doi:10.1016/S0047-259X(03)00096-4).

    Args:
        vectors: Shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.
        groups: Group of each.
        seed: Seed of the folds.

    Returns:
        Shape ``(examples, classes)``.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import StratifiedGroupKFold

    given = np.zeros((len(labels), labels.max() + 1))
    folds = max(2, min(FOLDS, int(np.bincount(labels).min()), len(set(groups))))
    for fitted, held in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(vectors, labels, groups):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(vectors[fitted], labels[fitted])
        given[np.ix_(held, model.classes_)] = model.predict_proba(vectors[held])
    return given


def accuracy(probabilities: Array, labels: Classes) -> float:
    """Share of the examples whose label is the most probable class."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def suspected(views: Mapping[str, Array], labels: Classes) -> dict[int, tuple[int, float]]:
    """Examples whose label is improbable, with the class that is suggested and its probability.

    Args:
        views: :func:`out_of_fold` of each view.
        labels: Given class of each example.
    """
    reached = {name: accuracy(probabilities, labels) for name, probabilities in views.items()}
    good = [views[name] for name, each in reached.items() if each >= MIN_ACCURACY * max(reached.values())]
    mean = np.mean(good, axis=0)
    best = mean.argmax(axis=1)
    places = np.arange(len(labels))
    is_wrong = (mean[places, labels] < IMPROBABLE / mean.shape[1]) & (mean[places, best] > PROBABLE)
    return {int(i): (int(best[i]), float(mean[i, best[i]])) for i in np.flatnonzero(is_wrong)}
