"""Columns of one file, and which of them hold texts and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlzoo.data.files.names import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.tables.formats import Values
from tlzoo.data.files.text_files.delimited import column_named, number
from tlzoo.errors import InputError

TEXT_COLUMNS = ("text", "sentence", "content", "document", "review", "comment", "tweet", "message", "body", "title")
ID_COLUMNS = ("id", "idx", "index", "uid", "guid", "uuid", "url", "date")
"""Columns that identify a row, and are never its content."""
SURE_LABELS = ("label", "labels", "class")
"""Names that always mean the column of classes, whatever other columns there are."""

Columns = Mapping[str, str]
"""The column of a table that each input is read from, by the input: ``text``, ``sentence1``..."""


@dataclass(frozen=True)
class Table:
    """Columns of one file.

    Attributes:
        path: The file.
        columns: Values by column.
        split: ``train``, ``validation`` or ``test`` if the file's name says so.
        ids: Name of each row, if that is not the file's name and the row's number.
        note: What was guessed of it.
    """

    path: Path
    columns: Values
    split: str | None = None
    ids: Sequence[str] | None = None
    note: str = ""

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))

    def name(self, row: int) -> str:
        """Name of a row in messages; rows count from 1, without the header."""
        return f"{self.path.name} row {row + 1}" if self.ids is None else self.ids[row]

    def id(self, row: int, before: int = 0) -> str:
        """Name of a row in the data, whatever its file is called: by its split and number there.

        Args:
            row: The row's place in the table.
            before: Rows of the same split in other tables before this one.
        """
        if self.ids is not None:
            return self.ids[row]
        return f"{f'{self.split} ' if self.split else ''}row {before + row + 1}"

    def identified(self, row: int) -> dict[str, Any]:
        """What identifies a row to predict: ``input``, its name, and ``columns``, all of its values."""
        return {"input": self.name(row), "columns": {name: values[row] for name, values in self.columns.items()}}

    def find(self, names: Sequence[str]) -> str | None:
        """The first of the names that is a column, in any case."""
        return column_named(self.columns, names)

    def strings(self) -> list[str]:
        """The columns with strings; numbers alone, such as ids, are no text, whatever their column is called."""
        return [name for name, values in self.columns.items() if any(isinstance(v, str) for v in values)]

    def need(self, names: Sequence[str], what: str, among: Sequence[str] | None = None) -> str:
        """The first of the names that is a column.

        Args:
            names: The names.
            what: What the column holds.
            among: The columns that may be meant; by default all.

        Raises:
            InputError: None is.
        """
        name = column_named(self.columns if among is None else among, names)
        if name is None:
            raise self.lacks(f"no column of {what} ({', '.join(names)})")
        return name

    def lacks(self, what: str) -> InputError:
        """The error for something that the table lacks, with the columns that it has."""
        names = ", ".join(self.columns) or "none"
        return InputError(f"{self.path}: {what}; columns: {names if len(names) < 500 else names[:500] + ' ...'}")

    def holds_texts(self, column: str) -> bool:
        """Whether a column holds strings, and not numbers alone."""
        values = [value for value in self.columns[column] if value is not None]
        return all(isinstance(v, str) for v in values) and any(v.strip() and number(v) is None for v in values)

    def text(self, besides: Sequence[str] = (), way: str = "name one of them text") -> str:
        """The column of texts: one with a known name, else the only remaining column of strings.

        Args:
            besides: Columns that hold something else.
            way: What to do where several fit.

        Raises:
            InputError: There is no such column, or several fit.
        """
        free = {name: values for name, values in self.columns.items() if name not in besides}
        strings = [name for name in self.strings() if name in free and all(map(is_single, free[name]))]
        texts = [name for name in strings if self.holds_texts(name)]
        if named := column_named(texts, TEXT_COLUMNS) or column_named(strings, TEXT_COLUMNS):
            return named
        taken = (*ID_COLUMNS, *GROUP_COLUMNS, *LABEL_COLUMNS)
        left = [name for name in texts if column_named([name], taken) is None]
        if len(left) == 1:
            return left[0]
        which = f"; it may be {' or '.join(left)}: {way}" if left else ""
        raise self.lacks(f"no column of texts ({', '.join(TEXT_COLUMNS)}){which}")

    def label(self) -> str:
        """The column of classes.

        Raises:
            InputError: There is no such column, or several fit.
        """
        first = self.find(LABEL_COLUMNS)
        if first is None:
            raise self.lacks(f"no column of classes ({', '.join(LABEL_COLUMNS)}): --label COLUMN says which it is")
        if column_named([first], SURE_LABELS):
            return first
        for other in self.columns:
            if other != first and column_named([other], LABEL_COLUMNS) and not self._is_equivalent(first, other):
                raise self.lacks(f"the classes may be {first} or {other}: --label COLUMN says which")
        return first

    def _is_equivalent(self, one: str, other: str) -> bool:
        """Whether the values of two columns map one to one."""
        pairs = {(str(a), str(b)) for a, b in zip(self.columns[one], self.columns[other], strict=True)}
        return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})

    def trained(self, columns: Columns, what: str) -> str | None:
        """The column that training read an input from; None if that is not known.

        Args:
            columns: The columns that training read, by input.
            what: The input.

        Raises:
            InputError: The table lacks the column.
        """
        if what not in columns:
            return None
        name = self.find([columns[what]])
        if name is None:
            raise self.lacks(f"no column {columns[what]!r}, from which the model's {what} is read")
        return name


def is_single(value: object) -> bool:
    """Whether a cell holds a text or a number, or nothing."""
    return isinstance(value, str | int | float | None)
