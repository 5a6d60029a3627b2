"""Scores of vectors against their definitions, computed in another way."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.covariance import LedoitWolf

from tlzoo.forecast.scores import h_score, log_evidence


def examples(count: int = 40, dimensions: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return rng.normal(size=(count, dimensions)) + 0.7 * np.eye(3, dimensions)[labels], labels


@pytest.mark.parametrize("dimensions", [6, 60])
def test_logme_is_the_largest_evidence_that_a_general_search_finds(dimensions: int) -> None:
    vectors, labels = examples(dimensions=dimensions)
    count = len(labels)

    def loss(logs: np.ndarray, target: np.ndarray) -> float:
        """Negative log density of the targets: a Gaussian with noise plus what the weights' prior adds."""
        alpha, beta = np.exp(logs)
        covariance = np.eye(count) / beta + vectors @ vectors.T / alpha
        _, determinant = np.linalg.slogdet(2 * np.pi * covariance)
        return 0.5 * (determinant + target @ np.linalg.solve(covariance, target))

    values = []
    for name in range(3):
        target = (labels == name).astype(float)
        best = minimize(
            loss, [1.0, 1.0], (target,), "Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}
        )
        values.append(-best.fun / count)
    assert log_evidence(vectors, labels) == pytest.approx(np.mean(values), abs=1e-6)


@pytest.mark.parametrize("dimensions", [6, 60])
def test_h_score_is_the_trace_of_its_definition(dimensions: int) -> None:
    vectors, labels = examples(dimensions=dimensions)
    shrunk = LedoitWolf().fit(vectors)
    centred = vectors - vectors.mean(axis=0)
    expected = np.array([centred[labels == label].mean(axis=0) for label in labels])
    between = sum(np.outer(row, row) for row in expected) / len(labels)
    direct = float(np.trace(np.linalg.inv(shrunk.covariance_) @ between)) * (1 - shrunk.shrinkage_)
    assert h_score(vectors, labels) == pytest.approx(direct, abs=1e-6)


def test_both_say_more_of_classes_that_are_further_apart() -> None:
    vectors, labels = examples()
    apart = vectors + 3 * np.eye(3, 6)[labels]
    assert log_evidence(apart, labels) > log_evidence(vectors, labels)
    assert h_score(apart, labels) > h_score(vectors, labels)
    assert h_score(vectors, labels) < 2


def test_vectors_that_are_all_alike_say_nothing() -> None:
    _, labels = examples()
    alike = np.zeros((len(labels), 6))
    assert h_score(alike, labels) == 0
    assert np.isfinite(log_evidence(alike, labels)) and log_evidence(alike, labels) < log_evidence(*examples())
