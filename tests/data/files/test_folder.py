import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.support.prepared import Maker, refused
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import readers
from tlzoo.data.files.folder import listing
from tlzoo.data.files.walk import walk
from tlzoo.errors import InputError

TASK = "audio-classification"


def subfolders(sound: Maker, root: str = "mine", n: int = 12) -> None:
    for i in range(n):
        sound(f"{root}/low/{i}.wav", 200 + i)
        sound(f"{root}/high/{i}.wav", 2000 + i)


def test_class_subfolders(sound: Maker, tmp_path: Path) -> None:
    subfolders(sound)
    data = load(find(TASK, str(tmp_path / "mine")))
    assert data.features["label"].names == ["high", "low"]
    assert sum(len(s) for s in data.splits.values()) == 24
    assert Path(data.splits["test"][0]["audio"]["path"]).read_bytes().startswith(b"RIFF")


def test_metadata_with_split_folders_and_speakers(sound: Maker, tmp_path: Path) -> None:
    for split in ("train", "test"):
        lines = ["file_name,label,speaker"]
        for i in range(12):
            sound(f"mine/{split}/{i}.wav", 300 + 50 * i + (split == "test"))
            lines.append(f"{i}.wav,{i % 2},s{i % 4}")
        (tmp_path / "mine" / split / "metadata.csv").write_text("\n".join(lines))
    data = load(find(TASK, str(tmp_path / "mine")))
    assert len(data.splits["test"]) == 12
    assert set(data.splits["train"]["group"][:]) <= {"s0", "s1", "s2", "s3"}
    assert data.notices == ("metadata.csv: label from column 'label', groups from column 'speaker'",)
    assert set(data.test_groups()) == {"s0", "s1", "s2", "s3"}, "though speakers of the test are in training as well"


def test_one_class_is_refused_with_the_alternatives(sound: Maker, tmp_path: Path) -> None:
    sound("mine/only/a.wav")
    with pytest.raises(InputError, match=r"only one class \('only'\).*metadata\.csv"):
        find(TASK, str(tmp_path / "mine"))


def test_an_unreadable_file_among_good_ones_is_named_and_left_out(sound: Maker, tmp_path: Path) -> None:
    subfolders(sound)
    (tmp_path / "mine" / "low" / "3.wav").write_bytes(b"RIFF but no sound")
    data = load(find(TASK, str(tmp_path / "mine")))
    assert len(data.problems) == 1
    assert data.problems[0].startswith("low/3.wav: ")
    assert sum(len(s) for s in data.splits.values()) == 23


def fingerprint(folder: Path, kind: str) -> str:
    return readers.fingerprint(listing(folder, kind), folder)


def test_the_fingerprint_follows_the_content(sound: Maker, tmp_path: Path) -> None:
    subfolders(sound)
    before = fingerprint(tmp_path / "mine", "audio")
    shutil.copytree(tmp_path / "mine", tmp_path / "copy")
    assert fingerprint(tmp_path / "copy", "audio") == before
    sound("copy/low/3.wav", 999.0)
    assert fingerprint(tmp_path / "copy", "audio") != before


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("spoken-digit", "did you mean 'spoken-digits'"),
        ("faces", "is for face-detection, not audio-classification"),
    ],
)
def test_what_cannot_be_found_names_the_alternatives(wanted: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find(TASK, wanted)


def test_pictures_by_class_folders(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", "a", "b", n=10)
    shutil.copytree(folder / "a", folder / ".ipynb_checkpoints")
    (folder / "a" / "0.png").write_bytes(b"no picture")
    data = load(find("image-classification", str(tmp_path / "mine")))
    assert data.features["label"].names == ["a", "b"]
    assert sum(len(s) for s in data.splits.values()) == 19
    assert len(data.problems) == 1 and data.problems[0].startswith("a/0.png: not an image, or not in a format")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: f.mkdir(), r"no image files \(\.avif, .*\) with a label"),
        (lambda f: f.write_text("x"), "no such folder"),
        (
            lambda f: (f / "only").mkdir(parents=True) or Image.new("L", (4, 4)).save(f / "only" / "a.png"),
            "only one class",
        ),
        (lambda f: f.mkdir() or Image.new("L", (4, 4)).save(f / "a.png"), "no image files"),
    ],
)
def test_what_is_no_set_of_pictures_is_one_line(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path / "mine")
    with refused(message):
        find("image-classification", str(tmp_path / "mine"))


def pictures(root: Path, *folders: str, n: int = 12) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            noise = np.random.default_rng(crc32(f"{folder} {i}".encode())).integers(0, 256, (8, 9, 3), np.uint8)
            Image.fromarray(noise).save(root / folder / f"{i}.png")
    return root


@pytest.mark.parametrize(
    ("train", "test"),
    [("training_set", "test_set"), ("seg_train", "seg_test"), ("Train", "Test"), ("train_images", "test_images")],
)
def test_folders_called_after_splits_are_splits_and_no_classes(tmp_path: Path, train: str, test: str) -> None:
    folder = pictures(tmp_path / "mine", *(f"{split}/{name}" for split in (train, test) for name in ("cat", "dog")))
    data = load(find("image-classification", str(folder)))
    assert data.features["label"].names == ["cat", "dog"]
    assert {Path(name).parts[0] for name in data.splits["test"]["id"][:]} == {test}
    assert ("splits:" in "".join(data.notices)) == (train != "Train")


@pytest.mark.parametrize("name", ["train", "test", "dev", "eval", "train_station"])
def test_a_class_may_be_called_like_a_split(tmp_path: Path, name: str) -> None:
    folder = pictures(tmp_path / "mine", "bus", "car", name)
    data = load(find("image-classification", str(folder)))
    assert data.features["label"].names == sorted(["bus", "car", name])
    told = f"folders read as classes, not as splits: {name}"
    assert (told in data.notices) == (name != "train_station")


@pytest.mark.parametrize(
    ("folders", "notice"),
    [
        (("bus", "test", "train"), "folders read as classes, not as splits: test, train"),
        (("cat", "cat ", "dog"), "one class: the folders 'cat' and 'cat ' are 'cat'"),
        (("cat", "dog", "."), "mine: files outside the folders of classes, left out: 12"),
    ],
)
def test_what_folders_are_taken_for_is_said(tmp_path: Path, folders: tuple[str, ...], notice: str) -> None:
    found = listing(pictures(tmp_path / "mine", *folders), "image")
    assert set(found.labels) == {name.strip() for name in folders} - {"."} and found.notices == [notice]


def test_what_lies_beside_splits_is_left_out_and_named(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", "seg_train/cat", "seg_train/dog", "seg_test/cat", "seg_test/dog", "seg_pred")
    found = listing(folder, "image")
    assert set(found.labels) == {"cat", "dog"} and len(found.inputs) == 48
    assert found.notices == ["splits: seg_test is test, seg_train is train; other folders, left out: seg_pred"]
    folder = pictures(tmp_path / "other", "train/cat", "train/dog", "unlabelled")
    assert set(listing(folder, "image").labels) == {"cat", "dog"}


def test_a_metadata_file_at_the_top_lists_the_files_of_splits(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", "train", "test")
    rows = [f"{split}/{i}.png,{'ab'[i % 2]}" for split in ("train", "test") for i in range(12)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    found = listing(folder, "image")
    assert found.splits == ["train"] * 12 + ["test"] * 12 and set(found.labels) == {"a", "b"}


def test_a_wrapper_and_splits_without_classes_are_named(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", "data/images/cat", "data/images/dog")
    with pytest.raises(InputError, match=r"only one class \('data'\).*; try --data .*mine/data/images$"):
        listing(folder, "image")
    folder = pictures(tmp_path / "other", "images")
    (folder / "labels.csv").write_text("file_name,label\n")
    with pytest.raises(InputError, match=r"rename labels\.csv to metadata\.csv, with columns file_name"):
        listing(folder, "image")
    with pytest.raises(InputError, match="with a label in test, train, which are read as splits"):
        listing(pictures(tmp_path / "splits", "train", "test"), "image")


def test_links_to_folders_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    pictures(tmp_path / "far", "cat")
    folder = pictures(tmp_path / "mine", "dog")
    (folder / "cat").symlink_to(tmp_path / "far" / "cat")
    (folder / "dog" / "again").symlink_to(folder)
    (folder / "dog" / "itself").symlink_to(folder / "dog")
    found = listing(folder, "image")
    assert sorted(set(found.labels)) == ["cat", "dog"] and len(found.inputs) == 24
    assert list(walk(folder)) == sorted(Path(value["path"]) for value in found.inputs)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("file_name,label", "{},{}"),
        ("File_Name , LABEL", "{},{}"),
        ("file_name;label", "{};{}"),
        ("filename\tlabel", "{}\t{}"),
        ("file_name,label", "in\\{},{}"),
        ("file_name,label", "{home}/{},{}"),
    ],
)
def test_metadata_as_people_write_it(
    sound: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, row: str
) -> None:
    monkeypatch.chdir(tmp_path)
    inside = "mine/in" if "\\" in row else "mine"
    lines = [head]
    for i in range(24):
        sound(f"{inside}/{i}.wav", 300 + 50 * i)
        lines.append(row.replace("{home}", str(tmp_path / "mine")).format(f"{i}.wav", f"c{i % 2}"))
    Path("mine/metadata.csv").write_text("\n".join(lines), encoding="utf-16")
    data = load(find(TASK, "./mine"))
    assert not data.problems and data.features["label"].names == ["c0", "c1"]
    assert sum(map(len, data.splits.values())) == 24
    assert not Path(data.splits["train"][0]["id"]).is_absolute()


def table(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    """A table beside sounds, in the format of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    if name.endswith(".parquet"):
        frame.to_parquet(folder / name)
    elif "json" in name:
        frame.to_json(folder / name, orient="records", lines=True)
    else:
        frame.to_csv(folder / name, index=False, sep="\t" if name.endswith(".tsv") else ",")


@pytest.mark.parametrize(
    "name", ["metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.ndjson", "metadata.parquet"]
)
def test_a_table_beside_files_in_any_format(sound: Maker, tmp_path: Path, name: str) -> None:
    for i in range(12):
        sound(f"mine/clips/{i}.wav", 200 + 100 * i)
    rows: list[dict[str, object]] = [
        {"file_name": f"clips\\{i}", "label": f"c{i % 2}", "split": "train" if i < 8 else "testing"} for i in range(10)
    ]
    table(tmp_path / "mine", name, [*rows, {"file_name": "clips/10.wav", "label": "NaN", "split": "test"}])
    examples = listing(tmp_path / "mine", "audio")
    assert [Path(value["path"]).name for value in examples.inputs] == [f"{i}.wav" for i in range(10)]
    assert examples.labels == [f"c{i % 2}" for i in range(10)]
    assert examples.splits == ["train"] * 8 + ["test"] * 2
    assert [line.partition(":")[0] for line in examples.problems] == [name] and "'label' is empty" in examples.problems[
        0
    ]
    assert f"{name}: splits from column 'split'" in examples.notices
    assert f"{name}: files that it does not name, left out: 1" in examples.notices


def test_a_table_without_classes_leaves_them_to_the_folders(sound: Maker, tmp_path: Path) -> None:
    subfolders(sound)
    table(tmp_path / "mine", "metadata.csv", [{"image_id": 3, "age": 4}])
    examples = listing(tmp_path / "mine", "audio")
    assert set(examples.labels) == {"low", "high"}
    assert any("metadata.csv: not read, since it has no column 'file_name'" in notice for notice in examples.notices)


def test_a_person_names_the_column_of_classes(sound: Maker, tmp_path: Path) -> None:
    for i in range(12):
        sound(f"mine/{i}.wav", 200 + 100 * i)
    rows: list[dict[str, object]] = [{"file_name": f"{i}.wav", "label": "x", "mood": f"m{i % 3}"} for i in range(12)]
    table(tmp_path / "mine", "metadata.csv", rows)
    examples = readers.listing(tmp_path / "mine", TASK, {"label": "Mood"})
    assert set(examples.labels) == {"m0", "m1", "m2"}


def test_several_classes_in_one_are_refused(sound: Maker, tmp_path: Path) -> None:
    for i in range(12):
        sound(f"mine/{i}.wav", 200 + 100 * i)
    rows: list[dict[str, object]] = [{"file_name": f"{i}.wav", "label": ("a|b", "a", "b")[i % 3]} for i in range(12)]
    table(tmp_path / "mine", "metadata.csv", rows)
    with refused(r"several classes are written as one, such as 'a\|b' for a and b"):
        listing(tmp_path / "mine", "audio")


def test_a_class_may_be_called_train_and_files_of_other_kinds_are_counted(sound: Maker, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("low", "high"):
            for i in range(6):
                sound(f"mine/{split}/{label}/{i}.wav", 200 + 10 * i + 1000 * (label == "low"))
    for name in ("a.pdf", "b.pdf", "notes.md"):
        (tmp_path / "mine" / name).touch()
    assert set(listing(tmp_path / "mine", "audio").labels) == {"low", "high"}
    examples = readers.listing(tmp_path / "mine", TASK, {"splits": "no"})
    assert set(examples.labels) == {"train", "test"}
    assert "files of other kinds, left out, by suffix: .pdf 2, .md 1" in examples.notices
    with refused("--no-splits: the data of question-answering are read by the usual names of columns and splits alone"):
        readers.listing(tmp_path / "mine", "question-answering", {"splits": "no"})


def test_a_word_for_a_split_in_a_files_name_says_nothing(sound: Maker, tmp_path: Path) -> None:
    for i, name in enumerate(("cat", "photo of a train", "test tubes", "dog") * 3):
        sound(f"mine/{name} {i}.wav", 300 + 50 * i)
    names = sorted(path.name for path in (tmp_path / "mine").iterdir())
    rows: list[dict[str, object]] = [{"file_name": name, "label": f"c{i % 2}"} for i, name in enumerate(names)]
    table(tmp_path / "mine", "metadata.jsonl", rows)
    assert set(listing(tmp_path / "mine", "audio").splits or []) == {"train"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file_name,label\n", "metadata.csv: has a header and no rows"),
        (
            "file_name,cat,dog\n0.wav,1,0\n1.wav,0,1\n",
            "one of 0 and 1 for each of cat, dog: write the class's name in one",
        ),
    ],
)
def test_tables_without_a_class_say_what_they_have(sound: Maker, tmp_path: Path, content: str, message: str) -> None:
    for i in range(2):
        sound(f"mine/{i}.wav", 300 + i)
    (tmp_path / "mine" / "metadata.csv").write_text(content)
    with refused(message):
        listing(tmp_path / "mine", "audio")
