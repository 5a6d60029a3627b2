"""Copies of an example: never on two sides, never counted twice, and never the end of a split without a word."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.prepared import are_apart, sizes, write_table
from tlzoo.data import repeats
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Listing, Prepared
from tlzoo.data.protocol import SPLITS, VTAB, Limits, draw
from tlzoo.data.repeats import drawn, firsts
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("new_cache")

ALL = Limits(None, None, None)
Rows = Sequence[tuple[str, str]]


def texts(
    rows: Rows, groups: list[str] | None = None, splits: list[str] | None = None, targets: object = None
) -> Listing:
    names = [f"row {i}" for i in range(len(rows))]
    return Listing("text", [t for t, _ in rows], [c for _, c in rows], names, groups, splits, targets=targets)  # type: ignore[arg-type]


def table(path: Path, rows: Rows) -> Path:
    return write_table(path, dict(zip(("text", "label"), zip(*rows, strict=True), strict=True)))


def data(path: Path) -> Prepared:
    return load(find("text-classification", str(path)))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1)), min_size=40, max_size=120),
    st.sampled_from([None, 7, 40]),
    st.booleans(),
)
def test_no_content_stands_on_two_sides(rows: list[tuple[int, int]], groups: int | None, parted: bool) -> None:
    listing = texts(
        [(f"text {content}", "ab"[label]) for content, label in rows],
        [f"g{i % groups}" for i in range(len(rows))] if groups else None,
        [SPLITS[i % 3] for i in range(len(rows))] if parted else None,
    )
    try:
        some = drawn(listing, ALL)
    except InputError as error:
        assert "rows: " in str(error)
        return
    assert are_apart([rows[i][0] for i in some.chosen[split]] for split in SPLITS) and all(some.chosen.values())
    classes: dict[int, set[int]] = defaultdict(set)
    for content, label in rows:
        classes[content].add(label)
    taught = [rows[i] for i in some.chosen["train"] if len(classes[rows[i][0]]) == 1]
    assert len(taught) == len(set(taught)), "each content once, but where it has several classes"


def test_without_copies_the_draw_is_the_plain_one() -> None:
    rows = [(f"text {i}", "abc"[i % 3]) for i in range(300)]
    for groups in (None, [f"g{i % 20}" for i in range(300)]):
        plain = draw([label for _, label in rows], groups, None, VTAB)
        assert drawn(texts(rows, groups), VTAB).chosen == {split: plain[split].tolist() for split in SPLITS}


def test_rows_of_one_text_alike_but_for_case_and_blanks_are_copies(tmp_path: Path) -> None:
    rows = [(f"text {i % 12}", "ab"[i % 2]) for i in range(300)]
    prepared = data(table(tmp_path / "mine.csv", rows))
    assert sum(sizes(prepared.splits).values()) == 12 and min(sizes(prepared.splits).values()) > 0
    assert "288 of 300 rows repeat another one and its class, and were left out" in prepared.notices
    rows = [(text, "ab"[i % 2]) for i in range(40) for text in (f"Text {i}", f"text  {i} ", f"TEXT {i}")]
    prepared = data(table(tmp_path / "mine.csv", rows))
    assert sum(sizes(prepared.splits).values()) == 40


def test_copies_of_several_classes_are_named_and_stay_together(tmp_path: Path) -> None:
    rows = [(f"text {i % 40}", "a" if i < 40 or i % 40 > 2 else "b") for i in range(80)]
    rows = [(text, "ab"[int(text.split()[1]) % 2] if int(text.split()[1]) > 2 else label) for text, label in rows]
    prepared = data(table(tmp_path / "mine.csv", rows))
    notice = next(n for n in prepared.notices if "several classes" in n)
    assert notice.startswith("contents with several classes: 3, such as: row 1 is 'a', row 41 is 'b'")
    assert sum(sizes(prepared.splits).values()) == 43
    for split in prepared.splits.values():
        of_one = [g for g, text in zip(split["group"][:], split["text"][:], strict=True) if text == "text 0"]
        assert len(of_one) in (0, 2) and len(set(of_one)) <= 1


def test_copies_within_a_given_test_stay_and_a_validation_copied_from_it_is_cut_anew(tmp_path: Path) -> None:
    table(tmp_path / "mine" / "train.csv", [(f"train {i}", "ab"[i % 2]) for i in range(40)])
    table(tmp_path / "mine" / "test.csv", [(f"test {i % 5}", "ab"[i % 5 % 2]) for i in range(30)])
    prepared = data(tmp_path / "mine")
    assert sizes(prepared.splits)["test"] == 30 and len(set(prepared.test_groups())) == 5
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(80)]
    for split, part in (("train", rows[:60]), ("validation", rows[60:]), ("test", rows[60:])):
        table(tmp_path / "mine" / f"{split}.csv", part)
    prepared = data(tmp_path / "mine")
    assert sizes(prepared.splits) == {"train": 51, "validation": 9, "test": 20}
    assert "20 validation rows repeat a later split's content and were left out" in prepared.notices


@pytest.mark.parametrize(
    ("train", "test", "fault"),
    [
        ([("a", 20)], [("a", 5), ("b", 5)], "class 'b' has 5 test and no training rows"),
        ([("a", 20), ("b", 20)], [("c", 9)], "class 'c' has 9 test and no training rows"),
    ],
)
def test_what_cannot_be_learnt_or_tested_is_refused(
    tmp_path: Path, train: list[tuple[str, int]], test: list[tuple[str, int]], fault: str
) -> None:
    for split, classes in (("train", train), ("test", test)):
        rows = [(f"{split} {label} {i}", label) for label, count in classes for i in range(count)]
        table(tmp_path / "mine" / f"{split}.csv", rows)
    with pytest.raises(InputError, match=fault):
        data(tmp_path / "mine")


def test_what_copies_leave_nothing_of_is_refused_before_anything_trains(tmp_path: Path) -> None:
    rows = [(("no", "neg"), ("yes", "pos"))[i % 2] for i in range(200)]
    with pytest.raises(InputError, match=r"train 1, validation 0, test 1 rows: no row is left for validation; 198 of"):
        data(table(tmp_path / "mine.csv", rows))
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(30)]
    for split in ("train", "test"):
        table(tmp_path / "mine" / f"{split}.csv", rows)
    with pytest.raises(
        InputError,
        match=r"train 0, validation 0, test 30 rows: no row is left for train and validation; "
        r"30 train rows repeat a later split's content and were left out; give more rows that differ",
    ):
        data(tmp_path / "mine")


def test_copies_without_a_group_join_the_first_ones() -> None:
    """Of targets that are no classes copies stay; none but a copy of its own is in their group."""
    rows = [(f"text {i % 30}", "") for i in range(60)]
    some = drawn(texts(rows, targets=object()), ALL)
    assert sum(map(len, some.chosen.values())) == 60
    assert some.groups == [f"row {i % 30}" for i in range(60)]


def test_one_split_alone_is_divided() -> None:
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(40)]
    for split in SPLITS:
        some = drawn(texts(rows, splits=[split] * 40), ALL)
        assert {name: len(each) for name, each in some.chosen.items()} == {"train": 24, "validation": 4, "test": 12}


def files(folder: Path, contents: Sequence[bytes]) -> Listing:
    folder.mkdir()
    paths = [folder / f"{i}.wav" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    inputs = [{"bytes": None, "path": str(path)} for path in paths]
    return Listing("audio", inputs, [""] * len(paths), [path.name for path in paths])


def test_files_are_copies_by_their_bytes_alone_and_one_that_cannot_be_read_is_like_no_other(tmp_path: Path) -> None:
    tail = bytes(8192)
    listing = files(tmp_path / "a", [b"one", b"two", b"one", b"", b"", b"x" + tail, b"y" + tail, b"x" + tail])
    assert firsts(listing) == [0, 1, 0, 3, 4, 5, 6, 5]
    listing.inputs = [{"bytes": Path(v["path"]).read_bytes(), "path": None} for v in listing.inputs]
    assert firsts(listing) == [0, 1, 0, 3, 4, 5, 6, 5]
    listing = files(tmp_path / "b", [b"one", b"one", b"one"])
    (tmp_path / "b" / "1.wav").unlink()
    assert firsts(listing) == [0, 1, 0]


def test_only_files_of_one_size_and_end_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = bytes(100_000)
    listing = files(tmp_path / "a", [big + bytes([i]) for i in range(20)] + [b"1" + big, b"2" + big, b"3" * 7])
    hashed: list[str] = []
    whole = repeats._hash
    monkeypatch.setattr(repeats, "_hash", lambda value: (hashed.append(Path(value["path"]).name), whole(value))[1])
    assert firsts(listing) == list(range(23))
    assert hashed == ["0.wav", "20.wav", "21.wav"]


def test_copies_of_sounds_in_class_folders(sound: Callable[..., Path], tmp_path: Path) -> None:
    for i in range(12):
        sound(f"mine/low/{i}.wav", 200 + i)
        sound(f"mine/high/{i}.wav", 2000 + i)
    for i in range(4):
        shutil.copy(tmp_path / f"mine/low/{i}.wav", tmp_path / f"mine/low/copy{i}.wav")
    shutil.copy(tmp_path / "mine/low/7.wav", tmp_path / "mine/high/7copy.wav")
    prepared = load(find("audio-classification", str(tmp_path / "mine")))
    assert sum(sizes(prepared.splits).values()) == 25
    assert "4 of 29 rows repeat another one and its class, and were left out" in prepared.notices
    assert any("high/7copy.wav is 'high', low/7.wav is 'low'" in notice for notice in prepared.notices)


def test_near_repeats_of_own_texts_stay_on_one_side_and_contradictions_are_named() -> None:
    rows = [(text, "ab"[i % 2]) for i in range(60) for text in (f"This is text {i}", f"this is TEXT {i}!")]
    rows[3] = (rows[3][0], "a")
    some = drawn(texts(rows), ALL, is_own=True)
    assert are_apart([rows[i][0].lower().strip("!") for i in some.chosen[split]] for split in SPLITS)
    assert sum(map(len, some.chosen.values())) == 120, "none is left out"
    near = (
        "60 rows nearly repeat another one (the same text but for case and punctuation) and stay on its side, such as"
    )
    assert some.notices[0].startswith(f"{near} row 0 and row 1; ")
    assert "contents with several classes: 1, such as: row 2 is 'b', row 3 is 'a'" in some.notices
    assert some.groups[:4] == ["row 0", "row 0", "row 2", "row 2"]
    assert not are_apart(
        [rows[i][0].lower().strip("!") for i in drawn(texts(rows), ALL).chosen[split]] for split in SPLITS
    ), "a data set with a name keeps its draw"


def test_near_repeats_of_a_given_test_leave_training() -> None:
    rows = [(f"This is text {i}", "ab"[i % 2]) for i in range(60)]
    rows += [(f"this is text {i}!", "ab"[i % 2]) for i in range(20)]
    some = drawn(texts(rows, splits=["train"] * 60 + ["test"] * 20), ALL, is_own=True)
    assert len(some.chosen["test"]) == 20 and len(some.chosen["train"]) + len(some.chosen["validation"]) == 40
    assert "20 train rows repeat a later split's content and were left out" in some.notices


def test_groups_with_a_repeat_of_each_other_are_one_but_not_if_everybody_said_it() -> None:
    groups = [f"g{i // 10}" for i in range(100)]
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(100)]
    rows[19] = ("TEXT 5.", "b")
    some = drawn(texts(rows, groups), ALL, is_own=True)
    assert set(some.groups[:20]) == {"g0"} and len(set(some.groups)) == 9
    assert are_apart({some.groups[i] for i in some.chosen[split]} for split in SPLITS)
    said = [("ok", "a") if i % 10 == 0 else row for i, row in enumerate(rows)]
    some = drawn(texts(said, groups), ALL, is_own=True)
    assert some.groups == groups
    assert are_apart({groups[i] for i in some.chosen[split]} for split in SPLITS)
    assert are_apart({said[i][0] for i in some.chosen[split]} for split in SPLITS)


def test_groups_that_say_nothing_are_ignored_and_rows_without_one_are_their_own() -> None:
    rows = [(f"text {i}", "ab"[i % 2]) for i in range(40)]
    some = drawn(texts(rows, ["all"] * 40), ALL, is_own=True)
    assert some.notices == ["all rows are of one group, 'all', which is ignored"]
    assert some.groups == [f"row {i}" for i in range(40)]
    some = drawn(texts(rows, ["g" if i < 4 else "" for i in range(40)]), ALL, is_own=True)
    assert len(set(some.groups)) == 37


def test_classes_that_are_bound_to_groups_are_refused() -> None:
    rows = [(f"text {i}", "abcd"[i % 4]) for i in range(80)]
    with pytest.raises(
        InputError, match=r"class '\w' .*: the groups that have it are in the test \(g\d\); give rows of it"
    ):
        drawn(texts(rows, [f"g{i % 4}" for i in range(80)]), ALL, is_own=True)


def test_a_given_test_is_used_whole_and_one_that_is_cut_has_a_limit(tmp_path: Path) -> None:
    for split, count in (("train", 40), ("test", 1200)):
        table(tmp_path / "mine" / f"{split}.csv", [(f"{split} {i}", "ab"[i % 2]) for i in range(count)])
    assert sizes(data(tmp_path / "mine").splits)["test"] == 1200
    one = table(tmp_path / "one.csv", [(f"text {i}", "ab"[i % 2]) for i in range(4000)])
    assert sizes(data(one).splits)["test"] == 1000


def test_a_sound_saved_at_another_rate_stays_with_its_original(sound: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(12):
        noise = np.convolve(rng.normal(0, 0.3, 8000), rng.normal(0, 0.5, 20), "same")
        for label, samples, rate in (("low", noise, 16_000), ("high", soxr.resample(noise, 16_000, 11_025), 11_025)):
            path = tmp_path / "mine" / label / f"{i}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.3 * samples, rate)
    prepared = load(find("audio-classification", str(tmp_path / "mine")))
    assert any(notice.startswith("12 rows nearly repeat another one (the same sound") for notice in prepared.notices)
    assert any(notice.startswith("contents with several classes: 12") for notice in prepared.notices)
    assert are_apart({Path(name).name for name in rows["id"][:]} for rows in prepared.splits.values())
