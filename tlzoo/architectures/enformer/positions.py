"""Relative positions as Enformer's attention sees them: basis functions of a distance, in bins.

Source: Avsec et al. 2021, doi 10.1038/s41592-021-01252-x, Methods, "Enformer architecture", and Supplementary Methods.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import gamma
from torch import Tensor

Array = NDArray[np.float64]
SHORTEST_HALF_LIFE = 3.0
"""Binary logarithm of the shortest half-life, in bins."""


def exponential(distance: Array, count: int, length: int) -> Array:
    """Exponential decay with half-lives from 8 bins to the whole sequence, evenly spaced in the logarithm.

    Args:
        distance: Absolute distances in bins, ``(distances,)``.
        count: Number of functions.
        length: Bins of the sequence.

    Returns:
        Values in (0, 1], ``(distances, count)``.
    """
    half_life = 2 ** np.linspace(SHORTEST_HALF_LIFE, np.log2(length), count)
    decay: Array = 0.5 ** (distance[:, None] / half_life)
    return decay


def central_mask(distance: Array, count: int, length: int) -> Array:
    """1 within 2, 4, 8... bins of the centre (nearer than 2^i - 1), else 0; arguments as of :func:`exponential`."""
    return (distance[:, None] < 2.0 ** np.arange(1, count + 1) - 1).astype(np.float64)


def gamma_density(distance: Array, count: int, length: int) -> Array:
    """Densities of gamma distributions, each over its largest value; arguments as of :func:`exponential`.

    Their means are evenly spaced up to the whole sequence, their standard deviation is half a spacing. In double
    precision: logarithms of thousands cancel. The published weights were trained with each function over its own
    maximum, as here; EleutherAI's conversion divides by the maximum at each distance, unless it reads the values from a
    file that TensorFlow computed, which these agree with to 0.003.
    """
    mean, deviation = np.linspace(length / count, length, count), length / (2 * count)
    density = gamma.pdf(distance[:, None], (mean / deviation) ** 2, scale=deviation**2 / mean) + 1e-8
    scaled: Array = density / density.max(0)
    return scaled


@lru_cache(maxsize=4)
def basis(length: int, features: int) -> Tensor:
    """Features of every distance between two bins of a sequence.

    Args:
        length: Bins of the sequence.
        features: Number of features, a multiple of 6: each kind of function as it is, and with the distance's sign.

    Returns:
        Features of the distances ``-(length - 1)`` to ``length - 1``, ``(2 * length - 1, features)``, float32; shared
        between callers.
    """
    signed = np.arange(1.0 - length, length)
    functions = (exponential, central_mask, gamma_density)
    count = features // (2 * len(functions))
    symmetric = np.concatenate([function(np.abs(signed), count, length) for function in functions], axis=1)
    both = np.concatenate([symmetric, np.sign(signed)[:, None] * symmetric], axis=1)
    return torch.from_numpy(both.astype(np.float32))


def relative_shift(logits: Tensor) -> Tensor:
    """From logits by distance to logits by key (Dai 2019, 1901.02860, appendix B).

    Args:
        logits: Logit of each query and distance, ``(..., length, 2 * length - 1)``, distances ascending from
            ``-(length - 1)``; a length of at least two.

    Returns:
        Of each query ``i`` and key ``j`` the logit of the distance ``j - i``, ``(..., length, length)``.
    """
    length = logits.shape[-2]
    # A row further down begins one distance earlier: rows that are one entry shorter lie in line.
    rows = logits.flatten(-2)[..., length - 1 : -1]
    return torch.unflatten(rows, -1, (length, 2 * length - 2))[..., :length]
