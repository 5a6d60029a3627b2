"""A column of a table that says the split of each row."""

from __future__ import annotations

from dataclasses import replace

from tlzoo.data.files.names import SPLIT_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.tables.table import Table


def by_column(table: Table, notices: list[str]) -> list[Table]:
    """A table as one for each split, where a column names them; a notice says which, or why it does not.

    Args:
        table: The table.
        notices: Receives the notice.
    """
    column = table.find(SPLIT_COLUMNS)
    if column is None:
        return [table]
    splits = [split_of(str(value)) for value in table.columns[column]]
    if "train" not in splits or len(set(splits)) < 2:
        return [table]
    if None in splits:
        other = table.columns[column][splits.index(None)]
        notices.append(f"{table.path.name}: column {column!r} is not read as splits, since {other!r} names none")
        return [table]
    notices.append(f"{table.path.name}: splits from column {column!r}")
    parts = []
    for split in dict.fromkeys(splits):
        rows = [row for row, own in enumerate(splits) if own == split]
        columns = {name: [values[row] for row in rows] for name, values in table.columns.items() if name != column}
        parts.append(replace(table, columns=columns, split=split, ids=[f"row {row + 1}" for row in rows]))
    return parts
