import pytest
from datasets import Dataset, DatasetDict

from tlzoo.data.counts import Counts
from tlzoo.data.dataset import Prepared, table
from tlzoo.data.schemas import class_features


def rows(labels: list[int], groups: list[str], names: tuple[str, ...] = ("dog", "cat", "bird")) -> Dataset:
    ids = [f"row {i}" for i in range(len(labels))]
    return table(class_features("text", names), {"text": ids, "label": labels, "group": groups, "id": ids})


def test_rows_classes_and_groups_are_counted_by_split() -> None:
    splits = {
        "train": rows([0, 0, 1, 2], ["anna", "anna", "ben", "ben"]),
        "validation": rows([1, 2], ["carl", "carl"]),
        "test": rows([0, 1, 1], ["ben", "dora", "dora"]),
    }
    counts = Prepared(DatasetDict(splits), available={"train": 1200, "validation": 2, "test": 3}).counts()
    assert counts.rows == {"train": 4, "validation": 2, "test": 3}
    assert counts.classes == {"dog": 3, "cat": 4, "bird": 2}
    assert counts.groups == {"train": 2, "validation": 1, "test": 2}
    assert (counts.all_groups, counts.shared_groups) == (4, 1)
    assert str(counts) == (
        "train 4 of 1,200, validation 2, test 3 rows; 3 classes (cat 4, dog 3, bird 2); "
        "4 groups (train 2, validation 1, test 2, of which 1 in train as well)"
    )


@pytest.mark.parametrize(
    ("classes", "groups", "shared", "line"),
    [
        ({}, {"train": 2, "test": 1}, 0, "train 2, test 1 rows"),
        (
            {},
            {"train": 1, "test": 1},
            1,
            "train 2, test 1 rows; 1 group (train 1, test 1, of which 1 in train as well)",
        ),
        ({"9": 3, "0": 2}, {}, 0, "train 2, test 1 rows; 2 classes ('9' 3, '0' 2)"),
        ({f"c{i}": 10 - i for i in range(9)}, {}, 0, "train 2, test 1 rows; 9 classes (smallest c8 2, largest c0 10)"),
    ],
)
def test_the_line_is_short(classes: dict[str, int], groups: dict[str, int], shared: int, line: str) -> None:
    assert str(Counts({"train": 2, "test": 1}, {}, classes, groups, sum(groups.values()) - shared, shared)) == line


@pytest.mark.parametrize(
    ("rows", "groups", "lines"),
    [
        ({"train": 180, "validation": 30, "test": 90}, 90, ["with 90 test examples a gain under 0.11 will not show"]),
        ({"train": 5000, "validation": 30, "test": 90}, 90, []),
        (
            {"train": 5, "validation": 2, "test": 3},
            1,
            ["with 3 test examples no gain will show", "1 group in the test: no interval"],
        ),
        ({"train": 5000, "validation": 2, "test": 90}, 5, ["5 groups in the test: intervals are provisional"]),
        ({"train": 5000, "validation": 2, "test": 90}, 6, []),
    ],
)
def test_what_the_test_cannot_tell_is_said(rows: dict[str, int], groups: int, lines: list[str]) -> None:
    assert Counts(rows, {}, {"a": 1}, {"train": 9, "test": groups}, 99, 0).cautions() == lines


def test_splits_that_the_source_lacks_are_marked() -> None:
    counts = Counts({"train": 4, "validation": 2, "test": 3}, {}, {}, {}, 0, 0, ("validation",))
    assert str(counts) == "train 4, validation 2 (cut from train), test 3 rows"
