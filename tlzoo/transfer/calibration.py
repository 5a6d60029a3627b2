"""How certain a model may be (Guo 2017, 1706.04599), and what is unlike its examples, by what it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax
from torch import Tensor, nn

from tlzoo.core.novelty import SMALLEST, Novelty, distances, spread

TEMPERATURES = (0.05, 20.0)
"""Range of temperatures."""
FALSE_ALARMS = 0.01
"""Share of a person's own examples that may be called unknown."""
MAX_NEIGHBOURS = 2_000
"""Training examples whose vectors are kept, drawn at random where there are more."""
MIN_EXAMPLES = 50
"""Examples without which neither certainty nor distance is estimated."""
PART = 1024
"""Examples that are compared with the kept ones at once."""
BINS = 15
"""Of the expected calibration error, of equal width (Guo 2017, 1706.04599, section 2)."""
_SMALLEST = 1e-38

Scores = NDArray[np.float64]
Labels = Sequence[int] | NDArray[np.int64]


def temperature_of(scores: Scores, labels: Labels) -> float:
    """The temperature that makes what is right most likely, and is near 1 where the examples say little.

    Its logarithm is normal beforehand, with a deviation of 1: of examples that are all right, the likeliest temperature
    alone would be 0, which is certain of everything.

    Args:
        scores: Probabilities, ``(examples, classes)``, of examples that the model was not trained on.
        labels: Class of each.
    """
    logs, right = np.log(np.maximum(scores, _SMALLEST)), np.asarray(labels)

    def loss(log_temperature: float) -> float:
        cooled = logs / np.exp(log_temperature)
        fit = (logsumexp(cooled, axis=1) - cooled[np.arange(len(right)), right]).sum()
        return float(fit + log_temperature**2 / 2)

    lowest, highest = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(lowest, highest), method="bounded").x))


def calibration_error(scores: Scores, labels: Labels) -> float:
    """Expected calibration error: mean gap between certainty and share of right answers, weighted by bin; 0 to 1.

    Args:
        scores: Probabilities, ``(examples, classes)``.
        labels: Class of each example.
    """
    certainty, is_right = scores.max(axis=1), scores.argmax(axis=1) == np.asarray(labels)
    bins = np.minimum((certainty * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=is_right - certainty, minlength=BINS)
    return float(np.abs(gaps).sum() / len(certainty))


def tempered(scores: Scores, temperature: float) -> Scores:
    """The scores of logits that are divided by a temperature, ``(examples, classes)``."""
    return np.asarray(softmax(np.log(np.maximum(scores, _SMALLEST)) / temperature, axis=1))


def cool(head: nn.Module, temperature: float) -> bool:
    """Divide the logits of a head by a temperature, in its weights, so that every program that loads it has them.

    Args:
        head: The head.
        temperature: The temperature.

    Returns:
        Whether its last layer is linear, so that it could be done.
    """
    last = list(head.modules())[-1]
    if not isinstance(last, nn.Linear):
        return False
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.div_(temperature)
    return True


def some(count: int) -> Sequence[int]:
    """Indices of the training examples whose vectors are kept, of so many: all, or some drawn at random."""
    if count <= MAX_NEIGHBOURS:
        return range(count)
    drawn: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:MAX_NEIGHBOURS].tolist()
    return drawn


def relative(inside: Tensor, outside: Tensor) -> Tensor:
    """How far examples lie from those that a model was trained on, in units of how far these lie apart.

    Another model that is trained alike may crowd its examples more; in these units, distances compare.

    Args:
        inside: Unit vectors of training examples, ``(examples, dim)``, of :func:`some` where they are many.
        outside: Unit vectors of other examples.

    Returns:
        One an example of ``outside``.
    """
    return torch.cat([distances(part, inside) for part in torch.split(outside, PART)]) / spread(inside)


def novelty_of(own: Tensor, neighbours: Tensor) -> Novelty:
    """What tells an input that is unlike the training examples.

    Args:
        own: Of each example, as :func:`relative` gives it, how far it lies from those that another model, which did not
            see it, was trained on.
        neighbours: Unit vectors of the examples that the final model was trained on, ``(examples, dim)``, of
            :func:`some` where they are many.
    """
    limit = torch.quantile(own, 1 - FALSE_ALARMS)
    return Novelty(neighbours, max(float(limit) * spread(neighbours), SMALLEST), float((own > limit).float().mean()))
