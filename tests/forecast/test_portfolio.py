"""Models that complement each other, with what is planted."""

import numpy as np

from tlzoo.forecast.classifier import Array
from tlzoo.forecast.portfolio import complements, difference, together

RNG = np.random.default_rng(0)
LABELS = np.tile(np.arange(4), 60)
GROUPS = [str(i) for i in range(len(LABELS))]


def seeing(bits: np.ndarray) -> Array:
    """Vectors that tell what the bits of a class say, and noise."""
    return np.hstack(
        [bits[LABELS][:, None] * 2.0 + RNG.normal(size=(len(LABELS), 1)), RNG.normal(size=(len(LABELS), 3))]
    )


def test_a_model_is_added_that_sees_what_the_best_one_does_not() -> None:
    high, low = np.array([-1, -1, 1, 1]), np.array([-1, 1, -1, 1])
    few = [seeing(0 * high), seeing(high), seeing(low)]
    right = [together([each], LABELS, GROUPS) for each in few]
    chosen, reached = complements(few, right, LABELS, GROUPS)
    assert len(chosen) == 2 and 2 in chosen and 0 not in chosen
    assert difference(reached, right[chosen[0]], GROUPS)[1] > 0.2


def test_nothing_is_added_that_is_not_better_for_certain() -> None:
    high = np.array([-1, -1, 1, 1])
    few = [seeing(2 * high), seeing(0 * high), seeing(0 * high)]
    right = [together([each], LABELS, GROUPS) for each in few]
    chosen, reached = complements(few, right, LABELS, GROUPS)
    assert chosen == [0] and reached is right[0]
