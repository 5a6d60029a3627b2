"""The leaderboard: filters, columns, ranked tables with intervals and ties, and downloads."""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow as pa
import pyarrow.parquet as pq

from tlzoo.cards.vocabulary import STRATEGIES, TIERS
from tlzoo.leaderboard.page import fragment
from tlzoo.leaderboard.render import COLUMNS, to_csv
from tlzoo.space.boards import Boards, Filter

_NAMES = {column.head.format(metric="score"): column.by for column in COLUMNS}
"""What a visitor chooses columns by."""
_AT_FIRST = (
    "rank",
    "card",
    "weights",
    "strategy",
    "value",
    "gain",
    "verdict",
    "train_seconds",
    "latency_ms_p50",
    "size_bytes",
)


def page(boards: Boards, task: gr.Dropdown) -> None:
    """Make the page.

    Args:
        boards: What there is.
        task: The choice of a task that all pages share.
    """
    folder = Path(tempfile.mkdtemp(prefix="tlzoo-space-"))

    def show(name: str, shown: list[str], *filters: Any) -> list[Any]:
        board = boards.filtered(name, Filter(*filters))
        hidden = set(_NAMES.values()) - {_NAMES[each] for each in shown}
        table = fragment(board, hidden) if board.num_rows else f"<div class=tlzoo>{escape(boards.empty(name))}</div>"
        return [table, *_files(board, folder, f"{name}-{hash((name, str(filters))):x}")]

    first = boards.tasks[0]
    chosen = [name for name, by in _NAMES.items() if by in _AT_FIRST]
    said = show(first, chosen)
    with gr.Row():
        search = gr.Textbox("", label="Search", placeholder="a model, a strategy, a data set", scale=2)
        tiers = gr.Dropdown(list(TIERS), multiselect=True, label="Weights", info="none: trained from scratch")
        strategies = gr.Dropdown(list(STRATEGIES), multiselect=True, label="Strategy")
    with gr.Accordion("More filters, columns, downloads", open=False):
        with gr.Row():
            licenses = gr.Dropdown(boards.licenses(first), multiselect=True, label="Licence of the weights")
            size = gr.Number(label="At most, MB", info="0: no limit", minimum=0)
            latency = gr.Number(label="At most, ms an example", info="0: no limit", minimum=0)
        columns = gr.CheckboxGroup(list(_NAMES), value=chosen, label="Columns")
        with gr.Row():
            csv = gr.DownloadButton("Download CSV", said[1], size="sm")
            parquet = gr.DownloadButton("Download Parquet", said[2], size="sm")
    table = gr.HTML(said[0])

    filters: list[Any] = [search, tiers, strategies, licenses, size, latency]
    given, shown = [task, columns, *filters], [table, csv, parquet]
    for each in (columns, *filters):
        each.change(show, given, shown, show_progress="hidden", trigger_mode="always_last")
    task.change(lambda name: gr.Dropdown(boards.licenses(name), value=[]), [task], [licenses], show_progress="hidden")
    task.change(show, given, shown, show_progress="hidden")


def _files(board: pa.Table, folder: Path, name: str) -> list[str]:
    """A board as CSV and as Parquet, written once for each choice of rows."""
    csv, parquet = (folder / f"{name}{suffix}" for suffix in (".csv", ".parquet"))
    if not parquet.exists():
        csv.write_text(to_csv(board), encoding="utf-8")
        pq.write_table(board, parquet)
    return [str(csv), str(parquet)]
