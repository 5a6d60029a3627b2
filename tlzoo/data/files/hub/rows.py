"""Rows of a data set of the Hub, read by columns: of Parquet only those columns and row groups are downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict, Features
from datasets.table import table_cast

if TYPE_CHECKING:
    from huggingface_hub import HfFileSystem

PARALLEL = 8
"""Files that are read at once."""


@dataclass(frozen=True)
class Block:
    """Rows of a split that are downloaded together.

    Attributes:
        rows: Their places in the split.
        bytes: Size of the columns asked for, as it is downloaded.
    """

    rows: range
    bytes: int


class Rows(Protocol):
    """A data set as columns."""

    @property
    def features(self) -> Features:
        """Features of all columns."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of rows by split, in the order of the source."""

    def read(self, split: str, columns: Sequence[str]) -> Dataset:
        """Some columns of all rows of a split."""

    def take(self, split: str, columns: Sequence[str], places: Sequence[int]) -> Dataset:
        """Some columns of some rows of a split, in the order of ``places``."""

    def blocks(self, split: str, columns: Sequence[str]) -> Sequence[Block]:
        """What a split's columns are downloaded in; empty if they are here already."""


class Loaded:
    """A data set that is here, as :class:`Rows`."""

    def __init__(self, splits: DatasetDict) -> None:
        """Keep the splits."""
        self.splits = splits
        self.features: Features = next(iter(splits.values())).features
        self.sizes = {str(name): len(rows) for name, rows in splits.items()}

    def read(self, split: str, columns: Sequence[str]) -> Dataset:
        """As of :class:`Rows`."""
        return self.splits[split].select_columns(list(columns))

    def take(self, split: str, columns: Sequence[str], places: Sequence[int]) -> Dataset:
        """As of :class:`Rows`."""
        return self.read(split, columns).select(places)

    def blocks(self, split: str, columns: Sequence[str]) -> Sequence[Block]:
        """None: nothing is downloaded any more."""
        return ()


class Shards:
    """Parquet files on the Hub, as :class:`Rows`. A file is opened once, and read by ranges of bytes."""

    def __init__(self, files: Mapping[str, Sequence[str]], features: Features | None = None) -> None:
        """Open the files.

        Args:
            files: ``hf://`` paths by split.
            features: What the repository says of the columns; by default what the first file says.
        """
        from huggingface_hub import HfFileSystem

        system = HfFileSystem()
        with ThreadPoolExecutor(PARALLEL) as pool:
            opened = {split: list(pool.map(lambda path: _Shard(path, system), paths)) for split, paths in files.items()}
        self._shards: dict[str, list[_Shard]] = opened
        first = next(shard for shards in opened.values() for shard in shards)
        own = Features.from_arrow_schema(first.file.schema_arrow)
        self.features = features if features is not None and set(features) <= set(own) else own
        self.sizes = {split: sum(shard.count for shard in shards) for split, shards in opened.items()}

    def read(self, split: str, columns: Sequence[str]) -> Dataset:
        """As of :class:`Rows`."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            parts = list(pool.map(lambda shard: shard.read(columns), self._shards[split]))
        return self._cast(parts, columns)

    def take(self, split: str, columns: Sequence[str], places: Sequence[int]) -> Dataset:
        """As of :class:`Rows`."""
        order = np.argsort(places, kind="stable")
        wanted = np.asarray(places, dtype=np.int64)[order]
        jobs = []
        start = 0
        for shard in self._shards[split]:
            jobs.append((shard, wanted[(wanted >= start) & (wanted < start + shard.count)] - start))
            start += shard.count
        with ThreadPoolExecutor(PARALLEL) as pool:
            parts = list(pool.map(lambda job: job[0].take(columns, job[1]), jobs))
        taken = self._cast([part for parts_of_one in parts for part in parts_of_one], columns)
        return taken.select(np.argsort(order, kind="stable"))

    def blocks(self, split: str, columns: Sequence[str]) -> Sequence[Block]:
        """Row groups."""
        blocks = []
        start = 0
        for shard in self._shards[split]:
            for group, rows in enumerate(shard.groups):
                blocks.append(Block(range(start + rows.start, start + rows.stop), shard.bytes(group, columns)))
            start += shard.count
        return blocks

    def _cast(self, parts: Sequence[pa.Table], columns: Sequence[str]) -> Dataset:
        schema = Features({name: self.features[name] for name in columns}).arrow_schema
        cast = [table_cast(part.select(list(columns)), schema) for part in parts]
        return Dataset(pa.concat_tables(cast) if cast else schema.empty_table())


class _Shard:
    """One Parquet file."""

    def __init__(self, path: str, system: HfFileSystem) -> None:
        self.path = path
        try:
            self.file = pq.ParquetFile(system.open(path, "rb", cache_type="none"), pre_buffer=True)
        except pa.ArrowException as error:
            raise TornError(path, error) from error
        self.count: int = self.file.metadata.num_rows

    @cached_property
    def groups(self) -> list[range]:
        """Rows of each row group."""
        ends = np.cumsum([self.file.metadata.row_group(i).num_rows for i in range(self.file.num_row_groups)])
        return [range(int(stop) - n, int(stop)) for stop, n in zip(ends, np.diff(ends, prepend=0), strict=True)]

    def bytes(self, group: int, columns: Sequence[str]) -> int:
        """Size of a row group's columns."""
        chunks = self.file.metadata.row_group(group)
        parts = [chunks.column(i) for i in range(chunks.num_columns)]
        return sum(c.total_compressed_size for c in parts if c.path_in_schema.partition(".")[0] in columns)

    def read(self, columns: Sequence[str]) -> pa.Table:
        return self._read(list(range(len(self.groups))), columns)

    def take(self, columns: Sequence[str], places: Sequence[int] | np.ndarray[Any, Any]) -> list[pa.Table]:
        """Some rows, sorted; a row group at a time is in memory."""
        given = np.asarray(places, dtype=np.int64)
        parts = []
        for group, rows in enumerate(self.groups):
            inside = given[(given >= rows.start) & (given < rows.stop)] - rows.start
            if len(inside):
                parts.append(self._read([group], columns).take(pa.array(inside)))
        return parts

    def _read(self, groups: list[int], columns: Sequence[str]) -> pa.Table:
        try:
            return self.file.read_row_groups(groups, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, pa.ArrowException) and type(error) is not OSError:
                raise  # of the Hub, and not of the file
            raise TornError(self.path, error) from error


class TornError(Exception):
    """A file is not whole, or no Parquet."""

    def __init__(self, path: str, reason: Exception) -> None:
        """Name the file and what pyarrow says."""
        super().__init__(str(reason))
        self.path = path
