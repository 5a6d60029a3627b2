"""The files of text that people bring: encodings, separators and quotes."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlzoo.data.catalogue import find, load
from tlzoo.data.files import coco, f0_folder, folder, mask_folder, passages, squad, transcripts
from tlzoo.data.files.fasta import read_fasta
from tlzoo.data.files.tables import read_table
from tlzoo.data.files.text_files import column_named, lines, parse_json, read_sheet, read_text
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("new_cache")

TEXT = "text,label\ncafé 👋,good\nשלום,bad\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_that_say_what_they_are(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = TEXT.encode(encoding)
    path = tmp_path / "mine.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read_text(path) == TEXT
    assert "".join(lines(path)) == TEXT
    assert read_sheet(path).columns == {"text": ["café 👋", "שלום"], "label": ["good", "bad"]}


def read_masks(path: Path) -> object:
    for part in ("images", "masks"):
        (path.parent / part).mkdir()
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(path.parent / part / "a.png")
    return mask_folder.listing(path.parent)


READERS: dict[str, Callable[[Path], object]] = {
    "mine.csv": read_table,
    "mine.jsonl": read_table,
    "list.json": read_table,
    "metadata.csv": lambda path: folder.listing(path.parent, "audio"),
    "a/metadata.csv": lambda path: transcripts.listing(path.parent),
    "1-2.trans.txt": lambda path: transcripts.listing(path.parent),
    "f0.csv": f0_folder.read,
    "squad.json": squad.listing,
    "coco.json": lambda path: coco.listing(path, "object-detection"),
    "classes.txt": read_masks,
    "story.txt": passages.listing,
    "a.fa": lambda path: list(read_fasta(path)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (">x\ncafé,1\n".encode("cp1252"), r":2: byte 0xe9 is no UTF-8; save the file as UTF-8"),
        ("café\n".encode("utf-16-le"), r":1: a NUL byte; save the file as UTF-8 \(is it UTF-16"),
        (b"PAR1....", "is no text, but a Parquet file; name it .parquet"),
        (b"PK\3\4....", "is no text, but a ZIP archive or an Excel workbook"),
        ("café".encode("utf-16")[:-1], "is marked as UTF-16, but at byte"),
        (gzip.compress(b">x\nACGT\n")[:-9], "ended before the end-of-stream"),
    ],
    ids=["cp1252", "utf-16 without a mark", "parquet", "zip", "torn utf-16", "torn gzip"],
)
def test_what_is_no_text_is_one_line_whoever_reads_it(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with pytest.raises(InputError, match=told) as caught:
        READERS[name](path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "text;label\na, b;x\nc;y\n", [("a, b", "x"), ("c", "y")]),
        ("a.csv", "text\tlabel\na, b\tx\n", [("a, b", "x")]),
        ("a.csv", "text|label\na, b|x\n", [("a, b", "x")]),
        ("a.tsv", "text,label\na\tb,x\n", [("a\tb", "x")]),
        ("a.csv", " Text , label \na,b\n", [("a", "b")]),
        ("a.csv", "text,label\na,b,\nc,d,,\n", [("a", "b"), ("c", "d")]),
        ("a.csv", "text,label,\na,b\nc,d,\n", [("a", "b"), ("c", "d")]),
        ("a.csv", "text,label\na\n\nc,d\n", [("a", ""), ("c", "d")]),
        ("a.csv", 'text,label\r\n"a\nb, ""c""",x\r\n', [('a\nb, "c"', "x")]),
        ("a.csv", 'text,label\n"he said \\"hi\\" to me",x\nc,d\n', [('"he said \\"hi\\" to me"', "x"), ("c", "d")]),
        ("a.tsv", 'text\tlabel\n"a\tx\nb\ty\n"c" d\tx\n', [('"a', "x"), ("b", "y"), ('"c" d', "x")]),
        (
            "a.tsv",
            'text\tlabel\n"a\tx\nb\ty\nc"\tx\n"d ""e"""\ty\n',
            [('"a', "x"), ("b", "y"), ('c"', "x"), ('d "e"', "y")],
        ),
        ("a.tsv", 'text\tlabel\n"a\nb"\tx\n', [("a\nb", "x")]),
        ("a.csv", "text,label\n" + "a" * 200_000 + ",b\n", [("a" * 200_000, "b")]),
    ],
)
def test_separators_heads_and_quotes(tmp_path: Path, name: str, content: str, rows: list[tuple[str, str]]) -> None:
    (tmp_path / name).write_text(content, newline="")
    columns = read_table(tmp_path / name).columns
    text, label = (column_named(columns, [wanted]) for wanted in ("text", "label"))
    assert text and label and len(columns) == 2
    assert list(zip(columns[text], columns[label], strict=True)) == rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,label\nwell, then,good\nwell, no,bad\n", r"a\.csv:2: 3 values, where the head has 2; .*commas"),
        ('text,label\nx,y\n"a\nb",good\n\nc, d,bad\n', r"a\.csv:6: 3 values"),
        ('text,label\nx,y\n"a, b,good\nc, d,bad\n', r"a\.csv:3: a quote that is opened and not closed"),
        ("text;label\na;b;c\n", r"a\.csv:2: 3 values, where the head has 2; .*semicolons"),
    ],
)
def test_lines_that_do_not_fit_the_head_are_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        read_table(tmp_path / "a.csv")


def test_names_that_stand_twice_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",text,text,label\n0,a,b,c\n")
    assert list(read_table(tmp_path / "a.csv").columns) == ["column 1", "text", "text.1", "label"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "mine: no JSON: "),
        ("9" * 5_000, "mine: no JSON: "),
        ('{"a": [1, {"b": "x\\ud800"}]}', r"mine: half of a surrogate pair.* in a\[1\]\.b"),
        ('{"a\\udc00": 1}', "mine: half of a surrogate pair"),
    ],
)
def test_json_that_is_none_or_no_text(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_json(text, "mine")
    assert "\n" not in str(caught.value)
    assert parse_json('"\\ud83d\\udc4b"', "mine") == "👋"


def test_half_a_surrogate_pair_in_the_id_of_a_question_is_one_line(tmp_path: Path) -> None:
    asked = {"id": "a\ud800", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    content = {"data": [{"title": "t", "paragraphs": [{"context": "Ada wrote.", "qas": [asked]}]}]}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"data\[0\]\.paragraphs\[0\]\.qas\[0\]\.id"):
        squad.listing(tmp_path / "mine.json")


def test_names_of_files_and_folders_that_are_no_utf_8(tmp_path: Path) -> None:
    home = os.fsencode(tmp_path / "mine")
    rng = np.random.default_rng(0)
    for i in range(24):
        path = os.path.join(home, b"caf\xe9" if i % 2 else b"other", b"%d\xff.png" % i)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)).save(file, "PNG")
    data = load(find("image-classification", str(tmp_path / "mine")))
    assert data.features["label"].names == ["caf\ufffd", "other"]
    assert sum(map(len, data.splits.values())) == 24
