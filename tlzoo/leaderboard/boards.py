"""Boards of a folder of results: what was ranked before is read, and only what is new is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tlzoo.files import write_whole
from tlzoo.keys import key
from tlzoo.leaderboard.identity import grouped
from tlzoo.leaderboard.ranking import VIEW, divided, ranked_view, standing, table
from tlzoo.leaderboard.row import BoardRow, row_of
from tlzoo.leaderboard.runs import LONG
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.leaderboard.store import Store

ESTIMATES = 1
"""Raised when estimates, verdicts or places are computed in another way: kept ones are not used then."""
INDEX = tuple(name for name in RESULT.names if name not in (*LONG, "history", "libraries", "recipe"))
"""Columns that a board is found by."""


def board_of(store: Store, folder: Path, tasks: Iterable[str] | None = None) -> pa.Table:
    """Rank the results of a store, by each task's headline metric.

    Args:
        store: The results.
        folder: Where ranked rows are kept, one file for each set of runs that are compared.
        tasks: Only these; all by default.

    Returns:
        Rows of ``schema.BOARD``, as of :func:`tlzoo.leaderboard.ranking.board`.
    """
    rows = store.read(INDEX).to_pylist()
    succeeded, failed = divided(rows, tasks)
    ranked: list[BoardRow] = []
    for view in grouped([rows[place] for place in succeeded], VIEW):
        ranked += _ranked(store, folder, view)
    ranked += standing([rows[place] for place in failed], [rows[place] for place in succeeded])
    return table(ranked)


def _ranked(store: Store, folder: Path, view: Sequence[Mapping[str, object]]) -> list[BoardRow]:
    """The ranked rows of one set of runs, from a file where there is one."""
    runs = sorted((str(row["run_id"]), str(row["created"])) for row in view)
    path = folder / f"{key(ESTIMATES, BOARD.names, view[0]['metric'], runs)[:32]}.parquet"
    try:
        return [row_of(columns) for columns in pq.read_table(path, schema=BOARD).to_pylist()]
    except (OSError, pa.ArrowException):
        pass  # it was not ranked before, or the file was damaged
    results = store.read(runs=[run for run, _ in runs])
    mine = [
        place
        for place, row in enumerate(results.select([*VIEW, "status"]).to_pylist())
        if row["status"] == "ok" and all(row[name] == view[0][name] for name in VIEW)
    ]
    rows = ranked_view(results.take(mine))
    if len(mine) == len(view):
        made = pa.Table.from_pylist([row.to_json() for row in rows], schema=BOARD)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: pq.write_table(made, part))
    return rows
