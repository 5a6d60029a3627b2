"""Parquet files in memory."""

import io
import threading

import pyarrow as pa
import pytest

from tlzoo.publish import parquet

TABLE = pa.table({"a": [1, 2], "b": [["x"], []]})


def test_a_table_is_read_as_it_was_written() -> None:
    assert parquet.read(parquet.write(TABLE)) == TABLE
    assert parquet.read(parquet.write(TABLE), ["b"]) == TABLE.select(["b"])
    assert parquet.write(TABLE) == parquet.write(TABLE)
    with pytest.raises(pa.ArrowException):
        parquet.read(b"torn")


def test_no_other_thread_holds_a_file_when_the_program_may_end(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            readers.add(threading.get_ident())
            return super().read(size)

    file = parquet.write(pa.table({f"c{i}": [str(j) for j in range(3000)] for i in range(20)}))
    monkeypatch.setattr(io, "BytesIO", Watched)
    assert parquet.read(file).num_rows == 3000
    assert readers == {threading.get_ident()}, "it aborts a program that ends before it lets go of the file"
