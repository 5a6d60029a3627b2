"""Classifiers on vectors, on planted classes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import KNeighborsClassifier

from tlzoo.forecast import classifier
from tlzoo.forecast.classifier import Discriminant, folds, judged, judged_by_neighbours, reduced


def planted(count: int = 120, dimensions: int = 20, distance: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(count) % 3)
    return rng.normal(size=(count, dimensions)) + distance * np.eye(3, dimensions)[labels], labels


def test_it_takes_the_class_of_the_largest_density() -> None:
    vectors, labels = planted(60)
    means = np.array([vectors[labels == name].mean(axis=0) for name in range(3)])
    shrunk = LedoitWolf(assume_centered=True).fit(vectors - means[labels]).covariance_ * 60 / 57
    new, _ = planted(500)
    density = [
        np.log((labels == name).mean()) + multivariate_normal(means[name], shrunk).logpdf(new) for name in range(3)
    ]
    assert (Discriminant.fit(vectors, labels).predict(new) == np.argmax(density, axis=0)).all()


def test_it_takes_fewer_examples_than_dimensions_and_classes_of_one() -> None:
    vectors, labels = planted(12, 60, distance=20)
    labels = np.where(labels == 2, 7, labels)
    only = np.concatenate([np.flatnonzero(labels == 7)[:1], np.flatnonzero(labels != 7)])
    fitted = Discriminant.fit(vectors[only], labels[only])
    assert fitted.classes.tolist() == [0, 1, 7]
    assert (fitted.predict(vectors) == labels).mean() > 0.9


def test_each_example_is_judged_once_and_no_group_is_on_both_sides() -> None:
    _, labels = planted()
    labels[:1] = 3  # one example of a rare class does not decide on the number of folds
    groups = np.array([f"g{i // 4}" for i in range(len(labels))])
    parts = list(folds(labels, groups))
    assert len(parts) == classifier.FOLDS
    assert sorted(np.concatenate([held for _, held in parts]).tolist()) == list(range(len(labels)))
    assert all(not set(groups[fitted]) & set(groups[held]) for fitted, held in parts)


@pytest.mark.parametrize("judge", [judged, judged_by_neighbours])
def test_planted_classes_are_seen_and_labels_at_random_are_not(judge: Callable[..., Any]) -> None:
    vectors, labels = planted()
    names = [str(i) for i in range(len(labels))]
    assert judge(vectors, labels, names).mean() > 0.75
    mixed = np.random.default_rng(1).permutation(labels)
    assert judge(vectors, mixed, names).mean() < 0.5


def test_neighbours_are_those_of_other_groups() -> None:
    """Each group is ten copies of one example, so that its own members alone would be right."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(30, 8)), 10, axis=0)
    labels = np.repeat(rng.permutation(np.arange(30) % 2), 10)
    groups = [str(i // 10) for i in range(300)]
    assert judged_by_neighbours(vectors, labels, groups).mean() < 0.75
    assert judged_by_neighbours(vectors, labels, [str(i) for i in range(300)]).mean() > 0.98


def test_votes_are_those_of_an_independent_classifier() -> None:
    vectors, labels = planted()
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = directions[80:] @ directions[:80].T
    ours = classifier._voted(near, labels[:80], 3)
    for place, count in enumerate(classifier.NEIGHBOURS):
        other = KNeighborsClassifier(count, metric="cosine", algorithm="brute", weights=lambda far: 2 - far)
        assert (other.fit(vectors[:80], labels[:80]).predict(vectors[80:]) == ours[place]).all()


def test_neighbours_of_many_examples_are_sought_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = planted()
    names = [str(i) for i in range(len(labels))]
    whole = judged_by_neighbours(vectors, labels, names)
    parts: list[int] = []
    voted = classifier._voted

    def seen(near: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
        parts.append(len(near))
        return voted(near, labels, classes)

    monkeypatch.setattr(classifier, "CHUNK", 10)
    monkeypatch.setattr(classifier, "_voted", seen)
    assert abs(judged_by_neighbours(vectors, labels, names).mean() - whole.mean()) < 0.15
    assert max(parts) < 20


def test_reduced_vectors_are_directions_from_the_mean() -> None:
    vectors, _ = planted(40, 300)
    few = reduced(vectors)
    assert few.shape == (40, 39)
    assert np.allclose(reduced(5 * vectors + 3), few)
