from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from tests.support.prepared import are_apart, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Prepared
from tlzoo.data.files.hub import listed
from tlzoo.data.files.pairs import components, split_pairs
from tlzoo.data.files.pairs import rows as to_predict
from tlzoo.errors import InputError

TASK = "text-embedding"


def rows(count: int, scale: float = 1.0) -> list[tuple[str, str, float]]:
    """Pairs that share no text."""
    return [(f"left number {i}", f"right number {i}", scale * (i % 6) / 5) for i in range(count)]


NAMES = ("sentence1", "sentence2", "score")


def write(path: Path, pairs: Sequence[tuple[str, str, Any]], names: Sequence[str] = NAMES) -> Path:
    return write_table(path, dict(zip(names, zip(*pairs, strict=True), strict=True)))


def texts(data: Prepared) -> list[set[str]]:
    return [{" ".join(t.lower().split()) for t in (*s["sentence1"], *s["sentence2"])} for s in data.splits.values()]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("pairs.csv", ("sentence1", "sentence2", "score")),
        ("pairs.tsv", ("Text1", "Text2", "Similarity")),
        ("pairs.jsonl", ("a", "b", "label")),
        ("pairs.parquet", ("ours", "theirs", "rating")),
    ],
)
def test_every_kind_of_table_and_what_was_guessed(tmp_path: Path, name: str, columns: tuple[str, str, str]) -> None:
    data = load(find(TASK, str(write(tmp_path / name, rows(60), columns))))
    assert {split: len(found) for split, found in data.splits.items()} == {"train": 36, "validation": 6, "test": 18}
    told = zip(NAMES, columns, strict=True)
    assert data.notices == (f"{name}: " + ", ".join(f"{what} from column {column!r}" for what, column in told),)
    row = data.splits["test"][0]
    number = int(row["sentence1"].split()[-1])
    assert (row["sentence2"], row["score"]) == (f"right number {number}", number % 6 / 5)
    assert len(set(data.test_groups())) == 18


def test_scores_are_scaled_by_what_training_has_and_that_is_said(tmp_path: Path) -> None:
    names = ("text_a", "text_b", "score")
    write(tmp_path / "mine/train.csv", rows(24, scale=4), names)
    write(tmp_path / "mine/test.csv", [("one more", "and another", 5.0), ("a", "b", 4.0)], names)
    data = load(find(TASK, str(tmp_path / "mine")))
    assert "scores are from 0 to 4 in training, mapped to 0 and 1" in data.notices
    assert set(data.splits["test"]["score"]) == {1.0, 1.25}
    assert max(data.splits["train"]["score"]) == 1


@pytest.mark.parametrize("scores", [[3.0], [3.0, 3.0]])
def test_a_test_without_an_order_is_refused_before_anything_trains(tmp_path: Path, scores: list[float]) -> None:
    write(tmp_path / "mine/train.csv", rows(24), ("text_a", "text_b", "score"))
    test = [(f"one {i}", f"another {i}", score) for i, score in enumerate(scores)]
    write(tmp_path / "mine/test.csv", test, ("text_a", "text_b", "score"))
    with pytest.raises(InputError, match=rf"the pairs for test \({len(scores)}\) all have one score"):
        find(TASK, str(tmp_path / "mine"))


def test_a_text_is_on_one_side_only(tmp_path: Path) -> None:
    chained = [(f"left number {i // 3}", f"right number {i}", i % 6 / 5) for i in range(90)]
    chained[0] = ("Left  number 5", "right number 0", 0.2)  # another case, more space: the same text
    data = load(find(TASK, str(write(tmp_path / "pairs.csv", chained, ("s1", "s2", "score")))))
    assert are_apart(texts(data))
    assert sum(map(len, data.splits.values())) == 90, "what hangs together goes to one side, and nothing is lost"
    assert len(set(data.test_groups())) < len(data.test_groups())


def test_where_all_pairs_hang_together_texts_are_divided_and_resampled(tmp_path: Path) -> None:
    all_with_all = [(f"text {i}", f"text {j}", abs(i - j) / 20) for i in range(20) for j in range(i)]
    data = load(find(TASK, str(write(tmp_path / "pairs.csv", all_with_all, ("a", "b", "score")))))
    sides = texts(data)
    assert [len(side) for side in sides] == [8, 4, 8]
    assert {split: len(found) for split, found in data.splits.items()} == {"train": 28, "validation": 6, "test": 28}
    assert f"pairs left out, since one of their texts is in another split as well: {190 - 62}" in data.notices
    assert len({name for group in data.test_groups() for name in group.split("\x1f")}) == 8


def test_given_splits_stay_and_the_later_one_keeps_a_shared_text(tmp_path: Path) -> None:
    pairs = rows(30)
    write(tmp_path / "mine/train.csv", [*pairs[:20], ("left number 29", "new", 1.0)])
    write(tmp_path / "mine/dev.csv", pairs[20:25])
    write(tmp_path / "mine/test.csv", pairs[25:])
    data = load(find(TASK, str(tmp_path / "mine")))
    assert {split: len(found) for split, found in data.splits.items()} == {"train": 20, "validation": 5, "test": 5}
    assert "pairs left out, since one of their texts is in another split as well: 1" in data.notices


def test_bad_rows_are_named_and_left_out_and_a_text_of_100_000_characters_is_not(tmp_path: Path) -> None:
    pairs = [*rows(40), ("long " * 20_000, "short", 0.5)]
    bad = [("", "x", 0.5), ("x", "  ", 0.5), ("x", "y", "high"), ("x", "y", "nan")]
    data = load(find(TASK, str(write(tmp_path / "pairs.csv", [*pairs, *bad]))))
    assert data.problems == (
        "pairs.csv row 42: 'sentence1' is empty",
        "pairs.csv row 43: 'sentence2' is empty",
        "pairs.csv row 44: 'score' is 'high', which is not a number",
        "pairs.csv row 45: 'score' is 'nan', which is not a number",
    )
    assert sum(map(len, data.splits.values())) == 41
    assert max(len(t) for rows in data.splits.values() for t in rows["sentence1"]) >= 99_999, "whole"


def test_the_hubs_splits_are_read_the_same_way() -> None:
    pairs = rows(30, scale=5)
    parts = {"train": pairs[:20], "validation": pairs[20:25], "test": pairs[25:]}
    data = {name: Dataset.from_list([dict(zip(NAMES, p, strict=True)) for p in part]) for name, part in parts.items()}
    found = listed(DatasetDict(data), "hub:someone/pairs", TASK)
    assert found.splits == ["train"] * 20 + ["validation"] * 5 + ["test"] * 5
    assert found.targets.of(4, "").columns == {"sentence2": "right number 4", "score": pytest.approx(0.8)}


def test_components() -> None:
    assert components([("a", "b"), ("c", "d"), ("b", "e"), ("f", "f")]) == [0, 1, 0, 2]


def test_missing_splits_are_cut_from_training_only() -> None:
    pairs = [(f"a{i}", f"b{i}") for i in range(40)]
    splits, _ = split_pairs(pairs, ["train"] * 30 + ["test"] * 10)
    assert splits[30:] == ["test"] * 10
    assert {split: splits.count(split) for split in ("train", "validation")} == {"train": 26, "validation": 4}


@pytest.mark.parametrize(
    ("names", "value", "told"),
    [
        (("premise", "hypothesis", "label"), lambda i: i % 3, "'label' of a premise and a hypothesis is a class"),
        (("premise", "hypothesis", "label"), lambda i: i % 2, "'label' of a premise and a hypothesis is a class"),
        (("sentence_A", "sentence_B", "label"), lambda i: i % 3, "'label' is 0, 1 or 2, which are classes"),
        (NAMES, lambda i: i % 3, ""),
        (("sentence1", "sentence2", "label"), lambda i: i % 3 / 2, ""),
        (("question1", "question2", "is_duplicate"), lambda i: i % 2, ""),
    ],
)
def test_classes_are_no_similarity(tmp_path: Path, names: tuple[str, ...], value: Any, told: str) -> None:
    path = write(tmp_path / "pairs.csv", [(a, b, value(i)) for i, (a, b, _) in enumerate(rows(60))], names)
    if told:
        with pytest.raises(InputError, match=told):
            find(TASK, str(path))
    else:
        assert load(find(TASK, str(path))).columns == {"sentence1": names[0], "sentence2": names[1]}


def test_a_score_comes_before_a_class(tmp_path: Path) -> None:
    names = ("sentence_A", "sentence_B", "relatedness_score")
    path = write(tmp_path / "sick.csv", rows(60), names)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{lines[0]},label", *(f"{line},{i % 3}" for i, line in enumerate(lines[1:]))]))
    assert "score from column 'relatedness_score'" in load(find(TASK, str(path))).notices[0]


def test_classes_of_the_hub_that_say_whether_two_texts_mean_the_same() -> None:
    texts = {name: Value("string") for name in ("sentence1", "sentence2")}
    features = Features({**texts, "label": ClassLabel(names=["not_equivalent", "equivalent"])})
    left, right, _ = zip(*rows(60), strict=True)
    columns = {"sentence1": left, "sentence2": right, "label": [i % 2 for i in range(60)]}
    found = listed(DatasetDict({"train": Dataset.from_dict(columns, features=features)}), "hub:a/b", TASK)
    scores = [found.targets.of(i, "").columns["score"] for i in range(4)] if found.targets else []
    assert scores == [0, 1, 0, 1] and found.columns == {"sentence1": "sentence1", "sentence2": "sentence2"}
    other = Features({**features, "label": ClassLabel(names=["entailment", "not_entailment"])})
    with pytest.raises(InputError, match="'label' is 'entailment', a class, as in natural language inference"):
        listed(DatasetDict({"train": Dataset.from_dict(columns, features=other)}), "hub:a/b", TASK)


def test_pairs_to_predict_are_read_from_the_columns_of_training(tmp_path: Path) -> None:
    path, read = tmp_path / "new.csv", list[str]()
    path.write_text("sentence1,sentence2,ours,theirs\na,b,c,d\n")
    known = {"sentence1": "Ours", "sentence2": "theirs"}
    assert [row for _, row in to_predict(path, known, read.append)] == [{"sentence1": "c", "sentence2": "d"}]
    assert read == ["sentence1 from column 'ours', sentence2 from column 'theirs'"]
    path.write_text("sentence1,sentence2\na,b\n")
    with pytest.raises(InputError, match=r"new\.csv: no column 'Ours', .* columns: sentence1, sentence2"):
        list(to_predict(path, known, read.append))
