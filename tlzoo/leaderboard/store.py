"""Results on disk: one Parquet file a finished run, written under a temporary name and renamed.

A file that cannot be read, or whose rows cannot be ranked, is left out with a notice; all others are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
import pyarrow.parquet as pq

from tlzoo import terminal
from tlzoo.errors import InputError, unknown
from tlzoo.files import write_whole
from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.row import ResultRow
from tlzoo.leaderboard.schema import BOARD, BOARD_FIELDS, FINAL, RESULT, RESULT_FIELDS, VERSION, needed
from tlzoo.leaderboard.statistics import is_finite
from tlzoo.vocabulary import task_facts

_MERGED = "merged-"
_DAMAGED = (
    pa.ArrowException, OSError, InputError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError
)  # fmt: skip
"""What reading an arbitrary file may raise."""


class Store:
    """A folder of results.

    Killing the writer at any moment loses at most the run in flight: a file is either whole or not there.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder; it need not exist yet."""
        self.folder = folder

    def write(self, rows: Iterable[Mapping[str, object]]) -> Path:
        """Write the rows of one run (one a metric), replacing those of an earlier attempt.

        Args:
            rows: Columns of ``schema.RESULT``; one that is absent is null.

        Raises:
            InputError: A column is unknown, or one that every row needs is missing.
        """
        listed = [dict(row) for row in rows]
        for row in listed:
            where = f"a result of run {row.get('run_id')}"
            for name in row:
                if name not in RESULT.names:
                    raise unknown("column", name, RESULT.names, where)
            _need(row, needed(RESULT_FIELDS, row.get("status") == "ok"), f"{where}: ")
        ids = {str(row["run_id"]) for row in listed}
        if len(ids) != 1:
            raise ValueError(f"rows of one run expected, got {sorted(ids)}")
        return self._put(pa.Table.from_pylist(listed, schema=RESULT), ids.pop())

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
    """Ranked rows of a file (``schema.BOARD``); empty where the file does not exist or cannot be read as a board."""
    if not path.exists():
        return BOARD.empty_table()
    try:
        table = _table(path, BOARD)
        for row in table.to_pylist():
            _need(row, needed(BOARD_FIELDS, row["value"] is not None))
            task_facts(row["task"])
            if row["value"] is not None:
                metric(row["metric"])
    except _DAMAGED as error:
        _left_out(path, error, "put back the file that shipped, or name another folder in TLZOO_REFERENCE")
        return BOARD.empty_table()
    return table


def _read(path: Path) -> pa.Table | None:
    """The rows of a file; None where it is gone, or cannot be used, which a notice says."""
    try:
        version = (pq.read_schema(path).metadata or {}).get(b"tlzoo.schema", b"none").decode()
        if version != str(VERSION):
            raise ValueError(f"results of schema {version}, not {VERSION}")
        table = _table(path, RESULT)
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


def _table(path: Path, schema: pa.Schema) -> pa.Table:
    """A file with the columns of today: one that it lacks is null, and one that is not known is left out."""
    table = pds.dataset([path], schema=schema).to_table()
    table.validate(full=True)
    return table


def _check(columns: Mapping[str, object]) -> None:
    """Refuse a row that cannot be ranked; one whose numbers are not finite can be shown as such.

    Raises:
        InputError: A column is missing, or its task or metric is not known.
        ValueError: Its statistics do not fit together.
    """
    is_scored = columns["status"] == "ok"
    _need(columns, needed(RESULT_FIELDS, is_scored))
    row = cast(ResultRow, columns)
    task_facts(row["task"])
    if not is_scored:
        return
    statistics, examples = row["statistics"], len(row["example_ids"])
    if not examples or not len(statistics) == len(row["groups"]) == examples:
        raise ValueError(f"{len(statistics)} statistics and {len(row['groups'])} groups of {examples} examples")
    if any(each is None or None in each for each in statistics):
        raise ValueError("a statistic is null")
    if any(point["seconds"] is None or point["score"] is None for point in row["history"] or ()):
        raise ValueError("a point of the history has no seconds or score")
    if is_finite(statistics):
        with np.errstate(all="ignore"):
            metric(row["metric"]).reduce(statistics, np.ones((1, examples)))


def _need(row: Mapping[str, object], names: Iterable[str], where: str = "") -> None:
    """Make sure that columns are there and not null.

    Raises:
        InputError: One is missing.
    """
    missing = [name for name in names if row.get(name) is None]
    if missing:
        raise InputError(f"{where}column {missing[0]!r} has no value")


def _left_out(path: Path, error: Exception, remedy: str = "move it away, and evaluate its run again") -> None:
    _say(f"{path}: left out, its results cannot be used ({' '.join(str(error).split())}); {remedy}")


@cache
def _say(line: str) -> None:
    """Print a notice on standard error, once per process."""
    terminal.say(line)


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
