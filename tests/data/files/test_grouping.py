"""Groups are found in columns and file names, proposed in a line, and taken only where a person says so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.prepared import Maker, refused, share_nothing, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Listing
from tlzoo.data.files.grouping import proposal, take

CLASSES = ("no", "up", "yes")


def listed(names: Sequence[str]) -> Listing:
    return Listing("audio", list(names), [name.partition("/")[0] for name in names], list(names))


@pytest.mark.parametrize(
    ("names", "what", "groups"),
    [
        ([f"speaker{s}_take{t}.wav" for s in range(6) for t in range(4)], "6 speakers (speaker0 ... speaker5)", 6),
        ([f"p{s:02}-{t}.jpg" for s in range(8) for t in range(5)], "8 groups (p00 ... p07)", 8),
        ([f"x_{name}_{t}.wav" for name in ("anna", "ben", "carl") for t in range(5)], "3 groups (anna ... carl)", 3),
        ([f"{s}-{i:04}.flac" for s in (84, 1272, 5338) for i in range(6)], "3 groups (84 ... 5338)", 3),
        ([f"take{t}_speaker{s}.wav" for s in range(11) for t in range(4)], "11 speakers (speaker0 ... speaker10)", 11),
        ([f"s{s}/{i}.jpg" for s in range(5) for i in range(5)], "5 groups (s0 ... s4)", 5),
    ],
)
def test_names_that_say_who(names: list[str], what: str, groups: int) -> None:
    examples = listed([f"{c}/{name}" for c in CLASSES for name in names])
    proposed = proposal(examples)
    assert proposed is not None and proposed.line.startswith(f"names look like {what}: --group '")
    take(examples, proposed.line.split("'")[1], "mine")
    assert examples.groups == list(proposed.values)
    assert examples.groups is not None and len(set(examples.groups)) == groups
    assert proposal(examples) is None, "what has groups needs no proposal"


@pytest.mark.parametrize(
    "names",
    [
        [f"{i}.wav" for i in range(40)],
        [f"img_{i:03}.jpg" for i in range(40)],
        [f"img{i}_{j}.jpg" for i in range(10) for j in range(3)],
        [f"IMG_2023010{d}_{i:03}.jpg" for d in range(5) for i in range(5)],
        [f"{i * 7919 % 10007:x}-{i}.jpg" for i in range(50)],
    ],
)
def test_names_that_only_count(names: list[str]) -> None:
    assert proposal(listed([f"{c}/{name}" for c in CLASSES for name in names])) is None
    assert proposal(listed([f"{c}/{c}_{i}.jpg" for c in CLASSES for i in range(30)])) is None, "the class is no group"


def table(folder: Path, **more: Sequence[object]) -> Path:
    columns = {"text": [f"text {i} of all" for i in range(60)], "label": ["ab"[i % 2] for i in range(60)]}
    return write_table(folder / "mine.csv", columns | more)


def test_a_column_that_looks_like_groups_is_proposed_and_taken_by_name(tmp_path: Path) -> None:
    path = table(tmp_path, author=[f"a{i % 7}" for i in range(60)], length=[i % 9 for i in range(60)])
    plain, grouped = (find("text-classification", str(path), given=given) for given in ({}, {"group": "Author"}))
    assert "column 'author' looks like 7 groups (a0 ... a6): --group author" in load(plain).notices
    assert load(plain).counts().all_groups == 60
    data = load(grouped)
    assert share_nothing(data.splits) and data.counts().all_groups == 7
    assert grouped.fingerprint != plain.fingerprint


def test_a_known_column_is_read_as_before_and_another_one_can_replace_it(tmp_path: Path) -> None:
    path = table(tmp_path, speaker=[f"s{i % 5}" for i in range(60)], room=[f"r{i // 10}" for i in range(60)])
    assert set(load(find("text-classification", str(path))).splits["test"]["group"][:]) <= {f"s{i}" for i in range(5)}
    data = load(find("text-classification", str(path), given={"group": "room"}))
    assert share_nothing(data.splits) and data.counts().all_groups == 6


def test_file_names_group_class_folders(sound: Maker, tmp_path: Path) -> None:
    for s in range(6):
        for t in range(3):
            sound(f"mine/low/speaker{s}_take{t}.wav", 200 + 10 * s + t)
            sound(f"mine/high/speaker{s}_take{t}.wav", 2000 + 10 * s + t)
    data = load(find("audio-classification", str(tmp_path / "mine")))
    (said,) = (notice for notice in data.notices if "--group" in notice)
    grouped = load(find("audio-classification", str(tmp_path / "mine"), given={"group": said.split("'")[1]}))
    assert share_nothing(grouped.splits)
    assert grouped.counts().rows == {"train": 18, "validation": 6, "test": 12}


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (
            "speeker",
            r"mine.csv has no such column to group by; columns that may be: author; or a pattern of file names",
        ),
        ("(row", r"--group \(row: no regular expression: missing \)"),
        (r"(\d+)x", r"does not match 'row 1' of .*mine.csv, like all names it has to; columns: author"),
        ("(row)", r"has one group only, 'row'; at least two are needed"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_alternatives(tmp_path: Path, group: str, message: str) -> None:
    path = table(tmp_path, author=[f"a{i % 7}" for i in range(60)])
    with refused(message):
        find("text-classification", str(path), given={"group": group})


def test_a_named_data_set_has_groups_of_its_own() -> None:
    with refused("--group speaker: spoken-digits is read as it is; --group is for --data PATH or hub:ID"):
        find("audio-classification", "spoken-digits", given={"group": "speaker"})
