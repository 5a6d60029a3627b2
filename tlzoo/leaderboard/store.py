"""Results on disk: one Parquet file a finished run, written under a temporary name and renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tlzoo.errors import InputError
from tlzoo.leaderboard.schema import BOARD, FINAL, RESULT, VERSION


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
        """All rows, each run once, in order of creation.

        Args:
            columns: Only these; all by default.

        Raises:
            InputError: A file is no results file of this version.
        """
        tables = [table for path in self._files() if (table := _read(path, columns)) is not None]
        if not tables:
            return RESULT.empty_table() if columns is None else RESULT.empty_table().select(columns)
        return pa.concat_tables(tables)

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
        files = self._files()
        if len(files) < 2:
            return files[0] if files else None
        merged = self._put(_deduplicated(self.read()), f"merged-{uuid.uuid4().hex[:12]}")
        for path in files:
            path.unlink(missing_ok=True)
        return merged

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def _put(self, table: pa.Table, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{name}.parquet"
        temporary = self.folder / f".{name}.{os.getpid()}.tmp"
        try:
            pq.write_table(table, temporary, compression="zstd")
            os.replace(temporary, target)
        except OSError as error:
            error.filename = error.filename or str(target)  # pyarrow leaves it out
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return target


def results(folders: Iterable[Path]) -> pa.Table:
    """Rows of several stores; where two hold the same run, the first store's."""
    return _deduplicated(pa.concat_tables([Store(folder).read() for folder in folders]))


def read_board(path: Path) -> pa.Table:
    """Ranked rows that were kept (``schema.BOARD``); none where there is no such file.

    Raises:
        InputError: It is no board of this version.
    """
    if not path.is_file():
        return BOARD.empty_table()
    try:
        found = pq.read_table(path)
        return found.select(BOARD.names).cast(BOARD)
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise InputError(f"{path}: no board of this version ({error})") from None


def _read(path: Path, columns: list[str] | None) -> pa.Table | None:
    try:
        file = pq.ParquetFile(path)
        version = (file.schema_arrow.metadata or {}).get(b"tlzoo.schema", b"none").decode()
        if version != str(VERSION):
            raise InputError(f"{path}: results of schema {version}, not {VERSION}; move the file away to go on")
        return _as_now(file.read([n for n in columns or RESULT.names if n in file.schema_arrow.names]), columns)
    except FileNotFoundError:  # merged by another process between listing and reading
        return None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: no readable Parquet file ({error}); move the file away to go on") from None


def _as_now(table: pa.Table, columns: list[str] | None) -> pa.Table:
    """The columns of today: one that a file lacks is null, and one that is not known is left out."""
    fields = [RESULT.field(name) for name in columns or RESULT.names]
    there = set(table.column_names)
    values = [table[f.name] if f.name in there else pa.nulls(table.num_rows, f.type) for f in fields]
    return pa.table(values, schema=pa.schema(fields, RESULT.metadata))


def _deduplicated(table: pa.Table) -> pa.Table:
    """Each (run, metric) once: a final status before another, then the first met."""
    final = pc.is_in(table["status"], pa.array(sorted(FINAL)))
    order = pc.sort_indices(
        pa.table({"final": pc.cast(final, pa.int8()), "row": pa.array(range(table.num_rows))}),
        [("final", "descending"), ("row", "ascending")],
    )
    keep: dict[tuple[str, str], int] = {}
    kinds: dict[str, bool] = {}
    runs, metrics, finals = table["run_id"].to_pylist(), table["metric"].to_pylist(), final.to_pylist()
    for index in order.to_pylist():
        run = runs[index]
        if kinds.setdefault(run, finals[index]) == finals[index]:
            keep.setdefault((run, metrics[index]), index)
    return table.take(pa.array(sorted(keep.values()), pa.int64()))
