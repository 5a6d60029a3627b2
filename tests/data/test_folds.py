from collections import Counter

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from tlzoo.data.dataset import Prepared
from tlzoo.data.folds import Fold, folded
from tlzoo.errors import InputError


def prepared(count: int = 100, per_group: int = 1) -> Prepared:
    """Two classes, of which one is three times as large, in groups of equal size."""
    rows = {
        "id": [f"{i:03}" for i in range(count)],
        "group": [f"g{i // per_group}" for i in range(count)],
        "label": [int(i // per_group % 4 == 0) for i in range(count)],
    }
    kinds = Features({"id": Value("string"), "group": Value("string"), "label": ClassLabel(names=["often", "rare"])})
    whole = Dataset.from_dict(rows, features=kinds)
    parts = {"train": range(60), "validation": range(60, 75), "test": range(75, count)}
    return Prepared(DatasetDict({name: whole.select(part) for name, part in parts.items()}))


@pytest.mark.parametrize("per_group", [1, 5])
def test_every_example_is_tested_once_and_no_group_is_on_two_sides(per_group: int) -> None:
    data = prepared(per_group=per_group)
    tested: Counter[str] = Counter()
    for number in range(5):
        splits = folded(data, Fold(number, 5, seed=0)).splits
        sides = {name: set(rows["group"][:]) for name, rows in splits.items()}
        assert not sides["train"] & sides["test"] and not sides["train"] & sides["validation"]
        assert not sides["validation"] & sides["test"]
        assert sum(map(len, splits.values())) == 100 and len(splits["test"]) == 20
        assert 10 <= len(splits["validation"]) <= 25
        assert sum(splits["test"]["label"][:]) == 5, "as many of the rare class in each fold"
        assert 0 < sum(splits["train"]["label"][:]) < len(splits["train"])
        tested.update(splits["test"]["id"][:])
    assert set(tested.values()) == {1} and len(tested) == 100


def test_another_seed_deals_other_folds_and_the_same_one_the_same() -> None:
    data = prepared()
    one, again, other = (folded(data, Fold(0, 5, seed)).splits["test"]["id"][:] for seed in (0, 0, 1))
    assert one == again and set(one) != set(other)


def test_fewer_groups_than_folds_are_refused() -> None:
    with pytest.raises(InputError, match=r"--folds 5: the data have 4 groups; give that many folds or fewer"):
        folded(prepared(per_group=25), Fold(0, 5, 0))
