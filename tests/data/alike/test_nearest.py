import numpy as np

from tlzoo.data.alike.nearest import NEIGHBOURS, joined, near_pairs


def test_only_near_ones_are_asked_about_and_never_more_than_some() -> None:
    rng = np.random.default_rng(0)
    points = [np.float32(p) for p in rng.normal(size=(300, 3))]
    asked: list[tuple[int, int]] = []
    given = [*points, points[7] + np.float32(0.001), None]
    found = list(
        near_pairs(given, 0.5, lambda one, other: bool(asked.append((one, other))) or (other == 300 and one == 7))
    )
    assert found == [(7, 300)]
    assert len(asked) == len(set(asked)) <= NEIGHBOURS * len(given)
    assert all(np.linalg.norm(given[a] - given[b]) <= 0.5 for a, b in asked)
    assert list(near_pairs([None, points[0]], 9, lambda *_: True)) == []


def test_what_is_connected_is_one() -> None:
    assert joined(6, [(4, 2), (2, 5), (0, 1)]) == [0, 0, 2, 3, 2, 2]
    assert joined(2, []) == [0, 1]
