"""Classifiers on frozen vectors that take milliseconds, each example judged by one that was not fitted on it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Classes = NDArray[np.int64]
Indices = NDArray[np.int64]
FOLDS = 5
MAX_DIMENSIONS = 128
NEIGHBOURS = (1, 3, 5, 9, 15, 25)
"""Numbers of neighbours that are tried."""
CHUNK = 1_000
"""Examples whose neighbours are sought at once, and on which their number is chosen."""


def reduced(vectors: Array) -> Array:
    """Directions of vectors ``(examples, dimensions)`` from their mean, as at most 128 principal components.

    No label is needed, so that all examples may be used, whoever judges them.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    directions = normalize(vectors - vectors.mean(axis=0))
    size = max(1, min(MAX_DIMENSIONS, len(vectors) - 1, vectors.shape[1]))
    return np.asarray(PCA(size, random_state=0).fit_transform(directions), dtype=np.float64)


@dataclass(frozen=True)
class Discriminant:
    """Linear discriminant analysis; the covariance, which all classes share, is shrunk.

    The amount follows Ledoit & Wolf (2004, doi:10.1016/S0047-259X(03)00096-4), so that there may be fewer examples than
    dimensions, and a class may have one.

    Attributes:
        classes: The classes that it has seen, shape ``(seen,)``.
        weights: Shape ``(dimensions, seen)``.
        bias: Shape ``(seen,)``.
    """

    classes: Classes
    weights: Array
    bias: Array

    @classmethod
    def fit(cls, vectors: Array, labels: Classes) -> Self:
        """Fit it to vectors ``(examples, dimensions)`` with a label each."""
        from sklearn.covariance import ledoit_wolf

        classes, places = np.unique(labels, return_inverse=True)
        counts = np.bincount(places)
        means = np.zeros((len(classes), vectors.shape[1]))
        np.add.at(means, places, vectors)
        means /= counts[:, None]
        residuals = vectors - means[places]
        covariance, _ = ledoit_wolf(residuals, assume_centered=True)
        covariance *= len(vectors) / max(1, len(vectors) - len(classes))  # the means took degrees of freedom
        covariance.flat[:: len(covariance) + 1] += 1e-9 * np.trace(covariance) / len(covariance) + 1e-12
        weights = np.linalg.solve(covariance, means.T)
        bias = np.log(counts / counts.sum()) - (means.T * weights).sum(axis=0) / 2
        return cls(classes.astype(np.int64), weights, bias)

    def predict(self, vectors: Array) -> Classes:
        """The most probable class of each vector."""
        return np.asarray(self.classes[(vectors @ self.weights + self.bias).argmax(axis=1)])


def folds(labels: Classes, groups: Sequence[str], seed: int = 0) -> Iterator[tuple[Indices, Indices]]:
    """Examples to fit and to judge, each judged once; no group is on both sides, and classes are spread evenly.

    Args:
        labels: Class of each example, counted from 0.
        groups: Group of each.
        seed: Seed of the folds.

    Yields:
        Indices of both sides.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    count = max(2, min(FOLDS, int(np.bincount(labels).max()), len(set(groups))))
    is_single = len(set(groups)) == len(labels)  # which is as for groups, and faster
    splits = (StratifiedKFold if is_single else StratifiedGroupKFold)(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a class with fewer examples than folds
        pairs = list(splits.split(labels, labels, groups))
    for fitted, held in pairs:
        if len(fitted) and len(held):
            yield fitted.astype(np.int64), held.astype(np.int64)


def judged(vectors: Array, labels: Classes, groups: Sequence[str], seed: int = 0) -> NDArray[np.bool_]:
    """Whether each example is judged right by a :class:`Discriminant` of others.

    Args:
        vectors: Shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.
        groups: Group of each.
        seed: Seed of the folds.

    Returns:
        Shape ``(examples,)``.
    """
    right = np.zeros(len(labels), dtype=bool)
    for fitted, held in folds(labels, groups, seed):
        right[held] = Discriminant.fit(vectors[fitted], labels[fitted]).predict(vectors[held]) == labels[held]
    return right


def judged_by_neighbours(vectors: Array, labels: Classes, groups: Sequence[str], seed: int = 0) -> NDArray[np.bool_]:
    """Whether each example is judged right by the nearest others, by the cosine of their vectors.

    The number of neighbours is that which judges best the examples that are not held out. Neighbours vote with weights
    that grow with the cosine, so that there is no tie.

    Args:
        vectors: Shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.
        groups: Group of each; a neighbour of the own group has no vote.
        seed: Seed of the folds.

    Returns:
        Shape ``(examples,)``.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    owner = np.unique(np.asarray(groups), return_inverse=True)[1]
    classes = int(labels.max()) + 1

    def votes(rows: Indices, others: Indices) -> Classes:
        parts = []
        for part in np.array_split(rows, max(1, len(rows) // CHUNK)):  # the matrix of cosines has few rows
            near = directions[part] @ directions[others].T
            near[owner[part][:, None] == owner[others][None, :]] = -np.inf
            parts.append(_voted(near, labels[others], classes))
        return np.concatenate(parts, axis=1)

    right = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng(seed)
    for fitted, held in folds(labels, groups, seed):
        few = rng.permutation(fitted)[:CHUNK]
        best = int((votes(few, fitted) == labels[few]).mean(axis=1).argmax())
        right[held] = votes(held, fitted)[best] == labels[held]
    return right


def _voted(near: Array, labels: Classes, classes: int) -> Classes:
    """Class by each number of neighbours, ``(numbers, judged)``, from cosines ``(judged, others)``."""
    count = min(max(NEIGHBOURS), near.shape[1])
    nearest = np.argpartition(-near, count - 1, axis=1)[:, :count]
    cosines = np.take_along_axis(near, nearest, axis=1)
    order = np.take_along_axis(nearest, np.argsort(-cosines, axis=1, kind="stable"), axis=1)
    cosines = np.take_along_axis(near, order, axis=1)
    weights = np.where(np.isfinite(cosines), 1 + np.maximum(cosines, -1), 0)
    votes = np.zeros((len(near), classes))
    results = []
    for place in range(order.shape[1]):
        votes[np.arange(len(near)), labels[order[:, place]]] += weights[:, place]
        if place + 1 in NEIGHBOURS:
            results.append(votes.argmax(axis=1))
    return np.asarray(results or [votes.argmax(axis=1)], dtype=np.int64)
