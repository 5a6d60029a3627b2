import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.rank_metrics import spearman

values = st.integers(0, 6)  # few, so that many tie


def scipys(pairs: np.ndarray) -> float:
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(values, values, st.integers(0, 3)), min_size=3, max_size=40))
def test_it_is_scipys_and_whole_weights_are_repeats(rows: list[tuple[int, int, int]]) -> None:
    pairs, weights = np.array(rows, dtype=float)[:, :2], np.array(rows)[:, 2]
    for counts in (np.ones_like(weights), weights):
        repeated = np.repeat(pairs, counts, axis=0)
        if any(len(np.unique(column)) < 2 for column in repeated.T):
            continue  # SciPy has no number for these
        assert spearman(pairs.tolist(), counts[None].astype(float))[0] == pytest.approx(scipys(repeated), abs=1e-12)


def test_only_the_order_counts_from_minus_one_to_one() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(50, 2))
    weights = rng.integers(0, 3, (7, 50)).astype(float)
    bent = np.stack([np.exp(pairs[:, 0]), -(pairs[:, 1] ** 3)], axis=1)
    assert spearman(pairs.tolist(), weights) == pytest.approx(-spearman(bent.tolist(), weights))
    facts = METRICS["spearman"]
    assert (facts.low, facts.high, facts.higher) == (-1, 1, True)
    down = [[float(-i), float(i)] for i in range(9)]
    assert facts.reduce(down, np.ones((1, 9))).tolist() == [-1]


def test_constants_and_what_is_predicted_as_nan() -> None:
    constant = [[0.3, float(i)] for i in range(5)]
    assert spearman(constant, np.ones((1, 5))).tolist() == [0]
    orderless = [[float(i), 0.3] for i in range(5)]
    assert np.isnan(spearman(orderless, np.ones((1, 5)))).all()
    assert np.isnan(spearman(constant, np.array([[0, 0, 4.0, 0, 0]]))).all(), "a resample of one example"
    rows = [[math.nan, float(i)] for i in range(5)]
    assert np.isnan(spearman(rows, np.ones((1, 5)))).all()
    rows[0][0], rows[1][0] = 0.5, 0.7
    weights = np.array([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert np.isnan(spearman(rows, weights)).tolist() == [True, False], "only where it is drawn"
