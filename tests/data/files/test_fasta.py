import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.prepared import share_nothing, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import fasta
from tlzoo.data.files.fasta import read_fasta
from tlzoo.data.media.dna import codes, letters, window
from tlzoo.errors import InputError

TASK = "language-modeling"


def rows(count: int = 30) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {
            "sequence": "".join(rng.choice(list("ACGT"), 40)),
            "tracks": rng.poisson(2, (4, 2)).tolist(),
            "chromosome": f"chr{i % 6}",
        }
        for i in range(count)
    ]


def write(path: Path, table: list[dict[str, Any]]) -> str:
    return str(write_table(path, {name: [row[name] for row in table] for name in table[0]}))


def test_letters_are_numbers_and_a_window_may_reach_beyond_the_sequence() -> None:
    assert codes("AcGtUu nN\n").tolist() == [0, 1, 2, 3, 3, 3, 4, 4]
    assert set(codes("RYSWKMBDHVryswkmbdhv").tolist()) == {4}
    assert letters(codes("acgtrn")) == "ACGTNN"
    for wrong, told in (
        ("ACGTE", "'E' at base 5"),
        ("AC-GT", "'-' at base 3"),
        ("ACGé", "'é' at base 4"),
        ("", "empty"),
    ):
        with pytest.raises(InputError, match=told):
            codes(wrong)
    numbers = codes("ACGT")
    assert window(numbers, -2, 8).tolist() == [4, 4, 0, 1, 2, 3, 4, 4]
    assert window(numbers, 1, 2).tolist() == [1, 2]
    assert window(numbers, -9, 4).tolist() == [4] * 4 == window(numbers, 7, 4).tolist()


def test_fasta(tmp_path: Path) -> None:
    text = ">one a promoter\nACGT\nacgt\n\n>two\nNNNN\n>three\n"
    expected = [("one", "ACGTacgt"), ("two", "NNNN"), ("three", "")]
    (tmp_path / "a.fa").write_text(text)
    with gzip.open(tmp_path / "a.fa.gz", "wt") as file:
        file.write(text)
    assert list(read_fasta(tmp_path / "a.fa")) == expected
    packed = [row["dna"] for _, row in fasta.rows(tmp_path / "a.fa.gz", {}, print)]
    assert packed == [sequence for _, sequence in expected]
    with pytest.raises(InputError, match="No such file"):
        list(read_fasta(tmp_path / "none.fa"))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_tables_of_every_kind_give_the_same_rows(tmp_path: Path, suffix: str) -> None:
    table = rows()
    source = find(TASK, write(tmp_path / f"regions.{suffix}", table))
    assert source.kind == "dna"
    data = load(source)
    assert "groups from column 'chromosome'" in data.notices[0]
    by_id = {row["id"]: row for split in data.splits.values() for row in split}
    assert len(by_id) == 30
    row = by_id[f"regions.{suffix} row 3"]
    assert (row["dna"], row["tracks"], row["bin_size"]) == (table[2]["sequence"], table[2]["tracks"], 0)
    assert share_nothing(data.splits)


def test_one_track_may_be_a_plain_list_and_bins_may_have_a_size(tmp_path: Path) -> None:
    table = [row | {"tracks": [1, 2, 3], "bin_size": 8} for row in rows()]
    data = load(find(TASK, write(tmp_path / "regions.parquet", table)))
    assert data.splits["train"][0]["tracks"] == [[1.0], [2.0], [3.0]]
    assert set(data.splits["train"]["bin_size"][:]) == {8}


def test_what_is_wrong_with_one_row_costs_that_row(tmp_path: Path) -> None:
    table = rows()
    wrong: dict[int, dict[str, Any]] = {
        1: {"sequence": "MKVLAA"},
        2: {"sequence": ""},
        3: {"tracks": [[1, 2]]},
        4: {"tracks": [[1, -2]] * 4},
        5: {"tracks": None},
        6: {"tracks": [[1, 2], [1]]},
        7: {"sequence": "acgtn" * 8},
    }
    for index, change in wrong.items():
        table[index] |= change
    data = load(find(TASK, write(tmp_path / "regions.jsonl", table)))
    told = dict(problem.split(": ", 1) for problem in data.problems)
    assert told["regions.jsonl row 2"].startswith("'L' at base 4")
    assert told["regions.jsonl row 3"] == "the sequence is empty"
    assert told["regions.jsonl row 4"] == "has 1 bins of 2 tracks, the first row 4 bins of 2 tracks"
    assert "negative" in told["regions.jsonl row 5"]
    assert "not one list of numbers a bin" in told["regions.jsonl row 6"]
    assert "not one list of numbers a bin" in told["regions.jsonl row 7"]
    assert len(told) == 6
    kept = [row["dna"] for split in data.splits.values() for row in split if row["id"] == "regions.jsonl row 8"]
    assert kept == ["ACGTN" * 8]
