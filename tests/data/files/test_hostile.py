"""Files that are small and ask for much, or are damaged where libraries raise anything: each is refused in one line."""

import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support import samples
from tests.support.prepared import refused
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import readers
from tlzoo.data.files.packed.archives import unpacked
from tlzoo.data.files.tables import formats
from tlzoo.data.media import audio, video
from tlzoo.errors import InputError

TEXTS = "text-classification"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))


def test_gzip_that_unpacks_to_much(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 40_000_000, 1))
    with refused("a.csv.gz: more than [0-9,]+ bytes when unpacked, over 100 times its own"):
        find(TEXTS, str(path))


def test_a_workbook_that_unpacks_to_much_or_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}).to_excel(path, index=False)
    content = bytearray(path.read_bytes())
    for place in range(100, len(content), 97):
        damaged = content.copy()
        damaged[place : place + 20] = bytes(20)
        path.write_bytes(damaged)
        try:
            formats.read_columns(path)
        except Exception as error:
            assert type(error).__name__ == "InputError" and "\n" not in str(error)
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(120_000_000))
    with refused("a.xlsx: cannot be read as an Excel workbook: .*over 100 times its own"):
        find(TEXTS, str(path))


def test_parquet_of_many_rows_in_few_bytes_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * (formats.MAX_ROWS + 1), pa.int8()), ["a"])
    pq.write_table(pa.table({"text": column, "label": column}), path)
    with refused("a.parquet: 5,000,001 rows in [0-9,]+ bytes"):
        find(TEXTS, str(path))
    pq.write_table(pa.table({"text": ["a", "b"] * 9, "label": ["x", "y"] * 9}), path)
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    for place in range(len(content) - 8 - length, len(content) - 8, 7):
        path.write_bytes(content[:place] + b"\xff\x0e" + content[place + 2 :])
        try:
            formats.read_columns(path)
        except Exception as error:
            assert type(error).__name__ == "InputError" and "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (",".join(f"c{i}" for i in range(20_000)) + "\n1\n", "a.csv: 20,000 columns; a table may have 10,000"),
        (",".join(f"c{i}" for i in range(10_000)) + "\n" + "1\n" * 1_000, "1 values, but the header has 10000"),
        ("text,label\n" + f"a,{'9' * 5_000}\nb,x\n" * 9, "a class is called '9+'..., 5,000 characters"),
    ],
)
def test_delimited_text_of_many_cells_or_long_classes(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with refused(message):
        find(TEXTS, str(tmp_path / "a.csv"))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with refused("not a regular file"):
            list(readers.rows(path, None, "audio", {}, print))


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_names_that_the_disk_does_not_take(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x" * 300 + ".png", "x")
    else:
        with tarfile.open(path, "w") as tar:
            tar.addfile(tarfile.TarInfo("x" * 300 + ".png"), io.BytesIO())
    with refused("cannot be unpacked: .*File name too long"):
        unpacked(path)


def test_a_link_to_what_is_not_in_the_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("a/0.png")
        link.type, link.linkname = tarfile.LNKTYPE, "b/0.png"
        tar.addfile(link)
    with refused("cannot be unpacked: a link to a file that is not in it"):
        unpacked(tmp_path / "a.tar")


def test_json_that_is_deep(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "a", "label": "b"}])[:-1] + "," + "[" * 50_000)
    with refused("not valid JSON"):
        find(TEXTS, str(tmp_path / "a.json"))


@pytest.mark.parametrize("name", ["x" * 300, "[None, " * 100, "a\0b"])
def test_names_in_tables_and_annotations_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    write_pictures(tmp_path)
    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(8)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label", *rows, f'"{name}",a']))
    if "\0" in name:
        with refused("a NUL byte"):
            find("image-classification", str(tmp_path))
    else:
        assert find("image-classification", str(tmp_path)).name == tmp_path.name
    (tmp_path / "metadata.csv").unlink()
    shape = {"label": "a", "points": [[1, 2], [9, 8]], "shape_type": "rectangle"}
    for i in range(8):
        file = {"version": "5", "imageData": None, "shapes": [shape], "imagePath": f"{i}.png" if i else name}
        (tmp_path / f"{i}.json").write_text(json.dumps(file))
    assert find("object-detection", str(tmp_path)).name == tmp_path.name
    (tmp_path / "boxes.csv").write_text(
        f"filename,class,x,y,width,height\n0.png,a,1,1,5,5\n{'y' * 300}.png,a,1,1,5,5\n"
    )


def write_pictures(folder: Path) -> None:
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")


@pytest.mark.parametrize("name", ["saved.arrow", "saved.parquet"])
def test_a_damaged_saved_data_set_neither_ends_the_process_nor_raises_anything_else(tmp_path: Path, name: str) -> None:
    task, write = samples.DATA[name]
    write(tmp_path)
    (path,) = tmp_path.glob("train.*")
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 8)):
        path.write_bytes(content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :])
        try:
            load(find(task, str(path)))
        except InputError as error:
            assert "\n" not in str(error)


def test_a_sound_or_video_of_an_unknown_codec_is_refused(tmp_path: Path) -> None:
    for name, content, code, read in (
        ("a.m4a", samples.sounds()["a.m4a"], b"mp4a", lambda source: audio.decode(source, 16_000)),
        ("a.mp4", samples.videos()["a.mp4"], b"mp4v", lambda source: video.decode(source, 2)),
    ):
        with refused(f"{name}: "):
            read({"bytes": content.replace(code, b"zzzz").replace(b"esds", b"zzzz"), "path": name})
