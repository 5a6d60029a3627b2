"""Results on disk: one Parquet file a finished run, written under a temporary name and renamed.

A file that cannot be read, or whose rows cannot be ranked, is left out with a notice; all others are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
import pyarrow.parquet as pq

from tlzoo import terminal
from tlzoo.errors import InputError, unknown
from tlzoo.files import write_whole
from tlzoo.leaderboard.metrics import metric
from tlzoo.leaderboard.runs import scores
from tlzoo.leaderboard.schema import BOARD, BOARD_FIELDS, FINAL, RESULT, RESULT_FIELDS, VERSION, needed
from tlzoo.vocabulary import task_facts

_MERGED = "merged-"
_SHORT = ("run_id", "task", "metric", "status", "origin")
"""Columns that are always read: those that tell rows apart, and whether they can be ranked."""
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

    def read(self, columns: Collection[str] | None = None, where: pc.Expression | None = None) -> pa.Table:
        """Rows, each run once.

        Args:
            columns: Only these; all by default. Damage in others is not noticed.
            where: Only rows for which this holds.
        """
        names = None if columns is None else list(dict.fromkeys((*columns, *_SHORT)))
        empty = RESULT.empty_table() if names is None else RESULT.empty_table().select(names)
        table = _deduplicated(pa.concat_tables([empty, *self._tables(names, where).values()]))
        return table if columns is None else table.select(list(columns))

    def statuses(self, table: pa.Table | None = None) -> dict[str, tuple[str, float]]:
        """Status of each run by its id, and the seconds that it took; of the rows that :meth:`read` gave, if given."""
        table = self.read() if table is None else table
        rows = zip(*(table[name].to_pylist() for name in ("run_id", "status", "wall_seconds")), strict=True)
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

    def _tables(self, names: list[str] | None = None, where: pc.Expression | None = None) -> dict[Path, pa.Table]:
        """The rows of each file that can be read; of all files, even where another process merges them meanwhile."""
        while True:
            files = self._files()
            tables = {path: table for path in files if (table := _read(path, names, where)) is not None}
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


def _read(path: Path, names: list[str] | None, where: pc.Expression | None) -> pa.Table | None:
    """The rows of a file; None where it is gone, or cannot be used, which a notice says."""
    try:
        version = (pq.read_schema(path).metadata or {}).get(b"tlzoo.schema", b"none").decode()
        if version != str(VERSION):
            raise ValueError(f"results of schema {version}, not {VERSION}")
        table = _table(path, RESULT, names, where)
        _check(table)
    except FileNotFoundError as error:
        if path.is_symlink():
            _left_out(path, error)
        return None  # merged by another process since it was listed
    except _DAMAGED as error:
        _left_out(path, error)
        return None
    return table


def _table(
    path: Path, schema: pa.Schema, names: list[str] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """A file with the columns of today: one that it lacks is null, and one that is not known is left out."""
    table = pds.dataset([path], schema=schema).to_table(columns=names, filter=where)
    table.validate(full=True)
    return table


def _check(table: pa.Table) -> None:
    """Refuse rows that cannot be ranked, as far as the columns tell; those that are not finite can be shown as such.

    Raises:
        InputError: A column is missing, or a task or metric is not known.
        ValueError: Statistics do not fit together.
    """
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            pc.min_max(column).as_py()  # a date beyond the year 9999 is none
    scored = table.filter(pc.equal(table["status"], "ok"))
    for rows, is_scored in ((table, False), (scored, True)):
        for name in needed(RESULT_FIELDS, is_scored):
            if name in rows.column_names and rows[name].null_count:
                raise InputError(f"column {name!r} has no value")
    for name in pc.unique(table["task"]).to_pylist():
        task_facts(name)
    for name in pc.unique(scored["metric"]).to_pylist():
        metric(name)
    if "statistics" in scored.column_names:
        for name, given in zip(scored["metric"].to_pylist(), scores(scored), strict=True):
            if given.is_finite:
                with np.errstate(all="ignore"):
                    metric(name).reduce(given.statistics, np.ones((1, len(given.ids))))
    if "history" in scored.column_names:
        points = scored["history"].combine_chunks().flatten()
        if points.field("seconds").null_count or points.field("score").null_count:
            raise ValueError("a point of the history has no seconds or score")


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
