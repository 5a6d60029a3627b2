"""Tables without a header, whose first row was read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MIN_AGAIN = 2
"""How often the first row's value occurs again in a column of classes."""
MAX_DISTINCT = 0.5
"""Share of the rows that the values of a column of classes may be, at most."""


def with_header(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]] | None:
    """A table whose header is a row like the others, with names instead; None if its header is one.

    The name of a column is not one of its values; a class is. That column becomes ``label``, and of the others the one
    with the longest values ``text``.
    """
    cells = {name: _cell(name, columns) for name in columns}
    classes = next((name for name, values in columns.items() if _is_class(cells[name], values)), None)
    if classes is None or len(columns) < 2:
        return None
    others = [name for name in columns if name != classes]
    longest = max(others, key=lambda name: sum(len(str(value)) for value in columns[name]))
    named = {classes: "label", longest: "text"}
    return {
        named.get(name, f"column {place}"): [cells[name], *columns[name]] for place, name in enumerate(columns, start=1)
    }


def _cell(name: str, columns: Mapping[str, Sequence[Any]]) -> str:
    """The first cell of a column, whose name has a number where the same cell stood before (``1.1`` beside ``1``)."""
    bare, dot, number = name.rpartition(".")
    return bare if dot and number.isdecimal() and bare in columns else name


def _is_class(name: str, values: Sequence[Any]) -> bool:
    strings = [str(value).strip() for value in values]
    return strings.count(name.strip()) >= MIN_AGAIN and len(set(strings)) <= MAX_DISTINCT * len(strings)
