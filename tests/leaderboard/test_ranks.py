"""Places that hold for all rows at once."""

import numpy as np

from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.ranks import places
from tlzoo.leaderboard.statistics import UNTRAINED, Estimate, SeedVariance, estimate

NAMES = [str(i) for i in range(300)]


def model(rng: np.random.Generator, accuracy: float, names: list[str] = NAMES) -> Estimate:
    return estimate(metric("accuracy"), {0: (rng.random((len(names), 1)) < accuracy).astype(float)}, names)


def test_equal_models_are_hardly_ever_told_apart() -> None:
    """Ten models are forty-five pairs, of which two would be told apart on each board without a correction."""
    rng = np.random.default_rng(0)
    boards = [places([model(rng, 0.8) for _ in range(10)], [UNTRAINED] * 10) for _ in range(100)]
    assert sum(any(place != (1, 10) for place in board) for board in boards) <= 8


def test_what_differs_for_certain_is_told_apart_and_what_does_not_shares_its_places() -> None:
    rng = np.random.default_rng(1)
    models = [model(rng, accuracy) for accuracy in (0.95, 0.7, 0.7, 0.3)]
    assert places(models, [UNTRAINED] * 4) == [(1, 1), (2, 3), (2, 3), (4, 4)]
    uncertain = SeedVariance(0.2**2, 0.2**2, 8)
    assert places(models, [uncertain] * 4)[0] == (1, 4), "another seed would change more than the difference"


def test_the_smaller_error_is_the_better_place() -> None:
    few, many = (estimate(metric("wer"), {0: [[errors, 10.0]] * 50}, NAMES[:50]) for errors in (1.0, 4.0))
    assert places([many, few], [UNTRAINED] * 2) == [(2, 2), (1, 1)]


def test_other_examples_and_one_group_tell_nothing_apart() -> None:
    rng = np.random.default_rng(2)
    others = [model(rng, 0.95), model(rng, 0.3, [f"x{i}" for i in range(300)])]
    assert places(others, [UNTRAINED] * 2) == [(1, 2), (1, 2)]
    assert places([model(rng, accuracy, ["one"] * 300) for accuracy in (0.95, 0.3)], [UNTRAINED] * 2) == [(1, 2)] * 2
