"""Boards of results made by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import RESULT

Maker = Callable[..., dict[str, Any]]


def board_of(*rows: dict[str, Any], metrics: Sequence[str] | None = None) -> pa.Table:
    return board(pa.Table.from_pylist(list(rows), schema=RESULT), metrics=metrics)
