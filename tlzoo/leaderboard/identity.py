"""What a row is of: its data and its machine. Rows that differ in either are never compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

Row = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=Row)
DATA = ("dataset", "dataset_fingerprint")
"""What tells data sets apart: two folders may share a name, and a folder may change."""
MACHINE = ("origin", "hardware", "device")
"""What tells machines apart."""
CLOCK = (*MACHINE, "threads")
"""What rows share whose times are compared."""
BOARD = ("task", *DATA, *MACHINE, "fraction", "metric")
"""What rows share that are ranked together."""
PANEL = ("task", *DATA, *CLOCK, "metric")
"""What rows share that are compared in score and time together, whatever their share of the labels."""


def of(row: Row, columns: Sequence[str]) -> tuple[Any, ...]:
    """The values of some columns."""
    return tuple(row[name] for name in columns)


def grouped(rows: Iterable[AnyRow], columns: Sequence[str]) -> list[list[AnyRow]]:
    """Rows that share the values of some columns, together, in the order in which they come."""
    together: dict[tuple[Any, ...], list[AnyRow]] = defaultdict(list)
    for row in rows:
        together[of(row, columns)].append(row)
    return list(together.values())


class Titles:
    """What the data and the machines of some rows are called, so that no two are called alike."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Look at rows of ``schema.BOARD``; those without a value say nothing of their machine."""
        self._versions: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._threads: dict[tuple[Any, ...], set[int | None]] = defaultdict(set)
        for row in rows:
            if row["dataset_fingerprint"] is not None:
                self._versions[row["task"], row["dataset"]].add(row["dataset_fingerprint"])
            if row["value"] is not None:
                self._threads[of(row, MACHINE)].add(row["threads"])

    def data(self, row: Row) -> str:
        """A data set's name, with the start of its fingerprint where another one has the same name."""
        versions = self._versions[row["task"], row["dataset"]]
        if len(versions) < 2:
            return row["dataset"] or ""
        if row["dataset_fingerprint"] is None:
            return f"{row['dataset']} (version not known)"
        length = next(n for n in count(6) if len({version[:n] for version in versions}) == len(versions))
        return f"{row['dataset']} ({row['dataset_fingerprint'][:length]})"

    def machine(self, row: Row) -> str:
        """Whose results they are, and where they were measured; empty where all are local and of one machine."""
        return "" if len(self._threads) < 2 and row["origin"] == "local" else _machine(row)

    def clock(self, row: Row) -> str:
        """The same, with the number of threads where there are several on that machine."""
        if len(self._threads[of(row, MACHINE)]) < 2:
            return self.machine(row)
        return f"{_machine(row)}, {row['threads']} thread{'s' * (row['threads'] != 1)}"

    def panel(self, row: Row) -> str:
        """Data and machine, of rows that are compared in time."""
        clock = self.clock(row)
        return f"{self.data(row)}: {clock}" if clock else self.data(row)


def _machine(row: Row) -> str:
    device = None if row["device"] == "cpu" else row["device"]
    places = ", ".join(place for place in (device, row["hardware"]) if place)
    return f"{row['origin']} results" + (f", measured on {places}" if places else "")
