"""The file that names the examples which could not be used, each with the reason, so that somebody can mend them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

FILE = "problems.csv"
COLUMNS = ("data", "example", "reason")


def write_problems(folder: Path, problems: Mapping[str, Sequence[str]]) -> Path | None:
    """Write the file in place of an earlier one; without problems there is none.

    Args:
        folder: The folder of the results, or of the model.
        problems: Of each data set, by its name, a line for each example that was left out: ``EXAMPLE: REASON``.

    Returns:
        The file.
    """
    path = folder / FILE
    rows = [(name, *parted(line)) for name, lines in problems.items() for line in lines]
    if not rows:
        path.unlink(missing_ok=True)
        return None
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def parted(line: str) -> tuple[str, str]:
    """The example that a line of a problem names, and the reason."""
    example, _, reason = line.partition(": ")
    return example, reason
