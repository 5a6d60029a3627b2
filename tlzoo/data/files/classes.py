"""Which classes examples may have."""

from __future__ import annotations

from collections.abc import Mapping

from tlzoo.data.files.text_files.delimited import number
from tlzoo.errors import InputError

MAX_SCALE = 20
"""Number of classes that may be fractions; more are values on a scale."""
SEVERAL = (";", "|", ",")
"""What stands between several classes of one example."""
MAX_CHARACTERS = 1_000
"""Of the name of a class."""
MIN_JOINED = 0.2
"""Share of the examples with several classes above which classes are taken for joined ones."""


def check_classes(classes: Mapping[str, int], where: str) -> None:
    """Refuse what are no classes, by the number of examples of each.

    Raises:
        InputError: There is one alone, nearly every example has its own, they are numbers of a scale, several are
            written as one, or a name is as long as a text.
    """
    if long := next((name for name in classes if len(name) > MAX_CHARACTERS), None):
        raise InputError(f"{where}: a class is called {long[:40]!r}..., {len(long):,} characters; is that a text?")
    count = sum(classes.values())
    if len(classes) < 2:
        raise InputError(f"{where}: only one class ({', '.join(classes) or 'none'}); at least two are needed")
    such = next(iter(classes))
    numbers = [number(name) for name in classes]
    if len(classes) > MAX_SCALE and None not in numbers and any("." in name for name in classes):
        raise InputError(
            f"{where}: the classes are {len(classes)} numbers, such as {such}: values on a scale are not learnt as "
            "classes; cut them into ranges, such as low and high"
        )
    if len(classes) > max(2, count / 2):
        raise InputError(
            f"{where}: {len(classes)} classes in {count} rows, such as {such!r}: hardly one has several examples; of a "
            "table --label COLUMN says which column has the classes"
        )
    for separator in SEVERAL:
        parts = {name: [part.strip() for part in name.split(separator)] for name in classes}
        joined = sum(classes[name] for name, each in parts.items() if len(each) > 1 and all(each))
        distinct = {part for each in parts.values() for part in each}
        if joined > MIN_JOINED * count and len(distinct) < len(classes):
            name = next(name for name, each in parts.items() if len(each) > 1)
            raise InputError(
                f"{where}: several classes are written as one, such as {name!r} for {' and '.join(parts[name])}; one "
                "class an example is learnt: leave one of them, or make a table for each"
            )
