from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.prepared import are_apart, sizes
from tlzoo.data.cuts import divide_groups, group_cut
from tlzoo.data.protocol import Limits

ALL = Limits(None, None, None)
WANTED = (0.55, 0.15, 0.3)


def named(count: int, rows: int, seed: int = 0) -> list[str]:
    return [f"g{i}" for i in np.random.default_rng(seed).integers(0, count, rows)]


@pytest.mark.parametrize(("groups", "most"), [(4, 0.101), (6, 0.06), (10, 0.051), (40, 0.01), (500, 0.01)])
def test_sizes_come_out_near_the_wanted_ones(groups: int, most: float) -> None:
    names = [f"g{i % groups}" for i in range(max(200, 4 * groups))]
    counts = np.bincount(group_cut([""] * len(names), names, WANTED)) / len(names)
    assert np.abs(counts - WANTED).max() <= most


def test_classes_keep_their_shares_where_groups_have_some_of_each() -> None:
    rng = np.random.default_rng(0)
    names = named(30, 900)
    tilt = {name: rng.uniform(0.1, 0.9) for name in sorted(set(names))}
    labels = [int(rng.random() < tilt[name]) for name in names]
    part = group_cut(labels, names, WANTED)
    shares = [np.mean([label for label, p in zip(labels, part, strict=True) if p == i]) for i in range(3)]
    assert np.ptp(shares) < 0.05


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 40), st.integers(0, 3), st.randoms(use_true_random=False))
def test_no_group_stands_on_two_sides_and_nothing_is_lost(count: int, seed: int, random: Random) -> None:
    names = [f"v{random.randrange(count)}" for _ in range(300)] + [f"v{i}" for i in range(count)]
    division = divide_groups([0] * len(names), names, None, ALL, seed)
    assert division.notices or are_apart({names[i] for i in indices} for indices in division.indices.values())
    assert sum(map(len, division.indices.values())) == len(names) and all(map(len, division.indices.values()))


def test_the_cut_is_the_same_every_time_and_within_the_limits() -> None:
    names = named(400, 8000)
    first, again = (divide_groups([0] * 8000, names, None, Limits(800, 200, 1000)).indices for _ in range(2))
    assert all(np.array_equal(first[split], again[split]) for split in first)
    assert sizes(first)["test"] == pytest.approx(1000, abs=30)
    assert sizes(first)["validation"] == pytest.approx(200, abs=30)


def test_training_has_every_class_that_it_can_have() -> None:
    """Classes bound to groups, of which random groups would leave some to the test alone."""
    names = [f"g{i % 8}" for i in range(160)]
    labels = [f"class {i % 8 // 2}" for i in range(160)]
    part = group_cut(labels, names, WANTED)
    assert {label for label, p in zip(labels, part, strict=True) if p == 0} == set(labels)


def test_two_groups_leave_one_to_the_test_and_share_the_other() -> None:
    names = ["anna"] * 60 + ["ben"] * 60
    division = divide_groups([i % 2 for i in range(120)], names, None)
    sides = {split: {names[i] for i in indices} for split, indices in division.indices.items()}
    assert sides["train"] == sides["validation"] != sides["test"] and len(sides["test"]) == 1
    assert division.notices == ["2 groups (anna, ben): validation shares groups with train, and the test has its own"]


def test_a_large_group_is_trained_on_and_one_that_is_almost_all_is_broken() -> None:
    names = ["large"] * 200 + [f"g{i % 5}" for i in range(100)]
    division = divide_groups([0] * 300, names, None)
    assert not division.notices and sizes(division.indices) == {"train": 200, "validation": 20, "test": 80}
    names = ["large"] * 290 + [f"g{i % 5}" for i in range(10)]
    division = divide_groups([0] * 300, names, None)
    (notice,) = division.notices
    assert notice.startswith("groups had to be broken: 6 groups, and 'large' has 290 of 300 rows; validation and test")
    assert sizes(division.indices)["test"] == 90


def test_given_splits_are_kept_and_validation_is_cut_by_group() -> None:
    names = named(20, 200) + ["other"] * 50
    splits = ["train"] * 200 + ["test"] * 50
    division = divide_groups([0] * 250, names, splits)
    assert set(division.indices["test"].tolist()) == set(range(200, 250))
    assert are_apart({names[i] for i in division.indices[split]} for split in ("train", "validation"))
    assert Counter(splits[i] for i in division.indices["validation"]) == {"train": len(division.indices["validation"])}
