import math

import numpy as np
import pytest

from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.statistics import UNTRAINED, Estimate, SeedVariance, crossed, estimate, gain, pooled

ACCURACY = metric("accuracy")
Answers = list[list[float]]


def flips(rng: np.random.Generator, p: float, n: int) -> Answers:
    return [[float(x)] for x in rng.random(n) < p]


def of(by_seed: dict[int, Answers], per_group: int = 1, name: str = "accuracy") -> Estimate:
    return estimate(metric(name), by_seed, [str(i // per_group) for i in range(len(by_seed[0]))])


def width(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


@pytest.mark.parametrize(("per_group", "correlation"), [(1, 0.0), (25, 0.05)])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(per_group: int, correlation: float) -> None:
    """Two hundred examples, alone or in eight voices of which some are harder."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        ease = rng.beta(0.7 * 19, 0.3 * 19, 200 // per_group) if correlation else np.full(200, 0.7)
        answers = [[float(x)] for x in rng.random(200) < np.repeat(ease, per_group)]
        low, high = of({0: answers}, per_group).interval() or (0.0, 0.0)
        covered += low <= 0.7 <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_an_interval_of_independent_answers_is_wilsons() -> None:
    """Brown, Cai & DasGupta 2001, with t for the normal quantile and the unbiased variance."""
    low, high = of({0: [[1.0]] * 90 + [[0.0]] * 10}).interval() or (0.0, 0.0)
    n, t = 99.0, 1.98422
    middle, half = (0.9 + t * t / (2 * n)) / (1 + t * t / n), t * math.sqrt(0.09 / n + t * t / (4 * n * n))
    assert (low, high) == pytest.approx((middle - half / (1 + t * t / n), middle + half / (1 + t * t / n)), abs=1e-5)


def test_an_interval_stays_within_the_range_and_is_never_a_point() -> None:
    low, high = of({0: [[1.0]] * 40}, per_group=10).interval() or (0.0, 0.0)
    assert high == 1 and 0 < low < 0.5, "four groups without a fault"
    low, high = of({0: [[0.0]] * 40}).interval() or (0.0, 0.0)
    assert low == 0 and 0.02 < high < 0.2
    assert (of({0: [[30.0], [31.0]] * 20}, name="psnr").interval() or (0.0, 0.0))[1] > 30.5


def test_one_group_tells_nothing() -> None:
    one = of({0: flips(np.random.default_rng(0), 0.7, 40)}, per_group=40)
    assert one.interval() is None
    difference = gain(one, of({0: [[0.0]] * 40}, per_group=40), UNTRAINED, UNTRAINED)
    assert difference.value > 0 and difference.interval is None and difference.verdict is None


def test_groups_widen_the_interval() -> None:
    """Ten voices of twenty equal answers each know less than two hundred examples."""
    answers = [[float(i // 20 % 2)] for i in range(200)]
    assert width(of({0: answers}, 20).interval()) > 3 * width(of({0: answers}).interval())


def test_seeds_widen_the_interval_by_what_is_between_them() -> None:
    rng = np.random.default_rng(0)
    between = SeedVariance(0.04**2, 0.04**2, 20)
    runs = {seed: flips(rng, 0.7, 400) for seed in range(4)}
    one, four = of({0: runs[0]}), of(runs)
    assert width(one.interval(between)) > 1.5 * width(one.interval()), "one seed knows little"
    assert width(four.interval(between)) < 0.8 * width(one.interval(between))
    assert four.interval(None) == four.interval(UNTRAINED), "not known: sampling only"


def test_the_variance_between_seeds_is_found_apart_from_that_of_the_examples() -> None:
    """Thirty models of three seeds; their runs differ on examples by chance, which is not the seeds' doing."""
    rng = np.random.default_rng(0)
    for sd in (0.0, 0.02, 0.05):
        models = [of({s: flips(rng, 0.7 + rng.normal(0, sd), 500) for s in range(3)}) for _ in range(30)]
        found = pooled(models)
        assert found is not None and found.degrees == 60
        assert found.sd == pytest.approx(sd, abs=0.012)
    assert pooled([of({0: flips(rng, 0.7, 50)})]) is None


def crossed_pairs(rng: np.random.Generator, documents: int) -> tuple[Answers, list[str]]:
    """Each pair of documents: how well it is told depends on both, and a little on the pair."""
    ease = rng.normal(0.5, 0.2, documents)
    pairs = [(i, j) for i in range(documents) for j in range(i)]
    statistics = [[(ease[i] + ease[j]) / 2 + rng.normal(0, 0.05)] for i, j in pairs]
    return statistics, [crossed(str(i), str(j)) for i, j in pairs]


def test_pairs_that_share_documents_are_not_independent() -> None:
    """As if pairs were independent, far too much would be claimed."""
    rng = np.random.default_rng(0)
    covered = {"documents": 0, "pairs": 0}
    for _ in range(300):
        statistics, groups = crossed_pairs(rng, 20)
        for what, names in (("documents", groups), ("pairs", [str(i) for i in range(len(groups))])):
            low, high = estimate(ACCURACY, {0: statistics}, names).interval() or (0.0, 0.0)
            covered[what] += low <= 0.5 <= high
    assert 0.92 <= covered["documents"] / 300 <= 0.98
    assert covered["pairs"] / 300 < 0.6
    assert crossed("tiger", "tiger") == "tiger", "a pair of a document with itself counts as often as the document"


def test_pairs_that_share_nothing_of_their_documents_are_no_wider_than_they_must_be() -> None:
    rng = np.random.default_rng(0)
    pairs = [crossed(str(i), str(j)) for i in range(24) for j in range(i)]
    answers = flips(rng, 0.7, len(pairs))
    together, alone = estimate(ACCURACY, {0: answers}, pairs), estimate(ACCURACY, {0: answers}, list(map(str, pairs)))
    assert together.sample.units == 24
    assert width(together.interval()) < 1.5 * width(of({0: answers}).interval())
    assert alone.value == together.value


def test_a_paired_difference_sees_what_two_intervals_do_not() -> None:
    rng = np.random.default_rng(1)
    worse = flips(rng, 0.7, 400)
    better = [[1.0] if s == [0.0] and rng.random() < 0.15 else s for s in worse]
    a, b = of({0: better}), of({0: worse})
    (low, _), (_, high) = a.interval() or (1.0, 1.0), b.interval() or (0.0, 0.0)
    assert low < high, "the intervals overlap"
    found = gain(a, b, UNTRAINED, UNTRAINED)
    assert found.interval is not None and found.interval[0] > 0


@pytest.mark.parametrize(("model", "expected"), [(0.9, "positive"), (0.5, "neutral"), (0.1, "negative")])
def test_verdict(model: float, expected: str) -> None:
    rng = np.random.default_rng(2)
    between = SeedVariance(0.01**2, 0.01**2, 8)
    two = [of({seed: flips(rng, p, 300) for seed in range(2)}) for p in (model, 0.5)]
    assert gain(*two, between, between).verdict == expected
    one = of({0: flips(rng, model, 300)})
    assert gain(one, two[1], between, between).verdict == "unreplicated"
    assert gain(one, two[1], None, between).verdict == "unreplicated"
    assert gain(one, two[1], UNTRAINED, between).verdict == expected, "what is not trained needs no second seed"


def test_of_errors_a_gain_is_positive_where_there_are_fewer() -> None:
    few, many = (of({0: [[errors, 10.0]] * 50}, name="wer") for errors in (1.0, 4.0))
    assert gain(few, many, UNTRAINED, UNTRAINED).value == pytest.approx(0.3)
