"""Predictions as a file, a row an input, however many there are."""

from __future__ import annotations

import csv
import json
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tlzoo.errors import InputError
from tlzoo.files import write_whole

if TYPE_CHECKING:
    from tlzoo.run.predict import Predicted

PART_ROWS = 1024
"""Rows of a part of a Parquet file."""


class PredictionFile:
    """The rows of a file, which are kept on the disk until all have come: only then its columns are known."""

    def __init__(self, path: Path) -> None:
        """Write nothing yet.

        Args:
            path: The file, whose suffix is one of :data:`WRITERS`.

        Raises:
            InputError: It has another one.
        """
        if path.suffix not in WRITERS:
            raise InputError(f"--out {path}: expected a file named {', '.join(WRITERS)}")
        self.path = path
        self._fields: set[str] = set()

    def __enter__(self) -> Self:
        """Make room for the rows."""
        self._rows = tempfile.TemporaryFile()
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the rows."""
        self._rows.close()

    def add(self, predicted: Predicted, line: Mapping[str, Any]) -> None:
        """Add a row.

        Args:
            predicted: The prediction, with the columns of the table that the input is from.
            line: The same as ``tlzoo predict`` prints it.
        """
        try:
            pickle.dump((predicted.columns, line), self._rows)
        except OSError as error:
            raise InputError(f"--out {self.path}: there is no room for its rows: {error.strerror or error}") from None
        self._fields.update(line)

    def write(self) -> None:
        """Write the file, in place of an earlier one, completely or not at all.

        Raises:
            InputError: It cannot be written.
        """
        try:
            write_whole(self.path, lambda new: WRITERS[self.path.suffix](self._read, new))
        except OSError as error:
            raise InputError(f"--out {self.path}: cannot be written: {error.strerror or error}") from None

    def _read(self) -> Iterator[dict[str, Any]]:
        from tlzoo.run.predict import with_columns

        self._rows.seek(0)
        while True:
            try:
                columns, line = pickle.load(self._rows)  # noqa: S301, this process wrote it
            except EOFError:
                return
            yield with_columns(columns, line, self._fields)


Read = Callable[[], Iterator[dict[str, Any]]]


def _write_jsonl(read: Read, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in read())


def _write_csv(read: Read, path: Path) -> None:
    names = list(_types(read))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_flat, read()))


def _write_parquet(read: Read, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    types = {name: _common(each) for name, each in _types(read).items()}
    schema = pa.schema({name: arrow[each] for name, each in types.items()})
    with pq.ParquetWriter(path, schema) as writer:
        part: list[dict[str, Any]] = []
        for row in read():
            part.append({name: None if v is None else types[name](v) for name, v in _flat(row).items()})
            if len(part) == PART_ROWS:
                writer.write_table(pa.Table.from_pylist(part, schema))
                part = []
        writer.write_table(pa.Table.from_pylist(part, schema))


WRITERS: Mapping[str, Callable[[Read, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
"""What writes a file, by its suffix; in CSV and Parquet, lists and scores are JSON."""


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without lists and mappings, and with None for NaN."""
    flat = {}
    for name, given in row.items():
        value = given.tolist() if isinstance(given, np.generic | np.ndarray) else given
        is_nested = isinstance(value, list | dict)
        flat[name] = json.dumps(value, ensure_ascii=False, default=str) if is_nested else value
    return {name: value if value == value else None for name, value in flat.items()}


def _types(read: Read) -> dict[str, set[type]]:
    """The types of the values of each column, in the order in which columns come."""
    types: dict[str, set[type]] = defaultdict(set)
    for row in read():
        for name, value in _flat(row).items():
            types[name].update([] if value is None else [str if _is_huge(value) else type(value)])
    return types


def _is_huge(value: object) -> bool:
    """Whether a number has no place among whole numbers of 64 bits."""
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _common(types: set[type]) -> type:
    """The type of a column: of numbers where all are, else text."""
    for each in (bool, int, float):
        if types and types <= {each, int if each is float else each}:
            return each
    return str
