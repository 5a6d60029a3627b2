"""What a row is of: its data and its machine. Rows that differ in either are never compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import TypeVar

from tlzoo.leaderboard.row import BoardRow

AnyRow = TypeVar("AnyRow", bound=BoardRow | Mapping[str, object])
Key = tuple[object, ...]
"""Values of some columns."""
DATA = ("dataset", "dataset_fingerprint")
"""What tells data sets apart: two folders may share a name, and a folder may change."""
MACHINE = ("origin", "hardware", "device")
"""What tells machines apart."""
CLOCK = (*MACHINE, "threads")
"""What rows share whose times are compared."""
BOARD = ("task", *DATA, *MACHINE, "fraction", "metric")
"""What rows share that are ranked together."""
VIEW = ("task", *DATA, *MACHINE, "metric")
"""What rows share whose scores are compared, whatever their share of the labels."""
PANEL = ("task", *DATA, *CLOCK, "metric")
"""What rows share that are compared in score and time together, whatever their share of the labels."""


def of(row: BoardRow | Mapping[str, object], columns: Sequence[str]) -> Key:
    """The values of some columns."""
    values = vars(row) if isinstance(row, BoardRow) else row
    return tuple(values[name] for name in columns)


def grouped(rows: Iterable[AnyRow], columns: Sequence[str]) -> list[list[AnyRow]]:
    """Rows that share the values of some columns, together, in the order in which they come."""
    groups: dict[Key, list[AnyRow]] = defaultdict(list)
    for row in rows:
        groups[of(row, columns)].append(row)
    return list(groups.values())


class Titles:
    """Unambiguous titles for the data sets and the machines of some rows."""

    def __init__(self, rows: Iterable[BoardRow]) -> None:
        """Collect the data sets and machines; the machine of a row without a value does not count."""
        self._versions: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._threads: dict[Key, set[int | None]] = defaultdict(set)
        for row in rows:
            if row.dataset_fingerprint is not None:
                self._versions[row.task, row.dataset].add(row.dataset_fingerprint)
            if row.is_scored:
                self._threads[of(row, MACHINE)].add(row.threads)

    def data(self, row: BoardRow) -> str:
        """A data set's name, with the start of its fingerprint where another one has the same name."""
        versions = self._versions[row.task, row.dataset]
        if len(versions) < 2:
            return row.dataset
        if row.dataset_fingerprint is None:
            return f"{row.dataset} (version not known)"
        length = next(n for n in count(6) if len({version[:n] for version in versions}) == len(versions))
        return f"{row.dataset} ({row.dataset_fingerprint[:length]})"

    def machine(self, row: BoardRow) -> str:
        """Origin and machine of a row's results; empty where all rows are local and of one machine."""
        return "" if len(self._threads) < 2 and row.origin == "local" else _machine(row)

    def clock(self, row: BoardRow) -> str:
        """As :meth:`machine`, with the number of threads where it differs on that machine."""
        if len(self._threads[of(row, MACHINE)]) < 2:
            return self.machine(row)
        return f"{_machine(row)}, {row.threads} thread{'s' * (row.threads != 1)}"

    def panel(self, row: BoardRow) -> str:
        """Data and machine, for rows that are compared in time."""
        clock = self.clock(row)
        return f"{self.data(row)}: {clock}" if clock else self.data(row)


def _machine(row: BoardRow) -> str:
    device = None if row.device == "cpu" else row.device
    places = ", ".join(place for place in (device, row.hardware) if place)
    return f"{row.origin} results" + (f", measured on {places}" if places else "")
