import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tests.support.prepared import refused, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import readers
from tlzoo.data.files.tables import is_table, listing, read_tables, rows
from tlzoo.errors import InputError

ROWS = [(f"the {'good' if i % 2 else 'bad'} film number {i}, really", "good" if i % 2 else "bad") for i in range(40)]


def written(folder: Path, name: str, rows: list[tuple[str, str]] = ROWS) -> Path:
    return write_table(folder / name, {"review": [text for text, _ in rows], "label": [label for _, label in rows]})


@pytest.mark.parametrize(
    "name", ["mine.csv", "mine.tsv", "mine.jsonl", "mine.ndjson", "lines.json", "list.json", "mine.parquet", "a.csv.gz"]
)
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    data = load(find("text-classification", str(written(tmp_path, name))))
    rows = [row for split in data.splits.values() for row in split]
    names = data.features["label"].names
    assert sorted((row["text"], names[row["label"]]) for row in rows) == sorted(ROWS)
    assert data.notices == (f"{name}: text from column 'review', label from column 'label'",)


def test_files_named_after_their_split_in_any_way_are_splits_and_others_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "train.csv", ROWS[:30])
    written(tmp_path, "test.jsonl", ROWS[30:])
    assert is_table(tmp_path)
    data = load(find("text-classification", str(tmp_path)))
    assert sorted(data.splits["test"]["text"][:]) == sorted(text for text, _ in ROWS[30:])
    for name, part in (
        ("train-00000-of-00002", ROWS[:10]),
        ("train-00001-of-00002", ROWS[10:24]),
        ("my_test", ROWS[24:]),
    ):
        written(tmp_path / "other", f"{name}.parquet", part)
    data = load(find("text-classification", str(tmp_path / "other")))
    assert sorted(data.splits["test"]["text"][:]) == sorted(text for text, _ in ROWS[24:])
    for folder in (tmp_path, tmp_path / "loose"):
        written(folder, "more.csv")
    written(tmp_path / "loose", "test.csv")
    with pytest.raises(InputError, match=r"more\.csv names no split"):
        read_tables(tmp_path / "loose", [])
    assert "more.csv: left out, since its name says no split" in listing(tmp_path).notices


def test_labels_that_training_lacks_are_said_and_in_the_test_refused(tmp_path: Path) -> None:
    odd = ("a text of its own kind", "odd")
    written(tmp_path, "train.csv", ROWS[:26])
    written(tmp_path, "validation.csv", [*ROWS[26:30], odd])
    written(tmp_path, "test.csv", ROWS[30:])
    data = load(find("text-classification", str(tmp_path)))
    assert any("'odd'" in notice and "no training example" in notice for notice in data.notices)
    assert data.features["label"].names == ["bad", "good", "odd"]
    written(tmp_path, "test.csv", [*ROWS[30:], (f"{odd[0]} in the test", "odd")])
    with pytest.raises(InputError, match="class 'odd' has 1 test and no training rows; move some of its rows to train"):
        load(find("text-classification", str(tmp_path)))


def test_empty_texts_and_labels_are_left_out_and_named_and_very_long_ones_not(tmp_path: Path) -> None:
    long = "word " * 20_000
    path = written(tmp_path, "mine.csv", [*ROWS, (long, "good"), ("  ", "good"), ("no label", "")])
    data = load(find("text-classification", str(path)))
    assert sum(map(len, data.splits.values())) == len(ROWS) + 1
    assert sorted(data.problems) == ["mine.csv row 43: 'label' is empty", "row 42: text is empty"]
    assert any(len(text) == len(long) for split in data.splits.values() for text in split["text"][:])


def table(folder: Path, head: str, *row: str) -> str:
    """A table of forty rows, of which # is the number."""
    path = folder / "mine.csv"
    path.write_text("\n".join([head, *(row[i % len(row)].replace("#", str(i)) for i in range(40))]), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("head", "row", "text", "label"),
    [
        ("idx,sentence,label", "#,it is so #,{}", "sentence", "label"),
        ("Unnamed: 0,note,Class Label", "#,it is so #,{}", "note", "Class Label"),
        ("id,customer note,speaker,sentiment", "a#,it is so #,s#,{}", "customer note", "sentiment"),
        ("text,rating,title,topic,label", "it is so #,3,a title #,a,{}", "text", "label"),
        ("text,label_text,category", "it is so #,{},{}", "text", "category"),
    ],
)
def test_the_columns_that_are_meant(tmp_path: Path, head: str, row: str, text: str, label: str) -> None:
    data = load(find("text-classification", table(tmp_path, head, row.replace("{}", "x"), row.replace("{}", "y"))))
    assert data.columns == {"text": text}
    assert data.notices[0].startswith(f"mine.csv: text from column {text!r}, label from column {label!r}")
    assert all(value.startswith("it is so") for value in data.splits["train"]["text"][:])
    assert data.features["label"].names == ["x", "y"]


@pytest.mark.parametrize(
    ("head", "row", "told"),
    [
        (
            "premise,hypothesis,label",
            "a dog runs #,a cat sits #,{}",
            "it may be premise or hypothesis: --text COLUMN says which",
        ),
        ("question,customer_note,label", "how was it?,it was so #,{}", "it may be question or customer_note"),
        ("category,review,sentiment", "{},it was so #,good #", "the classes may be category or sentiment"),
        ("id,idx,label", "#,#,{}", "no column of texts"),
        ("text,label", "it was so #,ticket #", "40 classes in 40 rows, such as 'ticket 0'"),
    ],
)
def test_columns_that_may_mean_several_things_are_not_guessed(tmp_path: Path, head: str, row: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        find("text-classification", table(tmp_path, head, row.replace("{}", "x"), row.replace("{}", "y")))


def test_the_names_of_classes_in_parquet_are_kept(tmp_path: Path) -> None:
    features = Features({"idx": Value("int32"), "sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    columns = {"idx": range(40), "sentence": [f"a film {i}" for i in range(40)], "label": [i % 2 for i in range(40)]}
    Dataset.from_dict(columns, features=features).to_parquet(tmp_path / "train.parquet")
    Dataset.from_dict({**columns, "label": [-1] * 40}, features=features).to_parquet(tmp_path / "test.parquet")
    data = load(find("text-classification", str(tmp_path)))
    assert data.features["label"].names == ["neg", "pos"] and data.columns == {"text": "sentence"}
    for row in (row for split in data.splits.values() for row in split):
        assert row["label"] == int(row["text"].split()[-1]) % 2
    assert "test.parquet: left out, since its rows have no classes" in data.notices and not data.problems


def test_blanks_and_nothing_are_no_classes_and_case_is_said(tmp_path: Path) -> None:
    labels = ["good", " good ", "bad", "Bad", None, float("nan")] * 10
    path = write_table(tmp_path / "mine.jsonl", {"text": [f"text {i}" for i in range(60)], "label": labels})
    data = load(find("text-classification", str(path)))
    assert data.features["label"].names == ["Bad", "bad", "good"]
    assert "classes that differ only in case: 'Bad', 'bad'" in data.notices
    assert len(data.problems) == 20 and data.problems[0] == "mine.jsonl row 5: 'label' is empty"


@pytest.mark.parametrize("name", ["new.csv", "new.tsv", "new.jsonl", "new.json", "new.ndjson"])
def test_rows_to_predict_are_read_from_the_column_of_training(tmp_path: Path, name: str) -> None:
    path, read = tmp_path / name, list[str]()
    column = "customer_note" if "json" in name else "Customer Note"
    given = [{"question": "how was it?", "customer_note": f"so {i}"} for i in range(3)]
    if "json" in name:
        path.write_text("\n".join(map(json.dumps, given)))
    else:
        lines = ["question;Customer Note", *(";".join(row.values()) for row in given)]
        path.write_text("\n".join(lines))
    found = list(rows(path, {"text": "customer_note"}, read.append))
    assert [row["text"] for _, row in found if isinstance(row, dict)] == ["so 0", "so 1", "so 2"]
    assert read == [f"text from column {column!r}"]
    with pytest.raises(InputError, match=rf"{name}: no column 'body', from which the model.s text is read; col"):
        list(rows(path, {"text": "body"}, read.append))
    assert [row["text"] for _, row in rows(path, {}, read.append) if isinstance(row, dict)] == ["how was it?"] * 3


def test_a_table_without_a_column_of_texts_is_not_guessed_in_predicting(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("it was good\nit was bad\n")
    line = r"no column of texts \(.*--text COLUMN says which it is; columns: it was good"
    with pytest.raises(InputError, match=line):
        list(rows(tmp_path / "a.csv", {}, print))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", '[{"text": "a"}]'),
        ("a.txt", '{"text": "a"}\n{"text": "b"}\n'),
        ("b", '[\n{"text": "a"}\n]'),
        ("a.json", "{}"),
    ],
)
def test_json_is_no_plain_text_to_predict(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r": JSON(,| rather)"):
        list(rows(tmp_path / name, {}, print))
    (tmp_path / name).write_text("[sic] it was {good}\n")
    if name != "a.json":
        assert [row for _, row in rows(tmp_path / name, {}, print)] == [{"text": "[sic] it was {good}"}]


def texts(path: Path) -> Counter[tuple[str, str]]:
    """Texts and classes of a path, however they are kept."""
    examples = listing(path)
    return Counter(zip(examples.inputs, examples.labels, strict=True))


PLAIN = [(text.replace(",", ""), label) for text, label in ROWS]
"""Texts that need no quotes."""
WANTED = Counter(PLAIN)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trec.label", "\n".join(f"{label} {text}" for text, label in PLAIN)),
        ("fasttext.txt", "\n".join(f"__label__{label} {text}" for text, label in PLAIN)),
        ("sentences.txt", "\n".join(f"{text}\t{label}" for text, label in PLAIN)),
        ("nohead.csv", "\n".join(f"{text},{label}" for text, label in PLAIN)),
        ("nohead.tsv", "\n".join(f"{label}\t{text}" for text, label in PLAIN)),
        ("bars.csv", "text|label\n" + "\n".join(f"{text}|{label}" for text, label in PLAIN)),
        ("blanks.csv", "text , label\n" + "\n".join(f"{text},{label} " for text, label in PLAIN)),
    ],
)
def test_texts_and_classes_are_the_same_whatever_they_are_kept_in(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert texts(tmp_path / name) == WANTED
    columns = {"text": [text for text, _ in PLAIN], "label": [label for _, label in PLAIN]}
    paths = (tmp_path / name, write_table(tmp_path / "same.parquet", columns))
    prints = {find("text-classification", str(path)).fingerprint for path in paths}
    assert len(prints) == 1, "the same texts are the same data"


def test_a_text_a_file_in_folders_of_classes_and_of_splits(tmp_path: Path) -> None:
    for index, (text, label) in enumerate(PLAIN):
        path = tmp_path / ("train" if index < 30 else "test") / label / f"{index}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert texts(tmp_path) == WANTED
    assert Counter(listing(tmp_path).splits or []) == {"train": 30, "test": 10}


def test_tables_in_folders_of_splits(tmp_path: Path) -> None:
    for split, part in (("train", PLAIN[:30]), ("test", PLAIN[30:])):
        written(tmp_path / split, "data.csv", part)
    assert texts(tmp_path) == WANTED
    assert Counter(listing(tmp_path).splits or []) == {"train": 30, "test": 10}


def test_windows_encoding_is_read_and_said(tmp_path: Path) -> None:
    rows = [(f"Müller – «{text}»", label) for text, label in PLAIN]
    (tmp_path / "a.csv").write_bytes(("text,label\n" + "\n".join(map(",".join, rows))).encode("cp1252"))
    assert texts(tmp_path / "a.csv") == Counter(rows)
    notices = readers.listing(tmp_path / "a.csv", "text-classification").notices
    assert any("a.csv: is not UTF-8, and read as Windows-1252" in notice for notice in notices)


def test_a_person_names_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "category,note,review,mood\n"
        + "\n".join(f"c{i % 3},n{i},{text},{label}" for i, (text, label) in enumerate(PLAIN))
    )
    examples = readers.listing(path, "text-classification", {"text": "Review", "label": "mood"})
    assert Counter(zip(examples.inputs, examples.labels, strict=True)) == WANTED
    assert examples.columns == {"text": "review"}
    with refused("--label mode: no such column; columns: category, note, review, mood"):
        readers.listing(path, "text-classification", {"label": "mode"})
    with refused("--text note: the data of question-answering are read by the usual names of columns and splits alone"):
        readers.listing(path, "question-answering", {"text": "note"})
    keys = {find("text-classification", str(path), given={"label": column, "text": "review"}).fingerprint
            for column in ("mood", "category")}  # fmt: skip
    assert len(keys) == 2, "another column is another data set"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (lambda i: ("a;b", "a", "b", "b;c", "c", "a;c")[i % 6], "several classes are written as one, such as 'a;b'"),
        (lambda i: f"{i % 25 / 10}", "the classes are 25 numbers, such as 0.0: values on a scale"),
    ],
)
def test_what_are_no_classes_is_refused_with_the_reason(
    tmp_path: Path, label: Callable[[int], str], message: str
) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(f"some text number {i},{label(i)}" for i in range(100)))
    with refused(message):
        listing(tmp_path / "a.csv")


def test_words_for_a_missing_value_are_no_classes(tmp_path: Path) -> None:
    odd = ("NaN", "nan", "NA", "N/A", "null", "<NA>", "")
    lines = [f"a text without a class {i},{word}" for i, word in enumerate(odd)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join([*map(",".join, PLAIN), *lines]))
    examples = listing(tmp_path / "a.csv")
    assert set(examples.labels) == {"good", "bad"}
    assert len(examples.problems) == len(odd)
