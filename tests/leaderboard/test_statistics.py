import numpy as np
import pytest

from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.statistics import crossed, estimate, gain, tied, verdict

ACCURACY = metric("accuracy")


def flips(rng: np.random.Generator, p: float, n: int) -> list[list[float]]:
    return [[float(x)] for x in rng.random(n) < p]


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = estimate(ACCURACY, {0: flips(rng, 0.7, 150)}, [str(i) for i in range(150)]).interval
        covered += low <= 0.7 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_groups_and_seeds_widen_the_interval() -> None:
    """Ten voices of twenty equal answers each know less than two hundred examples."""
    statistics = [[float(i // 20 % 2)] for i in range(200)]
    alone = estimate(ACCURACY, {0: statistics}, [str(i) for i in range(200)]).interval
    grouped = estimate(ACCURACY, {0: statistics}, [str(i // 20) for i in range(200)]).interval
    assert grouped[1] - grouped[0] > 3 * (alone[1] - alone[0])
    names = [str(i) for i in range(100)]
    same = {0: [[1.0], [0.0]] * 50, 1: [[1.0], [0.0]] * 50}
    different = {0: [[1.0]] * 50 + [[0.0]] * 50, 1: [[1.0]] * 90 + [[0.0]] * 10}
    narrow, wide = (estimate(ACCURACY, runs, names).interval for runs in (same, different))
    assert wide[1] - wide[0] > narrow[1] - narrow[0]


def crossed_pairs(rng: np.random.Generator, documents: int) -> tuple[list[list[float]], list[str]]:
    """Each pair of documents: how well it is told depends on both, and a little on the pair."""
    ease = rng.normal(0.5, 0.2, documents)
    pairs = [(i, j) for i in range(documents) for j in range(i)]
    statistics = [[(ease[i] + ease[j]) / 2 + rng.normal(0, 0.05)] for i, j in pairs]
    return statistics, [crossed(str(i), str(j)) for i, j in pairs]


def test_pairs_that_share_documents_are_resampled_by_document() -> None:
    """Resampling pairs, as if they were independent, would claim far too much."""
    rng = np.random.default_rng(0)
    covered = {"documents": 0, "pairs": 0}
    for _ in range(200):
        statistics, groups = crossed_pairs(rng, 20)
        for what, names in (("documents", groups), ("pairs", [str(i) for i in range(len(groups))])):
            low, high = estimate(ACCURACY, {0: statistics}, names).interval
            covered[what] += low <= 0.5 <= high
    assert 0.88 <= covered["documents"] / 200 <= 0.99
    assert covered["pairs"] / 200 < 0.6
    assert crossed("tiger", "tiger") == "tiger", "a pair of a document with itself counts as often as the document"


def test_a_paired_difference_sees_what_two_intervals_do_not() -> None:
    rng = np.random.default_rng(1)
    names = [str(i) for i in range(400)]
    worse = flips(rng, 0.7, 400)
    better = [[1.0] if s == [0.0] and rng.random() < 0.15 else s for s in worse]
    a, b = estimate(ACCURACY, {0: better}, names), estimate(ACCURACY, {0: worse}, names)
    assert a.interval[0] < b.interval[1], "the intervals overlap"
    assert gain(ACCURACY, a, b).interval[0] > 0
    assert not tied(ACCURACY, a, b)


@pytest.mark.parametrize(("model", "expected"), [(0.9, "positive"), (0.5, "neutral"), (0.1, "negative")])
def test_verdict(model: float, expected: str) -> None:
    rng = np.random.default_rng(2)
    names = [str(i) for i in range(300)]
    scratch = estimate(ACCURACY, {0: flips(rng, 0.5, 300)}, names)
    assert verdict(gain(ACCURACY, estimate(ACCURACY, {0: flips(rng, model, 300)}, names), scratch)) == expected
