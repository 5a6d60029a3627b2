import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlzoo.data.catalogue import find, load
from tlzoo.data.files import coco, f0_folder, mask_folder, passages, squad, transcripts
from tlzoo.data.files.fasta import read_fasta
from tlzoo.data.files.tables import read_table
from tlzoo.data.files.text_files import lines, parse_json, read_text
from tlzoo.data.files.text_files.delimited import read_sheet
from tlzoo.errors import InputError

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
    "mine.jsonl": read_table,
    "list.json": read_table,
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
        (">x\ncafé,1\n".encode("cp1252"), r":2: byte 0xe9 is not valid UTF-8; save the file as UTF-8"),
        ("café\n".encode("utf-16-le"), r":1: a NUL byte; save the file as UTF-8 \(is it UTF-16"),
        (b"PAR1....", "not a text file, but a Parquet file; name it .parquet"),
        (b"PK\3\4....", "not a text file, but a ZIP archive or an Excel workbook"),
        ("café".encode("utf-16")[:-1], "marked as UTF-16, but byte"),
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
    ("text", "told"),
    [
        ("[" * 100_000, "mine: not valid JSON: "),
        ("9" * 5_000, "mine: not valid JSON: "),
        ('{"a": [1, {"b": "x\\ud800"}]}', r"mine: half of a surrogate pair.* in a\[1\]\.b"),
        ('{"a\\udc00": 1}', "mine: half of a surrogate pair"),
    ],
)
def test_json_that_is_none_or_no_text(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parse_json(text, "mine")
    assert "\n" not in str(caught.value)
    assert parse_json('"\\ud83d\\udc4b"', "mine") == "👋"


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
