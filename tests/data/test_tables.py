import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tlzoo.data.catalogue import find, load
from tlzoo.data.tables import is_table, read_table, read_tables
from tlzoo.errors import InputError

ROWS = [(f"the {'good' if i % 2 else 'bad'} film number {i}, really", "good" if i % 2 else "bad") for i in range(40)]


def written(folder: Path, name: str, rows: list[tuple[str, str]] = ROWS) -> Path:
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"review": [t for t, _ in rows], "label": [c for _, c in rows]}), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"review": t, "label": c}) + "\n" for t, c in rows))
    else:
        separator = {".csv": ",", ".tsv": "\t"}[path.suffix]
        lines = [separator.join((f'"{t}"', c)) for t, c in rows]
        path.write_text("\n".join([separator.join(("review", "label")), *lines]) + "\n")
    return path


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.jsonl", "mine.parquet"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    data = load(find("text-classification", str(written(tmp_path, name))))
    rows = [row for split in data.splits.values() for row in split]
    names = data.features["label"].names
    assert sorted((row["text"], names[row["label"]]) for row in rows) == sorted(ROWS)
    assert data.notices == (f"{name}: text from column 'review', label from column 'label'",)


def test_files_of_a_folder_are_splits(tmp_path: Path) -> None:
    written(tmp_path, "train.csv", ROWS[:30])
    written(tmp_path, "test.jsonl", ROWS[30:])
    assert is_table(tmp_path)
    data = load(find("text-classification", str(tmp_path)))
    assert sorted(data.splits["test"]["text"][:]) == sorted(text for text, _ in ROWS[30:])


def test_a_file_that_names_no_split_beside_others_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "train.csv")
    written(tmp_path, "more.csv")
    with pytest.raises(InputError, match=r"more\.csv names no split"):
        read_tables(tmp_path)


def test_labels_seen_only_in_the_test_are_said(tmp_path: Path) -> None:
    written(tmp_path, "train.csv", ROWS[:30])
    written(tmp_path, "test.csv", [*ROWS[30:], ("a text of its own kind", "odd")])
    data = load(find("text-classification", str(tmp_path)))
    assert any("'odd'" in notice and "no training example" in notice for notice in data.notices)
    assert data.features["label"].names == ["bad", "good", "odd"]


def test_empty_texts_and_labels_are_left_out_and_named(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.csv", [*ROWS, ("  ", "good"), ("no label", "")])
    data = load(find("text-classification", str(path)))
    assert sum(map(len, data.splits.values())) == len(ROWS)
    assert sorted(data.problems) == ["mine.csv row 41: text is empty", "mine.csv row 42: 'label' is empty"]


def test_a_very_long_text_is_a_row_like_any(tmp_path: Path) -> None:
    long = "word " * 20_000
    path = written(tmp_path, "mine.csv", [*ROWS, (long, "good")])
    rows = load(find("text-classification", str(path))).splits
    assert any(len(text) == len(long) for split in rows.values() for text in split["text"][:])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"text,label\ncaf\xe9,good\n", r"mine\.csv:2: byte 0xe9 is no UTF-8"),
        ("text,label\ngood,good\n".encode("utf-16"), r"mine\.csv:1: a NUL byte"),
        (b"text,label\nabc,good\nx\0y,bad\n", r"mine\.csv:3: a NUL byte"),
        (b"", "mine.csv: No columns to parse"),
        (b"text,label\n", "holds no rows"),
        (b"text,label\na,b\nc,d,e,f\n", "Expected 2 fields in line 3"),
        (b"text,words\na,b\nc,d\n", r"no column of classes \(label.*columns: text, words"),
        (b"label\na\nb\n", r"no column of texts \(text.*columns: label"),
        (b"text,label\na,b\nc,b\n", "only one class"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        find("text-classification", str(path))
    assert "\n" not in str(caught.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"text": "a", "label": "b"}\n\n{"text": \n')
    with pytest.raises(InputError, match=r"mine\.jsonl:3: no JSON"):
        read_table(path)
    (tmp_path / "mine.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="no readable Parquet"):
        read_table(tmp_path / "mine.parquet")
