"""Archives and saved data sets give what the folders in them give."""

import shutil
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features
from datasets import Image as Pictures
from PIL import Image

from tests.support.prepared import refused
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.tables import listing as texts

TASK = "image-classification"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in class folders in split folders."""
    for split, count in (("train", 12), ("test", 6)):
        for index in range(count):
            path = tmp_path / "mine" / split / ("a", "b")[index % 2] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            seed = 100 * count + index
            Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "mine"


def content(path: Path) -> Counter[tuple[str, str, bytes]]:
    """Split, class and picture of each row."""
    data = load(find(TASK, str(path)))
    names = data.features["label"].names
    return Counter(
        (split, names[row["label"]], row["image"]["bytes"] or Path(row["image"]["path"]).read_bytes())
        for split, rows in data.splits.items()
        for row in rows.cast_column("image", Pictures(decode=False))
    )


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_the_folder_in_it(folder: Path, form: str) -> None:
    archive = Path(shutil.make_archive(str(folder.parent / "packed"), form, folder.parent, "mine"))
    source = find(TASK, str(archive))
    assert source.name == "packed"
    assert sum(count for _, count in content(archive).items()) == 18
    assert Counter((label, data) for _, label, data in content(archive)) == Counter(
        (label, data) for _, label, data in content(folder)
    )
    assert source.fingerprint == find(TASK, str(folder)).fingerprint, "the same content"


def test_an_archive_cannot_write_elsewhere_and_a_damaged_one_is_named(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../escaped.txt", "x")
        archive.writestr("/absolute.txt", "x")
    with refused(r"evil\.zip: no image files"):
        find(TASK, str(tmp_path / "evil.zip"))
    assert not list(tmp_path.parent.glob("escaped.txt")) and not Path("/absolute.txt").exists()
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 and no more")
    with refused("bad.zip: cannot be unpacked: "):
        find(TASK, str(tmp_path / "bad.zip"))
    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as tar:
        (tmp_path / "zeros").write_bytes(bytes(200_000_000))
        tar.add(tmp_path / "zeros", "zeros.png")
    with refused("bomb.tar.gz: cannot be unpacked: .*bytes or more when unpacked"):
        find(TASK, str(tmp_path / "bomb.tar.gz"))


def saved(folder: Path) -> DatasetDict:
    """The pictures of a folder as a data set."""
    features = Features({"image": Pictures(), "label": ClassLabel(names=["a", "b"])})
    splits = {}
    for split in ("train", "test"):
        paths = sorted((folder / split).glob("*/*.png"))
        columns = {
            "image": [{"bytes": path.read_bytes(), "path": path.name} for path in paths],
            "label": [path.parent.name for path in paths],
        }
        splits[split] = Dataset.from_dict(columns, features=features)
    return DatasetDict(splits)


@pytest.mark.parametrize("form", ["save_to_disk", "parquet", "arrow"])
def test_a_saved_data_set_is_read_as_one_of_the_hub(folder: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "saved"
    if form == "save_to_disk":
        saved(folder).save_to_disk(str(target))
    else:
        (target / "data").mkdir(parents=True)
        for split, rows in saved(folder).items():
            file = target / "data" / f"{split}-00000-of-00001.{form}"
            if form == "parquet":
                rows.to_parquet(file)
            else:
                rows.save_to_disk(str(tmp_path / split))
                shutil.copyfile(next((tmp_path / split).glob("*.arrow")), file)
    of_folder = Counter((label, data) for _, label, data in content(folder))
    assert Counter((label, data) for _, label, data in content(target)) == of_folder


def test_a_workbook_and_columns_of_json_are_tables(tmp_path: Path) -> None:
    rows = [(f"a text of number {index}", ("good", "bad")[index % 2]) for index in range(20)]
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_json(tmp_path / "a.json")
    pytest.importorskip("openpyxl")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    for name in ("a.csv", "a.json", "a.xlsx"):
        examples = texts(tmp_path / name)
        assert list(zip(examples.inputs, examples.labels, strict=True)) == rows
