from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.prepared import are_apart, sizes
from tlzoo.data.protocol import (
    Limits,
    check_learnable,
    check_sides,
    draw,
    shots,
    smallest_visible_gain,
    stratified_order,
    subset,
    without_repeats,
)
from tlzoo.errors import InputError

ALL = Limits(None, None, None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=120), st.integers(0, 5))
def test_every_prefix_is_stratified(labels: list[int], seed: int) -> None:
    order = stratified_order(labels, seed)
    assert sorted(order.tolist()) == list(range(len(labels)))
    total = Counter(labels)
    for size in (len(labels) // 4, len(labels) // 2):
        part = Counter(labels[i] for i in order[:size])
        assert all(abs(part[c] - size * total[c] / len(labels)) <= 1.5 for c in total)


def test_fractions_nest_and_seeds_differ() -> None:
    labels = [i % 10 for i in range(800)]
    tenth, third = (set(subset(labels, f, 0).tolist()) for f in (0.1, 0.3))
    assert len(tenth) == 80
    assert tenth < third
    assert tenth != set(subset(labels, 0.1, 1).tolist())
    assert len(subset(labels, 0.001, 0)) == 10, "never fewer than one a class"


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 40), st.integers(0, 3), st.randoms(use_true_random=False))
def test_no_group_stands_on_two_sides(n_groups: int, seed: int, random: Random) -> None:
    groups = [f"v{random.randrange(n_groups)}" for _ in range(300)]
    groups += [f"v{i}" for i in range(n_groups)]
    chosen = draw([0] * len(groups), groups, None, ALL, seed)
    assert are_apart({groups[i] for i in indices} for indices in chosen.values())
    assert sum(map(len, chosen.values())) == len(groups)


def test_given_splits_are_kept_and_validation_is_cut_from_train_or_is_the_test() -> None:
    splits = ["train"] * 200 + ["test"] * 50
    chosen = draw([i % 2 for i in range(250)], None, splits)
    assert set(chosen["test"].tolist()) == set(range(200, 250))
    assert set(chosen["validation"].tolist()) < set(range(200))
    assert len(chosen["train"]) + len(chosen["validation"]) == 200
    chosen = draw([0, 1] * 50, None, ["train"] * 80 + ["validation"] * 20)
    assert set(chosen["test"].tolist()) == set(range(80, 100))
    assert len(chosen["validation"])


def test_limits_hold_the_draw_is_the_same_every_time_and_needs_enough() -> None:
    first, again = (draw([i % 10 for i in range(5000)], None, None, seed=1) for _ in range(2))
    assert sizes(first) == {"train": 800, "validation": 200, "test": 1000}
    assert all(np.array_equal(first[split], again[split]) for split in first)
    with pytest.raises(InputError, match="too few examples"):
        draw([0, 1], None, None)


@pytest.mark.parametrize(
    ("labels", "is_classed", "message"),
    [
        ({"train": "ab", "validation": "", "test": "ab"}, True, "train 2, validation 0, test 2 rows: no row is left"),
        ({"train": "aa", "validation": "a", "test": "ab"}, True, "train has no class but 'a'; why; give more rows"),
        ({"train": "ab", "validation": "a", "test": "cd"}, True, "train has no class of the test"),
        ({"train": "aa", "validation": "a", "test": "b"}, False, None),
        ({"train": "ab", "validation": "c", "test": "bc"}, True, None),
    ],
)
def test_sides_that_cannot_be_used_are_refused(labels: dict[str, str], is_classed: bool, message: str | None) -> None:
    if message is None:
        check_sides(labels, is_classed)
        return
    with pytest.raises(InputError, match=message):
        check_sides(labels, is_classed, ["why"])


def test_a_class_of_the_test_alone_is_refused_with_its_groups() -> None:
    check_learnable({"train": "ab", "validation": "c", "test": "b"})
    with pytest.raises(InputError, match="class 'c' has 2 test and no training rows; move some of its rows to train"):
        check_learnable({"train": "ab", "validation": "", "test": "bcc"})
    with pytest.raises(
        InputError,
        match=r"class 'c' \(and 1 more classes\) has 2 .*are in the test \(v2, v3\); give rows of it",
    ):
        check_learnable({"train": "ab", "validation": "", "test": "bccd"}, ["v1", "v2", "v3", "v2"])


def test_the_smallest_visible_gain_is_what_a_simulation_shows_in_four_of_five_tests() -> None:
    """McNemar's test, by the normal approximation, of two models that differ on 15% of the examples."""
    rng = np.random.default_rng(0)
    for n in (90, 400):
        gain = smallest_visible_gain(n)
        better = (0.15 + gain) / 2
        wins, losses, _ = rng.multinomial(n, [better, 0.15 - better, 0.85], size=4000).T
        shows = (wins - losses) / np.sqrt(np.maximum(wins + losses, 1)) > 1.96
        assert np.mean(shows) == pytest.approx(0.8, abs=0.04)
    assert smallest_visible_gain(90) == pytest.approx(0.113, abs=0.001)
    assert smallest_visible_gain(3) == 1
    gains = [smallest_visible_gain(n) for n in (10, 30, 100, 1000)]
    assert gains == sorted(gains, reverse=True)


def test_repeated_content_leaves_training() -> None:
    kept = without_repeats({"train": ["a", "b", "c"], "validation": ["b", "d"], "test": ["c", "d"]})
    assert kept == {"test": [0, 1], "validation": [0], "train": [0]}


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 8), st.integers(0, 20))
def test_shots_are_balanced_distinct_and_another_seeds_are_others(labels: list[int], count: int, seed: int) -> None:
    chosen = shots(labels, count, seed).tolist()
    assert len(chosen) == len(set(chosen)) == min(count, len(labels))
    assert chosen == shots(labels, count, seed).tolist()
    found, there = Counter(labels[i] for i in chosen), Counter(labels)
    for a in there:
        for b in there:
            assert found[a] + 1 >= found[b] or found[a] == there[a], "no class has more while another has some left"


def test_shots_come_in_random_order() -> None:
    labels = [0] * 500 + [1] * 20
    firsts = Counter(labels[int(shots(labels, 4, seed)[0])] for seed in range(200))
    assert min(firsts[0], firsts[1]) > 60
    assert len({tuple(shots(labels, 4, seed)) for seed in range(20)}) == 20
