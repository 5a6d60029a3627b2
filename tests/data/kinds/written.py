"""Small files as people write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.data.kinds.kind import Kind
from tests.support.prepared import write_table

Make = Callable[[Path], Path]
Columns = Mapping[str, Sequence[Any]]
Content = str | bytes | Columns
"""Of a file; columns are written in the format that the file's name says."""

WHO = ("the plumber", "my aunt", "a courier", "our bank", "the library")
WHAT = ("called about the leak", "sent a parcel", "lost the keys", "won a prize")
TEXTS = [f"{who} {what}" for who in WHO for what in WHAT]
"""20 different texts."""
LABELS = ["ham"] * 12 + ["spam"] * 8
TABLE = {"text": TEXTS, "label": LABELS}
TEST, DEV = (0, 1, 2, 10, 11, 12), (3, 13)
"""Rows of a given test, and of a given validation."""
TRAIN = [i for i in range(20) if i not in TEST]
MANY = [f"{text} on {day}" for day in ("monday", "tuesday", "sunday") for text in TEXTS]
"""60 different texts."""


def folder(files: Mapping[str, Content], named: str = "") -> Make:
    """Files of a folder, of which ``--data`` names one, or the folder itself."""

    def make(place: Path) -> Path:
        for name, content in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Mapping):
                write_table(path, content)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place / named

    return make


def file(name: str, content: Content) -> Make:
    """One file, which ``--data`` names."""
    return folder({name: content}, name)


def table(**columns: Sequence[Any]) -> Make:
    """A CSV file, which ``--data`` names."""
    return file("a.csv", columns)


def some(columns: Columns, rows: Iterable[int]) -> dict[str, list[Any]]:
    """Some rows of a table."""
    rows = list(rows)
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def sheet(columns: Columns, separator: str = ",", header: bool = True, end: str = "\n") -> str:
    """Delimited text."""
    text = io.StringIO()
    rows = zip(*columns.values(), strict=True)
    csv.writer(text, delimiter=separator, lineterminator=end).writerows([*([list(columns)] if header else []), *rows])
    return text.getvalue()


def lines(form: str, columns: Columns = TABLE) -> str:
    """A line for each row, of a form such as ``{label} {text}``."""
    rows = zip(*columns.values(), strict=True)
    return "".join(form.format(**dict(zip(columns, row, strict=True))) + "\n" for row in rows)


def listed(columns: Columns) -> list[dict[str, Any]]:
    """The rows, as objects."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def json_list(columns: Columns) -> str:
    """A list of objects in JSON."""
    return json.dumps(listed(columns))


def reads(task: str, name: str, make: Make, line: str, *notices: str, **given: str) -> Kind:
    """A kind that is read."""
    return Kind(name, task, make, reads=line, notices=notices, given=given)


def refuses(task: str, name: str, make: Make, line: str, **given: str) -> Kind:
    """A kind that is refused."""
    return Kind(name, task, make, refuses=line, given=given)


SIZES = r"train 12.*validation 2.*test 6"
ALL = rf"{SIZES}.*2 classes \(ham 12, spam 8\)"
"""What is read of the 20 rows, whether a test of 6 is given or cut."""
SPLIT = {"train": some(TABLE, TRAIN), "test": some(TABLE, TEST)}
PROSE = lines("{first} {text}", {"first": [*(["the", "it", "we", "a"] * 12), *"abcdefghijkl"], "text": MANY})
"""Lines of text, whose first words are no classes."""
