"""Boards of a folder of results: what was ranked before is read, and only what is new is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tlzoo.files import write_whole
from tlzoo.keys import key
from tlzoo.leaderboard.identity import VIEW, grouped
from tlzoo.leaderboard.ranking import RUN, divided, order, ranked_view, standing, table
from tlzoo.leaderboard.row import row_of, rows_of
from tlzoo.leaderboard.runs import LONG
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.leaderboard.store import Store

ESTIMATES = 2
"""Raised when estimates, verdicts or places are computed in another way: kept ones are not used then."""
INDEX = tuple(dict.fromkeys((*VIEW, *RUN, "run_id", "created", "status")))
"""Columns that a board is found by."""
_LEFT = tuple(name for name in RESULT.names if name not in (*LONG, "history", "libraries", "recipe"))
"""Columns of a row without a result."""


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
    views = [_ranked(store, folder, view) for view in grouped([rows[place] for place in succeeded], VIEW)]
    wanted = {rows[place]["run_id"] for place in failed}
    left = store.read(_LEFT, pc.field("status") != "ok").to_pylist() if wanted else []
    lacking = [row for row in left if row["run_id"] in wanted]
    unscored = table(standing(lacking, [rows[place] for place in succeeded]))
    scored = [view.filter(pc.is_valid(view["value"])) for view in views]
    unscored = pa.concat_tables([unscored, *(view.filter(pc.is_null(view["value"])) for view in views)])
    first = sorted(
        (view for view in scored if view.num_rows), key=lambda view: order(row_of(view.slice(0, 1).to_pylist()[0]))
    )
    return pa.concat_tables([BOARD.empty_table(), *first, table(rows_of(unscored))])


def _ranked(store: Store, folder: Path, view: Sequence[Mapping[str, object]]) -> pa.Table:
    """The ranked rows of one set of runs, in order, from a file where there is one."""
    runs = sorted((str(row["run_id"]), str(row["created"])) for row in view)
    path = folder / f"{key(ESTIMATES, BOARD.names, view[0]['metric'], runs)[:32]}.parquet"
    try:
        return pq.read_table(path, schema=BOARD)
    except (OSError, pa.ArrowException):
        pass  # it was not ranked before, or the file was damaged
    where = (pc.field("task") == view[0]["task"]) & (pc.field("dataset") == view[0]["dataset"])
    results = store.read(where=where & (pc.field("status") == "ok"))
    mine = [
        place
        for place, row in enumerate(results.select(VIEW).to_pylist())
        if all(row[name] == view[0][name] for name in VIEW)
    ]
    made = table(ranked_view(results.take(mine)))
    if len(mine) == len(view):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: pq.write_table(made, part))
    return made
