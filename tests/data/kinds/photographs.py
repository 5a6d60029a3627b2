"""Kinds of pictures with a class each."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from datasets import Dataset, Value
from datasets import Image as Pictures
from PIL import Image

from tests.data.kinds import made
from tests.data.kinds.kind import Kind
from tests.data.kinds.made import (
    HALVES,
    ROWS,
    SIZE,
    SPLITS,
    THREE,
    TWO,
    Make,
    Store,
    also,
    at,
    copied,
    cut_off,
    files,
    inside,
    joined,
    linked,
    packed,
    parquet,
    picture,
    relative,
    saved,
    suffixes,
    text,
    written,
)
from tests.data.kinds.written import reads, refuses
from tests.support.bombs import png

CLASSES = "image-classification"
two = made.two(picture, ".png")
divided = partial(made.divided, picture, ".png")
tree = partial(made.tree, suffix=".png", write=picture)
split = divided("train/{}", "test/{}")


def table(name: str, head: str, row: str, pattern: str = "{i}.png", **options: Any) -> Make:
    """Pictures and a table with a row for each."""
    return made.table(name, head, row, pattern, picture, **options)


def metadata(content: str, count: int = 12, name: str = "metadata.csv") -> Make:
    """Pictures and a table with some content."""
    return files("{i}.png", picture, count, {name: content})


def stored(store: Store, suffix: str = ".png", **options: Any) -> Make:
    """Two classes of pictures that are stored in some way."""
    return made.two(partial(picture, store=store, **options), suffix)


def turned(orientation: int) -> Image.Exif:
    """What a camera says that was held so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def grey(scale: float, kind: type[np.generic], low: float = 0) -> Make:
    """Pictures of one channel with values of some range."""
    return stored(lambda pixels: Image.fromarray((pixels[..., 0] * float(scale) + low).astype(kind)), ".tif")


pictured = partial(made.rows, picture, "image", Pictures(decode=False))
NINE = [f"{kind}/{i}.png" for kind, count in (("ants", 5), ("bees", 4)) for i in range(count)]
LAYOUTS = (
    reads(CLASSES, "class folders", two, TWO),
    reads(CLASSES, "folders train and test", split, SPLITS),
    reads(CLASSES, "folders Train, Test and Valid", divided("Train/{}", "Test/{}", "Valid/{}"), THREE),
    reads(CLASSES, "a folder test alone", tree({"test/ants": 7, "test/bees": 5}), TWO),
    reads(CLASSES, "training_set, test_set", divided("training_set/{}", "test_set/{}"), SPLITS, "test_set is test"),
    reads(CLASSES, "Training, Testing", divided("Training/{}", "Testing/{}"), SPLITS),
    reads(
        CLASSES,
        "seg_train, seg_test and pictures to predict",
        joined(divided("seg_train/{}", "seg_test/{}"), tree({"seg_pred": 3})),
        SPLITS,
        "other folders, left out: seg_pred",
    ),
    reads(
        CLASSES,
        "a test without classes",
        joined(tree({"train/ants": 7, "train/bees": 5}), tree({"test": 4})),
        TWO,
        "test: files outside the folders of classes, left out: 4",
    ),
    reads(CLASSES, "splits in the folders of classes", divided("{}/train", "{}/test"), SPLITS, "test is test"),
    refuses(
        CLASSES,
        "a folder around the classes of each split",
        divided("train/images/{}", "test/images/{}"),
        r"only one class \('images'\) in test, train, which are read as splits.* of metadata\.csv$",
    ),
    reads(
        CLASSES,
        "classes called bus, car and train",
        tree({"bus": 5, "car": 4, "train": 3}),
        r"3 classes \(bus 5, car 4, train 3\)",
        "read as classes, not as splits: train",
    ),
    refuses(
        CLASSES,
        "flat folders train and test",
        tree({"train": 7, "test": 5}),
        "with a label in test, train, which are read as splits, unless --no-splits is given; 12 are outside",
    ),
    reads(
        CLASSES,
        "classes called train and test",
        tree({"train": 7, "test": 5}),
        r"2 classes \(train 7, test 5\)",
        splits="no",
    ),
    reads(
        CLASSES,
        "folders called fold1, fold2",
        tree({"fold1": 7, "fold2": 5}),
        "fold1 7, fold2 5",
        "the classes are called like parts of data: fold1, fold2",
    ),
    reads(
        CLASSES,
        "a class in the validation only",
        joined(divided("train/{}", "test/{}", "val/{}"), tree({"val/wasps": 2})),
        "train 9.*validation 5.*test 5.*3 classes",
        "class 'wasps' has 2 validation, 0 test and no training example",
    ),
    refuses(
        CLASSES,
        "a class in the test only",
        joined(split, tree({"test/wasps": 2})),
        "class 'wasps' has 2 test and no training rows; move some of its rows to train, or leave it out",
    ),
    refuses(CLASSES, "one class", tree({"ants": 7}), "only one class.*at least two are needed, as subfolders"),
    reads(CLASSES, "an empty folder beside two", joined(two, tree({"wasps": 0})), TWO),
    refuses(CLASSES, "a folder for each picture", files("{i}/photo.png", picture), "12 classes in 12 rows"),
    refuses(CLASSES, "a folder without pictures", lambda home: home, "no image files .* with a label"),
    refuses(
        CLASSES,
        "classes in the names of files",
        files("{kind}_{i}.png", picture),
        r"12 are outside of folders named after classes: make such folders, or name the files in metadata\.csv",
    ),
    refuses(
        CLASSES,
        "the classes one folder further in",
        inside("PetImages", two),
        r"only one class \('PetImages'\).*; try --data .*/PetImages$",
    ),
    refuses(
        CLASSES,
        "the splits two folders further in",
        inside("archive/pets", split),
        r"only one class \('archive'\).*; try --data .*/archive/pets$",
    ),
    reads(
        CLASSES,
        "folders whose names differ in capitals",
        tree({"Ants": 4, "ants": 3, "bees": 5}),
        "Ants 4, ants 3",
        "classes that differ in case alone: 'Ants', 'ants'",
    ),
    reads(
        CLASSES,
        "folders whose names have blanks at the end",
        tree({"ants": 4, "ants ": 3, "bees": 5}),
        TWO,
        "one class: the folders 'ants' and 'ants ' are 'ants'",
    ),
    reads(CLASSES, "classes in other scripts", tree({"Ämter, alte": 7, "🐝 蜂": 5}), r"\(Ämter, alte 7, 🐝 蜂 5\)"),
    reads(CLASSES, "names that are not UTF-8", tree({"ants": 7, "b\udce9es": 5}), r"ants 7, b.es 5"),
    reads(
        CLASSES,
        "hidden files and those of other systems",
        joined(two, tree({"ants/.ipynb_checkpoints": 2, "__MACOSX/ants": 2}), files("bees/._{i}.png", picture, 3)),
        TWO,
    ),
    reads(
        CLASSES,
        "files of other kinds",  # said also where the same files were prepared before
        made.two(picture, ".png", {"ants/Thumbs.db": "x", "README.md": "x", "ants/a.txt": "x", "bees/b.txt": "x"}),
        TWO,
        r"left out, by suffix: \.txt 2, ",
    ),
    reads(CLASSES, "links to the folders of classes", linked(two, "ants", "bees"), TWO),
    reads(CLASSES, "links to files", linked(divided("{}"), *NINE), "ants 5, bees 4"),
    refuses(
        CLASSES,
        "a test that is a copy of train",
        also(divided("train/{}"), *(copied(f"train/{name}", f"test/{name}") for name in NINE)),
        "no row is left for train and validation; 9 train rows repeat a later split",
    ),
    reads(
        CLASSES,
        "some of the test in train too",
        also(split, copied("test/ants/0.png", "train/ants/same.png")),
        SPLITS,
        "1 train rows repeat a later split",
    ),
    reads(
        CLASSES,
        "one picture in two classes",
        also(two, copied("ants/0.png", "bees/same.png")),
        "ants 7, bees 6",
        r"contents with several classes: 1, such as: ants/0\.png is 'ants', bees/same\.png is 'bees'",
    ),
    reads(
        CLASSES, "a picture twice", also(two, copied("ants/0.png", "ants/x.png")), TWO, "1 of 13 rows repeat another"
    ),
)
FILES = (
    reads(
        CLASSES,
        "many formats",
        suffixes(picture, ".png .jpg .JPEG .jpe .jfif .webp .bmp .tif .gif .avif .jp2 .ppm .heic"),
        r"train 15.*test 8.*2 classes \(13 rows each\)",
    ),
    reads(
        CLASSES,
        "formats that are not read, beside others",  # said also where the same files were prepared before
        joined(two, suffixes(picture, ".tga .ico")),
        TWO,
        r"left out, by suffix: .*\.tga 2",
    ),
    refuses(
        CLASSES,
        "scans in DICOM",
        made.tree({"ants": 7, "bees": 5}, ".dcm", lambda home, name: text(home, name, "x")),
        r"no image files .*; there are others, by suffix: \.dcm 12",
    ),
    refuses(CLASSES, "files without suffixes", made.two(picture, ""), "no image files .*; there are others.* none 12"),
    reads(
        CLASSES,
        "a palette, transparency, CMYK, one bit, an animation, the suffix of another format",
        joined(
            two,
            files("ants/a.png", partial(picture, store=lambda p: Image.fromarray(p).quantize(16)), 1),
            files("ants/b.png", partial(picture, store=lambda p: Image.fromarray(np.dstack([p, p[..., 0]]))), 1),
            files("ants/c.png", partial(picture, store=lambda p: Image.fromarray(p[..., :2])), 1),
            files("ants/d.jpg", partial(picture, store=lambda p: Image.fromarray(p).convert("CMYK")), 1),
            files("ants/e.tif", partial(picture, store=lambda p: Image.fromarray(p[..., 0] > 127)), 1),
            files("ants/f.png", partial(picture, format="JPEG"), 1),
            files("ants/g.gif", partial(picture, save_all=True, append_images=[Image.new("RGB", SIZE)]), 1),
        ),
        "ants 14, bees 5",
    ),
    reads(CLASSES, "16 bits", grey(257, np.uint16), TWO, "more than 8 bits: values from .* to 65535 are"),
    reads(CLASSES, "12 bits in 16", grey(16, np.uint16), TWO, r"more than 8 bits: values from 0 to 40\d\d are"),
    reads(
        CLASSES, "Hounsfield units", grey(16, np.int32, -1024), TWO, r"more than 8 bits: values from -1024 to 30\d\d"
    ),
    reads(CLASSES, "0 to 255 in 32 bits", grey(1, np.int32), TWO, "more than 8 bits: values from 0 to 255 are"),
    reads(CLASSES, "floats to 4095", grey(16, np.float32), TWO, r"more than 8 bits: values from 0 to 40\d\d are"),
    reads(
        CLASSES,
        "TIFF files of several pages",
        stored(Image.fromarray, ".tif", save_all=True, append_images=[Image.new("RGB", SIZE)]),
        TWO,
        "several pages, of which the first is read: 7",
    ),
    reads(
        CLASSES,
        "damaged, empty and huge files",
        also(
            tree({"ants": 11, "bees": 9}),
            written("ants/0.png", ""),
            written("ants/1.png", "no picture"),
            cut_off("ants/2.png"),
            written("ants/3.png", png(12_000, 9_000)),
        ),
        "bees 9, ants 7",
        "^ants/0.png: ",
        "^ants/1.png: not an image",
        "^ants/2.png: broken image",
        "^ants/3.png: 12,000 x 9,000 pixels; the limit is",
    ),
    reads(
        CLASSES,
        "pictures of 1 x 1 and of 3000 x 2",
        joined(
            two,
            files("ants/long{i}.png", partial(picture, store=lambda p: Image.fromarray(p).resize((3000, 2))), 2),
            files("bees/dot{i}.png", partial(picture, store=lambda p: Image.fromarray(p[:1, :1])), 2),
        ),
        "ants 9, bees 7",
    ),
)
PLAIN = ("metadata.csv", "file_name,label", "{i}.png,{kind}")
TABLES = (
    reads(CLASSES, "metadata.csv", table(*PLAIN), ROWS),
    reads(
        CLASSES,
        "metadata.csv, semicolons, capitals, blanks",
        table("metadata.csv", "File_Name ; Class", "{i}.png ; {kind}"),
        ROWS,
    ),
    reads(
        CLASSES,
        "metadata.csv, tabs, UTF-16",
        table("metadata.csv", "file_name\tlabel", "{i}.png\t{kind}", encoding="utf-16"),
        ROWS,
    ),
    reads(
        CLASSES,
        "metadata.csv, Windows-1252",
        table("metadata.csv", "file_name,label", "{i}.png,{kind} à part", encoding="cp1252"),
        ROWS,
        "metadata.csv: is not UTF-8, and read as Windows-1252",
    ),
    reads(
        CLASSES,
        "metadata.csv, Windows' folders, no suffixes",
        table("metadata.csv", "filename,label", "images\\{i},{kind}", "images/{i}.JPG"),
        ROWS,
    ),
    reads(
        CLASSES,
        "metadata.csv, whole paths, the folder named from here on",
        relative(table("metadata.csv", "path,label", "{{home}}/{i}.png,{kind}")),
        ROWS,
    ),
    refuses(
        CLASSES,
        "metadata.csv, paths of another computer",
        table("metadata.csv", "path,label", "/content/drive/{i}.png,{kind}"),
        r"metadata\.csv:2: file_name '/content/drive/0\.png' leaves the folder; name files from there on",
    ),
    reads(
        CLASSES,
        "metadata.csv, a column of splits",
        table("metadata.csv", "file_name,label,split", "{i}.png,{kind},{split}"),
        HALVES,
        "splits from column 'split'",
    ),
    reads(
        CLASSES,
        "metadata.csv, a column of splits that is none",
        table("metadata.csv", "file_name,label,set", "{i}.png,{kind},{who}"),
        ROWS,
        "column 'set' is not read as splits, since 'p0' names none",
    ),
    reads(
        CLASSES,
        "metadata.csv above train and test",
        table("metadata.csv", "file_name,label", "{split}/{i}.png,{kind}", "{split}/{i}.png"),
        HALVES,
    ),
    reads(
        CLASSES,
        "metadata.csv above folders that are no classes",
        table("metadata.csv", "file_name,label", "batch{who}/{i}.png,{kind}", "batch{who}/{i}.png"),
        ROWS,
    ),
    reads(
        CLASSES,
        "metadata.csv in train and in test",
        joined(
            inside("train", table(*PLAIN)),
            inside("test", table("metadata.csv", "file_name,label", "x{i}.png,{kind}", "x{i}.png", count=6)),
        ),
        r"train 10.*test 6.*2 classes \(9 rows each\)",
    ),
    reads(
        CLASSES,
        "metadata.csv, patients",
        table("metadata.csv", "file_name,label,patient_id", "{i}.png,{kind},x{who}", count=24),
        r"2 classes \(12 rows each\); 4 groups",
        "groups from column 'patient_id'",
    ),
    reads(
        CLASSES,
        "metadata.csv that lacks a picture, and names one that is missing",
        also(table(*PLAIN), lambda home: (home / "11.png").rename(home / "new.png")),
        r"2 classes \(ants 6, bees 5\)",
        "files that it does not name, left out: 1",
        r"^11\.png: No such file",
    ),
    reads(
        CLASSES,
        "metadata.csv, empty and short rows",
        metadata("label,file_name\n" + "".join(f"{'ab'[i % 2]},{i}.png\n" for i in range(13)) + ",14.png\na\n", 16),
        r"2 classes \(a 7, b 6\)",
        r"metadata\.csv:15: 'label' is empty",
        r"metadata\.csv:16: 'file_name' is empty",
    ),
    refuses(
        CLASSES,
        "metadata.csv, a column for each class",
        metadata("file_name,a,b\n" + "0.png,1,0\n1.png,0,1\n" * 6),
        "no label column.*one of 0 and 1 for each of a, b: write the class's name in one column",
    ),
    refuses(
        CLASSES,
        "metadata.csv, several classes of one picture",
        metadata("file_name,label\n" + "".join(f"{i}.png,{('a|b', 'a', 'b')[i % 3]}\n" for i in range(12))),
        r"several classes are written as one, such as 'a\|b' for a and b.* leave one of them",
    ),
    refuses(
        CLASSES,
        "metadata.csv, values on a scale",
        table("metadata.csv", "file_name,label", "{i}.png,0.{i}1", count=24),
        "values on a scale are not learnt as classes; cut them into ranges",
    ),
    reads(
        CLASSES,
        "metadata.csv without classes, above class folders",
        made.two(picture, ".png", {"metadata.csv": "image,width\n0.png,24\n"}),
        TWO,
        "metadata.csv: not read, since it has no label column",
    ),
    refuses(
        CLASSES,
        "metadata.csv, classes in a column of another name",
        table("metadata.csv", "file_name,species", "{i}.png,{kind}"),
        r"no label column \(label, .*columns: file_name, species",
    ),
    reads(
        CLASSES,
        "metadata.csv, classes in a column that is named",
        table("metadata.csv", "file_name,species", "{i}.png,{kind}"),
        ROWS,
        label="species",
    ),
    reads(
        CLASSES,
        "metadata.jsonl",
        metadata("".join(f'{{"file_name": "{i}.png", "label": {i % 2}}}\n' for i in range(12)), name="metadata.jsonl"),
        ROWS,
    ),
    refuses(
        CLASSES,
        "labels.csv beside pictures",
        table("labels.csv", "file_name,label", "{i}.png,{kind}", "images/{i}.png"),
        r"rename labels\.csv to metadata\.csv, with columns file_name and label",
    ),
    refuses(
        CLASSES,
        "train.csv beside flat folders train and test",
        table("train.csv", "id,label", "{i},{kind}", "{split}/{i}.png"),
        r"which are read as splits.*rename train\.csv to metadata\.csv, with columns file_name and label",
    ),
    refuses(
        CLASSES,
        "metadata.csv, the table itself is named",
        at("metadata.csv", table(*PLAIN)),
        r"metadata\.csv: no such folder, but a file; a folder of image files is read.*; try --data ",
    ),
    refuses(CLASSES, "a picture is named", at("ants/0.png", two), r"0\.png: no such folder, but a file; a folder of"),
    reads(
        CLASSES,
        "groups in the names of files",
        files("{kind}/{who}_{i}.png", picture, 24),
        r"2 classes \(12 rows each\); 4 groups",
        "groups from .*4 groups",
        group=r"([^/_]+)_\d+\.png$",
    ),
)
PACKED = (
    reads(CLASSES, "a ZIP archive", packed("zip", two), TWO),
    reads(
        CLASSES,
        "a ZIP archive of a Mac, with one folder",
        packed("zip", joined(inside("bugs", split), tree({"__MACOSX/bugs/train": 2}))),
        SPLITS,
    ),
    refuses(CLASSES, "a damaged archive", also(packed("zip", two), cut_off("packed.zip")), "cannot be unpacked: "),
    refuses(
        CLASSES,
        "an archive that is not read",
        at("all.7z", files("{i}.png", picture, 1, {"all.7z": b"7z\xbc\xaf\x27\x1c"})),
        r"all\.7z: no such folder, but a file; .*\.zip or \.tar archive",
    ),
    reads(
        CLASSES,
        "save_to_disk",
        saved(train=pictured("a{i}.png", label=made.LABEL), test=pictured("b{i}.png", 6, label=made.LABEL)),
        r"train 10.*test 6.*2 classes \(9 rows each\)",
    ),
    reads(
        CLASSES,
        "Parquet files of splits",
        parquet(train=pictured("a{i}.png", label=made.LABEL), test=pictured("b{i}.png", 6, label=made.LABEL)),
        r"train 10.*test 6.*2 classes \(9 rows each\)",
    ),
    reads(
        CLASSES,
        "a Parquet file",
        at("train-00000-of-00001.parquet", parquet(train=pictured("{i}.png", label=made.LABEL))),
        ROWS,
    ),
    reads(
        CLASSES,
        "a Parquet file that does not say what its columns are",
        parquet(
            train=made.rows(
                picture,
                "image",
                {"bytes": Value("binary"), "path": Value("string")},
                "{i}.png",
                label=(Value("string"), lambda i: made.CLASSES[i % 2]),
            )
        ),
        ROWS,
    ),
    refuses(
        CLASSES,
        "a Parquet file without files",
        at(
            "train-00000-of-00001.parquet", parquet(train=lambda home: Dataset.from_dict({"name": ["a"], "label": [0]}))
        ),
        r"\.parquet: no image column; columns: name, label",
    ),
    refuses(CLASSES, "no such path", lambda home: home / "none", "none: no such folder; --data takes"),
)


KINDS: tuple[Kind, ...] = (*LAYOUTS, *FILES, *TABLES, *PACKED)
