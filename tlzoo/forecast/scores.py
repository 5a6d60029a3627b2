"""Scores of vectors that need no held-out example: shown beside accuracies, which order models better."""

from __future__ import annotations

import numpy as np

from tlzoo.forecast.classifier import Array, Classes

MAX_STEPS = 1_000
TOLERANCE = 1e-12
"""Relative change of the ratio of precisions at which LogME's fixed point is reached."""


def log_evidence(vectors: Array, labels: Classes) -> float:
    """LogME: the largest log evidence of Bayesian linear regression onto each class, per example, mean over classes.

    You et al. 2021, 2102.11005, section 4. Weights have a Gaussian prior of precision ``alpha``, targets Gaussian noise
    of precision ``beta``; both are where the evidence is largest, by the fixed-point iteration in the basis of singular
    vectors.

    Args:
        vectors: Shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.

    Returns:
        In nats; more is better, and only differences on the same labels mean something.
    """
    examples, dimensions = vectors.shape
    left, singular, _ = np.linalg.svd(vectors, full_matrices=False)
    squares = singular**2
    total = 0.0
    classes = np.unique(labels)
    for name in classes:
        target = (labels == name).astype(np.float64)
        inside = (left.T @ target) ** 2
        outside = max(0.0, float(target @ target - inside.sum()))
        alpha, beta = 1.0, 1.0
        for _ in range(MAX_STEPS):
            ratio = alpha / beta
            shrunk = squares / (squares + ratio)
            effective = float(shrunk.sum())
            norm = float((squares * inside / (squares + ratio) ** 2).sum())
            residual = outside + float((ratio**2 * inside / (squares + ratio) ** 2).sum())
            alpha = max(effective, 1e-300) / max(norm, 1e-300)
            beta = (examples - effective) / max(residual, 1e-300)
            if abs(alpha / beta - ratio) <= TOLERANCE * ratio:
                break
        determinant = float(np.log(alpha + beta * squares).sum()) + max(0, dimensions - len(squares)) * np.log(alpha)
        ratio = alpha / beta
        norm = float((squares * inside / (squares + ratio) ** 2).sum())
        residual = outside + float((ratio**2 * inside / (squares + ratio) ** 2).sum())
        total += 0.5 * (
            dimensions * np.log(alpha)
            + examples * np.log(beta)
            - determinant
            - beta * residual
            - alpha * norm
            - examples * np.log(2 * np.pi)
        )
    return float(total / len(classes) / examples)


def h_score(vectors: Array, labels: Classes) -> float:
    """H-score: how much of the variance of vectors, in units of their covariance, lies between classes.

    Bao et al. 2019, doi:10.1109/ICIP.2019.8803726; the covariance is shrunk after Ledoit & Wolf and the part between
    classes by the same share, as Ibrahim et al. 2022, 2110.06893, propose for few examples.

    Args:
        vectors: Shape ``(examples, dimensions)``.
        labels: Class of each, counted from 0.

    Returns:
        From 0 to the number of classes less one.
    """
    from sklearn.covariance import ledoit_wolf

    centred = vectors - vectors.mean(axis=0)
    if not centred.any():
        return 0.0
    covariance, share = ledoit_wolf(centred, assume_centered=True)
    covariance.flat[:: len(covariance) + 1] += 1e-12 * max(1e-300, float(np.trace(covariance)))
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, places, centred)
    means /= counts[:, None]
    between = (means * counts[:, None]).T @ means / len(labels)
    return float((1 - share) * np.trace(np.linalg.solve(covariance, between)))
