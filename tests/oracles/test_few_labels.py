"""The draws of MTEB's classification."""

from collections import Counter

import numpy as np

from tlzoo.oracles.embeddings import accuracy
from tlzoo.oracles.few_labels import EXAMPLES, RUNS, draws


def test_each_run_has_as_many_of_each_class_and_another_draw() -> None:
    labels = [place % 3 for place in range(90)]
    drawn = draws(labels)
    assert len(drawn) == RUNS
    assert all(Counter(labels[place] for place in run) == dict.fromkeys(range(3), EXAMPLES) for run in drawn)
    assert len({tuple(sorted(run)) for run in drawn}) == RUNS


def test_the_order_of_each_run_is_shuffled_from_the_run_before() -> None:
    """As MTEB does it: the same generator shuffles what it shuffled before."""
    order = list(range(40))
    np.random.RandomState(42).shuffle(order)
    np.random.RandomState(42).shuffle(order)
    assert draws([0] * 40)[1] == order[:EXAMPLES]


def test_a_regression_reads_classes_that_lie_apart_and_guesses_noise() -> None:
    rng = np.random.default_rng(0)
    labels = [place % 2 for place in range(400)]
    noise = rng.normal(size=(400, 4)).astype(np.float32)
    apart = noise + 4 * np.array(labels, np.float32)[:, None]
    assert accuracy(apart[:200], labels[:200], apart[200:], labels[200:], 100) > 0.98
    assert abs(accuracy(noise[:200], labels[:200], noise[200:], labels[200:], 100) - 0.5) < 0.12
