import numpy as np

from tlzoo.leaderboard.pareto import front


def test_front_is_what_nothing_dominates_and_equal_points_are_all_on_it() -> None:
    assert front([(1, 5), (2, 3), (3, 4), (4, 1), (4, 2)]) == [0, 1, 3]
    assert front([(1, 1), (1, 1)]) == [0, 1]


def test_every_other_point_is_dominated() -> None:
    points = np.random.default_rng(0).random((60, 3)).tolist()
    best = set(front(points))
    for i, p in enumerate(points):
        beaten = any(all(a <= b for a, b in zip(points[j], p, strict=True)) for j in best if j != i)
        assert beaten != (i in best)
