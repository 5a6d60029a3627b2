"""Parquet files in memory: written as the Hub's viewer likes them, and read."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS = 1000


def write(table: pa.Table) -> bytes:
    """A file with small row groups and an index of their pages.

    The same rows give the same bytes, and chunks that did not change are not stored again.
    """
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=_ROWS,
        write_page_index=True,
        use_content_defined_chunking=True,
    )
    return sink.getvalue()


def read(content: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a file's bytes, or some of its columns.

    It is read by this thread alone: ``pyarrow.parquet.read_table`` leaves a Python file to threads of its own, and one
    that lets go of it while the program ends aborts the program.

    Raises:
        pyarrow.ArrowException: The file is damaged.
    """
    file = pq.ParquetFile(io.BytesIO(content), pre_buffer=False)
    return file.read(columns=None if columns is None else list(columns), use_threads=False)
