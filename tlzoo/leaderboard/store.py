"""Results on disk: one Parquet file a finished run, written under a temporary name and renamed.

A file that cannot be read, or holds what no board can be made of, is left out, and said; all others are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tlzoo import terminal
from tlzoo.errors import InputError
from tlzoo.files import write_whole
from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.schema import BOARD, FINAL, RESULT, VERSION
from tlzoo.leaderboard.statistics import is_finite
from tlzoo.vocabulary import task_facts

_MERGED = "merged-"
_DAMAGED = (
    pa.ArrowException, OSError, InputError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError
)  # fmt: skip
"""What reading a file may raise that holds anything."""
_NEEDED = ("run_id", "card", "variant", "weights", "task", "dataset", "metric", "status", "created")
_RANKED = ("strategy", "seed", "fraction", "example_ids", "groups", "statistics")
_SHOWN = ("rank", "strategy", "fraction", "ci_low", "ci_high")


class Store:
    """A folder of results.

    Killing the writer at any moment loses at most the run in flight: a file is either whole or not there.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder; it need not exist yet."""
        self.folder = folder

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Path:
        """Write the rows of one run (one a metric), replacing what an earlier try of it left."""
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=RESULT)
        ids = set(table["run_id"].to_pylist())
        if len(ids) != 1:
            raise ValueError(f"rows of one run expected, got {sorted(ids)}")
        return self._put(table, ids.pop())

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """All rows, each run once.

        Args:
            columns: Only these; all by default.
        """
        table = _deduplicated(pa.concat_tables([RESULT.empty_table(), *self._tables().values()]))
        return table if columns is None else table.select(columns)

    def statuses(self) -> dict[str, tuple[str, float]]:
        """Status of each run by its id, and the seconds that it took."""
        columns = ("run_id", "status", "wall_seconds")
        table = self.read(list(columns))
        rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
        return {run: (status, seconds or 0.0) for run, status, seconds in rows}

    def count(self) -> int:
        """Number of files."""
        return len(self._files())

    def compact(self) -> Path | None:
        """Merge all files into one; safe against being killed, since readers take each run once."""
        tables = self._tables()
        if len(tables) < 2:
            return next(iter(tables), None)
        merged = self._put(_deduplicated(pa.concat_tables(tables.values())), f"{_MERGED}{uuid.uuid4().hex[:12]}")
        for path in tables:
            path.unlink(missing_ok=True)
        return merged

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def _tables(self) -> dict[Path, pa.Table]:
        """The rows of each file that can be read; of all files, even where another process merges them meanwhile."""
        while True:
            files = self._files()
            tables = {path: table for path in files if (table := _read(path)) is not None}
            now = set(self._files())
            appeared = {path for path in now.difference(files) if path.name.startswith(_MERGED)}
            if now.issuperset(files) and not appeared:
                return tables

    def _put(self, table: pa.Table, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{name}.parquet"
        try:
            write_whole(target, lambda path: pq.write_table(table, path, compression="zstd"))
        except OSError as error:
            error.filename = error.filename or str(target)  # pyarrow leaves it out
            raise
        return target


def results(folders: Iterable[Path]) -> pa.Table:
    """Rows of several stores; where two hold the same run of one origin, the first store's."""
    return _deduplicated(pa.concat_tables([Store(folder).read() for folder in folders]))


def read_board(path: Path) -> pa.Table:
    """Ranked rows that were kept (``schema.BOARD``); none where there is no such file, or no board can be read."""
    if not path.exists():
        return BOARD.empty_table()
    try:
        table = _as_now(pq.read_table(path), BOARD)
        for row in table.to_pylist():
            task_facts(row["task"])
            if row["value"] is not None:
                _need(row, _SHOWN)
                metric(row["metric"])
    except _DAMAGED as error:
        _left_out(path, error, "put back the file that shipped, or name another folder in TLZOO_REFERENCE")
        return BOARD.empty_table()
    return table


def _read(path: Path) -> pa.Table | None:
    """The rows of a file; none where it is gone, or cannot be used, which is said."""
    try:
        file = pq.ParquetFile(path)
        version = (file.schema_arrow.metadata or {}).get(b"tlzoo.schema", b"none").decode()
        if version != str(VERSION):
            raise ValueError(f"results of schema {version}, not {VERSION}")
        table = _as_now(file.read([name for name in RESULT.names if name in file.schema_arrow.names]), RESULT)
        for row in table.to_pylist():
            _check(row)
    except FileNotFoundError as error:
        if path.is_symlink():
            _left_out(path, error)
        return None  # merged by another process since it was listed
    except _DAMAGED as error:
        _left_out(path, error)
        return None
    return table


def _check(row: Mapping[str, Any]) -> None:
    """Refuse a row of which no board can be made; one whose numbers are not finite can be shown as such.

    Raises:
        InputError: Its task or metric is not known.
        ValueError: Something is missing, or does not fit together.
    """
    _need(row, _NEEDED)
    task_facts(row["task"])
    if row["status"] != "ok":
        return
    _need(row, _RANKED)
    statistics, examples = row["statistics"], len(row["example_ids"])
    if not examples or not len(statistics) == len(row["groups"]) == examples:
        raise ValueError(f"{len(statistics)} statistics and {len(row['groups'])} groups of {examples} examples")
    if any(each is None or None in each for each in statistics):
        raise ValueError("a statistic is null")
    for point in row["history"] or ():
        _need(point, ("seconds", "score"))
    if is_finite(statistics):
        with np.errstate(all="ignore"):
            metric(row["metric"]).reduce(statistics, np.ones((1, examples)))


def _need(row: Mapping[str, Any], names: Iterable[str]) -> None:
    missing = [name for name in names if row[name] is None]
    if missing:
        raise ValueError(f"no {missing[0]} in a row")


def _left_out(path: Path, error: Exception, remedy: str = "move it away, and evaluate its run again") -> None:
    _say(f"{path}: left out, no results that can be used ({' '.join(str(error).split())}); {remedy}")


@cache
def _say(line: str) -> None:
    """Say something on standard error, once a process."""
    terminal.say(line)


def _as_now(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of today: one that a file lacks is null, and one that is not known is left out."""
    there = set(table.column_names)
    values = [table[f.name].cast(f.type) if f.name in there else pa.nulls(table.num_rows, f.type) for f in schema]
    now = pa.table(values, schema=schema)
    now.validate(full=True)
    return now


def _deduplicated(table: pa.Table) -> pa.Table:
    """Each (origin, run, metric) once: a final status before another, then the first met."""
    final = pc.is_in(table["status"], pa.array(sorted(FINAL)))
    order = pc.sort_indices(
        pa.table({"final": pc.cast(final, pa.int8()), "row": pa.array(range(table.num_rows))}),
        [("final", "descending"), ("row", "ascending")],
    )
    keep: dict[tuple[str | None, str, str], int] = {}
    kinds: dict[tuple[str | None, str], bool] = {}
    origins, runs, metrics = (table[name].to_pylist() for name in ("origin", "run_id", "metric"))
    finals = final.to_pylist()
    for index in order.to_pylist():
        run = (origins[index], runs[index])
        if kinds.setdefault(run, finals[index]) == finals[index]:
            keep.setdefault((*run, metrics[index]), index)
    return table.take(pa.array(sorted(keep.values()), pa.int64()))
