"""Tables that a person has, what is refused of them, and splits that share nothing."""

import csv
import gzip
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import DatasetDict

from tlzoo.data.dataset import Prepared
from tlzoo.errors import InputError, UnavailableError

T = TypeVar("T")
Maker = Callable[..., Path]


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write a table of the kind that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(zip(*columns.values(), strict=True))
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    if path.suffix == ".parquet":
        pq.write_table(pa.table(dict(columns)), path)
    elif path.name == "list.json":
        path.write_text(json.dumps(objects, indent=1))
    elif path.suffix in (".jsonl", ".ndjson", ".json"):
        path.write_text("".join(json.dumps(row) + "\n" for row in objects))
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=separator, lineterminator="\n").writerows([list(columns), *rows])
    return path


@contextmanager
def refused(message: str) -> Iterator[None]:
    """What is done inside is refused, in one line."""
    with pytest.raises(InputError, match=message) as caught:
        yield
    assert "\n" not in str(caught.value)


def available(make: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What a function gives; the test is skipped where its files are not available."""
    try:
        return make(*arguments, **options)
    except UnavailableError as error:
        pytest.skip(str(error))


def sizes(splits: Mapping[str, Any]) -> dict[str, int]:
    return {split: len(rows) for split, rows in splits.items()}


def are_apart(sides: Iterable[Collection[Any]]) -> bool:
    """No value is on two sides."""
    sets = [set(side) for side in sides]
    return sum(map(len, sets)) == len(set().union(*sets))


def share_nothing(splits: Mapping[str, Any], column: str = "group") -> bool:
    return are_apart(rows[column][:] for rows in splits.values())


def begin(splits: DatasetDict, whole: DatasetDict) -> bool:
    """The rows of each split are the first ones of the same split of another."""
    return all(rows.to_list() == whole[split].select(range(len(rows))).to_list() for split, rows in splits.items())


def rows_by_id(data: Prepared) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for split in data.splits.values() for row in split}
