"""A person's folder is prepared once under its fingerprint, without a copy of its files."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tlzoo.data.catalogue import find, load, sample
from tlzoo.data.media import audio
from tlzoo.errors import InputError
from tlzoo.tasks import task_type

TASK = "audio-classification"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sounds that were decoded to be checked."""
    names: list[str] = []
    check = audio.check

    def counted(value: dict[str, str]) -> str | None:
        names.append(value["path"])
        return check(value)

    monkeypatch.setattr(audio, "check", counted)
    return names


@pytest.fixture
def mine(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "mine")


def test_each_file_is_decoded_once_for_data_and_a_sample_of_their_first_rows(mine: Path, checked: list[str]) -> None:
    source = find(TASK, str(mine))
    splits = [load(source).splits for _ in range(3)]
    assert sample(source, 8).sizes == {name: len(rows) for name, rows in splits[0].items()}
    assert len(checked) == len(set(checked)) == sum(map(len, splits[0].values())) == 120
    data, part = load(source), sample(source, 8)
    assert part.rows.to_list() == data.splits["test"].select(range(8)).to_list()
    assert part.rows.features == data.features
    assert len(sample(source, 1000).rows) == len(data.splits["test"])
    assert task_type(TASK, "audio")(part.rows.features).labels == ("note0", "note1", "note2")


def test_no_file_is_copied_and_rows_decode_as_the_files_do(mine: Path, cache: Path) -> None:
    source = find(TASK, str(mine))
    test = load(source).splits["test"]
    kept = sum(path.stat().st_size for path in (cache / "datasets").rglob("*") if path.is_file())
    files = sum(path.stat().st_size for path in mine.rglob("*.wav"))
    assert kept < files / 20
    assert not any(str(mine).encode() in path.read_bytes() for path in cache.rglob("*.parquet"))
    for row in test.select(range(3)):
        assert row["audio"]["bytes"] is None and row["audio"]["path"] == str(mine / row["id"])
        whole = {"bytes": (mine / row["id"]).read_bytes(), "path": None}
        assert np.array_equal(audio.decode(row["audio"], 16_000), audio.decode(whole, 16_000))


def test_a_changed_file_is_another_data_set(mine: Path, checked: list[str]) -> None:
    before = find(TASK, str(mine))
    load(before)
    first = sorted((mine / "test" / "note0").iterdir())[0]
    first.write_bytes(first.read_bytes()[:-2])
    after = find(TASK, str(mine))
    assert after.fingerprint != before.fingerprint
    del checked[:]
    load(after)
    assert len(checked) == 120


def test_a_file_that_changes_while_the_data_are_read_leaves_nothing_behind(mine: Path, cache: Path) -> None:
    source = find(TASK, str(mine))
    sorted((mine / "test" / "note0").iterdir())[0].write_bytes(b"RIFF")
    with pytest.raises(InputError, match="mine: a file changed while the data were read; run the command again"):
        load(source)
    assert not list(cache.rglob("*.parquet"))


def test_a_copy_of_the_folder_is_read_from_its_own_place(mine: Path, checked: list[str]) -> None:
    load(find(TASK, str(mine)))
    elsewhere = mine.rename(mine.parent / "elsewhere")
    data = load(find(TASK, str(elsewhere)))
    assert len(checked) == 120, "the content is the same"
    assert all(Path(row["audio"]["path"]).is_relative_to(elsewhere) for row in data.splits["test"])
    assert audio.decode(data.splits["test"][0]["audio"], 16_000).size == 4800


def test_a_path_that_a_table_cannot_hold_is_refused(mine: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(mine.parent) + b"/caf\xe9"))
    source = find(TASK, str(mine.rename(odd)))
    with pytest.raises(InputError, match="the path is not UTF-8; rename the folder"):
        load(source)


def test_a_table_of_texts_holds_them(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(60)))
    source = find("text-classification", str(table))
    before = {name: rows.to_list() for name, rows in load(source).splits.items()}
    table.unlink()
    again = load(source)
    assert {name: rows.to_list() for name, rows in again.splits.items()} == before
    assert all(text.startswith("text ") for text in again.splits["train"]["text"][:])
    assert again.columns == {"text": "text"}
