"""Texts with classes in several files: splits, folders of classes, archives, and what ``datasets`` saved."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from tests.data.kinds.kind import Kind
from tests.data.kinds.written import (
    ALL,
    DEV,
    LABELS,
    MANY,
    PROSE,
    SPLIT,
    TABLE,
    TEST,
    TEXTS,
    TRAIN,
    Columns,
    file,
    folder,
    lines,
    listed,
    reads,
    refuses,
    sheet,
    some,
    table,
)

read, refused = partial(reads, "text-classification"), partial(refuses, "text-classification")


UNNAMED = {"text": SPLIT["test"]["text"]}


def class_files(columns: Columns, inside: str = "", suffix: str = ".txt") -> dict[str, str]:
    """A file for each text, in folders of classes."""
    return {f"{inside}{row['label']}/{i}{suffix}": row["text"] for i, row in enumerate(listed(columns))}


def packed(files: Mapping[str, str]) -> bytes:
    """A ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def classed(columns: Columns) -> Dataset:
    """Rows whose classes are indices with names, as on the Hub."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["ham", "spam"])})
    return Dataset.from_dict(dict(columns), features=features)


def saved(place: Path) -> Path:
    DatasetDict({name: classed(part) for name, part in SPLIT.items()}).save_to_disk(place / "saved")
    return place / "saved"


def saved_whole(place: Path) -> Path:
    classed(TABLE).save_to_disk(place / "saved")
    return place / "saved"


def arrow(place: Path) -> Path:
    saved_whole(place)
    return next((place / "saved").glob("*.arrow"))


def named_classes(place: Path) -> Path:
    classed(SPLIT["train"]).to_parquet(place / "train-00000-of-00001.parquet")
    classed(some({**TABLE, "label": [-1] * 20}, TEST)).to_parquet(place / "test-00000-of-00001.parquet")
    return place


KINDS: tuple[Kind, ...] = (
    read("train.csv and test.csv", folder({f"{s}.csv": part for s, part in SPLIT.items()}), ALL),
    read(
        "train, dev and test in TSV",
        folder(
            {
                "train.tsv": some(TABLE, [i for i in TRAIN if i not in DEV]),
                "dev.tsv": some(TABLE, DEV),
                "test.tsv": SPLIT["test"],
            }
        ),
        ALL,
    ),
    read(
        "a column of splits",
        table(text=TEXTS, label=LABELS, Split=["test" if i in TEST else "training" for i in range(20)]),
        ALL,
        "a.csv: splits from column 'Split'",
    ),
    read(
        "a column that is not one of splits",
        table(text=TEXTS, label=LABELS, set=["train", "test", "toys", "cars"] * 5),
        ALL,
        "a.csv: column 'set' is not read as splits, since 'toys' names none",
    ),
    read(
        "a class and a text a line, but not in all files",
        folder({"train.txt": lines("{text}\t{label}"), "dev.txt": "two texts\nwithout a class\n"}),
        ALL,
        "dev.txt: left out, whose lines are not of a class and a text",
    ),
    read("names with the split in them", folder({f"banking_{s}.csv": part for s, part in SPLIT.items()}), ALL),
    read("tables in folders of splits", folder({f"{s}/data.csv": part for s, part in SPLIT.items()}), ALL),
    read("names of the Hub", folder({f"data/{s}-00000-of-00001.parquet": part for s, part in SPLIT.items()}), ALL),
    read(
        "two parts of a split",
        folder(
            {
                "train-00000-of-00002.parquet": some(TABLE, TRAIN[:8]),
                "train-00001-of-00002.parquet": some(TABLE, TRAIN[8:]),
                "test.parquet": SPLIT["test"],
            }
        ),
        ALL,
    ),
    read(
        "a test without classes",
        folder({"train.csv": TABLE, "test.csv": UNNAMED}),
        ALL,
        "test.csv: left out, since its rows have no classes",
    ),
    read(
        "a competition with an example of a submission",
        folder(
            {
                "train.csv": SPLIT["train"],
                "test.csv": UNNAMED,
                "sample_submission.csv": {"id": range(6), "label": [0] * 6},
            }
        ),
        "7 rows each",
        "sample_submission.csv: left out, since its name says no split",
    ),
    refused(
        "tables that name no split",
        folder({"a.csv": SPLIT["train"], "b.csv": SPLIT["test"]}),
        "several tables, but a.csv names no split; name them train",
    ),
    read("texts in files, in folders of classes", folder(class_files(TABLE)), ALL),
    read(
        "the same in folders of splits",
        folder(class_files(SPLIT["train"], "train/") | class_files(SPLIT["test"], "test/")),
        ALL,
    ),
    read(
        "aclImdb, with texts without a class",
        folder(
            class_files(SPLIT["train"], "train/")
            | class_files(SPLIT["test"], "test/")
            | {f"train/unsup/{i}.txt": text for i, text in enumerate(MANY[20:30])}
            | {"README": "reviews", "imdb.vocab": "the", "train/urls_ham.txt": "a url"}
        ),
        ALL,
        "unsup.*without a class",
    ),
    refused("texts in files without a suffix", folder(class_files(TABLE, suffix="")), r"no table here.*\.txt"),
    refused(
        "texts in one file, classes in another",
        folder({"train_text.txt": PROSE, "train_labels.txt": "0\n1\n" * 30}),
        r"no table here.*\.txt",
    ),
    refused("a file for each class", folder({"good.txt": PROSE, "bad.txt": PROSE.upper()}), r"no table here.*\.txt"),
    refused("a file of texts alone", file("a.txt", PROSE), r"not a table of a known format; save it as one"),
    read("ZIP of one table", file("a.zip", packed({"a.csv": sheet(TABLE)})), ALL),
    read("ZIP of folders of classes", file("c.zip", packed(class_files(TABLE, "c/"))), ALL),
    read("save_to_disk with splits", saved, ALL),
    read("save_to_disk without splits", saved_whole, ALL),
    read("an Arrow file", arrow, ALL),
    read(
        "Parquet with names of classes, and a test without",
        named_classes,
        r"train 8.*validation 2.*test 4.*2 classes \(7 rows each\)",
        "test-00000-of-00001.parquet: left out",
    ),
    refused(
        "a class in the test alone",
        folder({"train.csv": SPLIT["train"], "test.csv": some(TABLE | {"label": ["eggs"] * 20}, TEST)}),
        "class 'eggs' has 6 test and no training rows; move",
    ),
    read(
        "a test that repeats training",
        folder({"train.csv": TABLE, "test.csv": SPLIT["test"]}),
        ALL,
        "6 train rows repeat a later split's content and were left out",
    ),
)
