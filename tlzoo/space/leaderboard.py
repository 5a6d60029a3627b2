"""The leaderboard: filters, columns, ranked tables with intervals and ties, and downloads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
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
    first = boards.tasks[0]
    with gr.Row():
        search = gr.Textbox("", label="Search", placeholder="a model, a strategy, a data set", scale=2)
        tiers = gr.Dropdown(list(TIERS), multiselect=True, label="Weights", info="none: trained from scratch")
        strategies = gr.Dropdown(list(STRATEGIES), multiselect=True, label="Strategy")
    with gr.Accordion("More filters, columns, downloads", open=False):
        with gr.Row():
            licenses = gr.Dropdown(boards.licenses(first), multiselect=True, label="Licence of the weights")
            size = gr.Number(label="At most, MB", minimum=0, value=None)
            latency = gr.Number(label="At most, ms an example", minimum=0, value=None)
        chosen = [name for name, by in _NAMES.items() if by in _AT_FIRST]
        columns = gr.CheckboxGroup(list(_NAMES), value=chosen, label="Columns")
        with gr.Row():
            csv = gr.DownloadButton("Download CSV", size="sm")
            parquet = gr.DownloadButton("Download Parquet", size="sm")
    table = gr.HTML()
    folder = Path(tempfile.mkdtemp(prefix="tlzoo-space-"))

    def show(name: str, shown: list[str], *filters: Any) -> list[Any]:
        board = boards.filtered(name, Filter(*filters))
        hidden = set(_NAMES.values()) - {_NAMES[each] for each in shown}
        return [fragment(board, hidden) if board.num_rows else f"<div class=tlzoo>{boards.empty(name)}</div>"]

    def keep(name: str, suffix: str, *filters: Any) -> str:
        board = boards.filtered(name, Filter(*filters))
        path = Path(tempfile.mkdtemp(dir=folder)) / f"{name}{suffix}"
        if suffix == ".csv":
            path.write_text(to_csv(board), encoding="utf-8")
        else:
            pq.write_table(board, path)
        return str(path)

    filters: list[Any] = [search, tiers, strategies, licenses, size, latency]
    for each in (columns, *filters):
        each.change(show, [task, columns, *filters], [table], show_progress="hidden", trigger_mode="always_last")
    task.change(lambda name: gr.Dropdown(boards.licenses(name), value=[]), [task], [licenses], show_progress="hidden")
    task.change(show, [task, columns, *filters], [table], show_progress="hidden")
    for button, suffix in ((csv, ".csv"), (parquet, ".parquet")):
        button.click(keep, [task, gr.State(suffix), *filters], [button])
    table.value = show(first, chosen, *(component.value for component in filters))[0]
