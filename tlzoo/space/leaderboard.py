"""The leaderboard: filters, columns, ranked tables with intervals and ties, and downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
import pyarrow.parquet as pq

from tlzoo.api import reference
from tlzoo.leaderboard.views.html import fragment
from tlzoo.leaderboard.views.render import to_csv
from tlzoo.leaderboard.views.table import COLUMNS
from tlzoo.oracles.check import markdown, recorded, summary
from tlzoo.space.boards import Boards, Filter
from tlzoo.vocabulary import STRATEGIES, TIERS

_NAMES = {column.head.format(metric="score"): column.by for column in COLUMNS if column.by != "threads"}
"""Columns to choose from, by their headings; threads are shown wherever they differ."""
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

_FORMS = {"CSV": ".csv", "Parquet": ".parquet"}
_SAVE = """file => {
  const link = document.createElement("a");
  Object.assign(link, {href: file.url, download: file.orig_name});
  link.click();
  return null;
}"""
"""Saves the file that a button was given, and takes it from the button again: the next click asks for a new one."""


def page(boards: Boards, task: gr.Dropdown) -> None:
    """Make the page.

    Args:
        boards: The boards.
        task: The choice of a task that all pages share.
    """

    def show(name: str, shown: list[str], *filters: Any) -> str:
        board = boards.filtered(name, Filter(*filters))
        hidden = set(_NAMES.values()) - {_NAMES[each] for each in shown}
        return fragment(board, hidden) if board.num_rows else f"<div class=tlzoo>{boards.empty(name)}</div>"

    first = boards.tasks[0]
    chosen = [name for name, by in _NAMES.items() if by in _AT_FIRST]
    with gr.Row():
        search = gr.Textbox("", label="Search", placeholder="a model, a strategy, a data set", scale=2)
        tiers = gr.Dropdown(list(TIERS), multiselect=True, label="Weights", info="none: trained from scratch")
        strategies = gr.Dropdown(list(STRATEGIES), multiselect=True, label="Strategy")
    with gr.Accordion("More filters, columns, downloads", open=False):
        with gr.Row():
            licenses = gr.Dropdown(boards.licenses(first), multiselect=True, label="Licence of the weights")
            size = gr.Number(label="Maximum size, MB", info="0 = no limit", minimum=0)
            latency = gr.Number(label="Maximum latency, ms an example", info="0 = no limit", minimum=0)
        columns = gr.CheckboxGroup(list(_NAMES), value=chosen, label="Columns")
        with gr.Row():
            downloads = {suffix: gr.DownloadButton(f"Download {name}", size="sm") for name, suffix in _FORMS.items()}
    table = gr.HTML(show(first, chosen))
    checks = recorded(reference())
    with gr.Accordion(f"Can these numbers be trusted? {summary(checks)}", open=False):
        gr.Markdown(markdown(checks))

    filters: list[Any] = [search, tiers, strategies, licenses, size, latency]
    given = [task, columns, *filters]
    for each in (columns, *filters):
        each.change(show, given, [table], show_progress="hidden", trigger_mode="always_last")
    for suffix, button in downloads.items():
        asked = button.click(written(boards, suffix), [task, *filters], [button], show_progress="hidden")
        asked.then(None, [button], [button], js=_SAVE)
    task.change(lambda name: gr.Dropdown(boards.licenses(name), value=[]), [task], [licenses], show_progress="hidden")
    task.change(show, given, [table], show_progress="hidden")


def written(boards: Boards, suffix: str) -> Callable[..., Iterator[str]]:
    """Write a board for one visitor, of the rows that are chosen at that moment.

    Args:
        boards: The boards.
        suffix: ``.csv`` or ``.parquet``.

    Returns:
        A handler of the task and the filters: it gives the file, which is gone once Gradio has taken its copy.
    """

    def write(name: str, *filters: Any) -> Iterator[str]:
        board = boards.filtered(name, Filter(*filters))
        with TemporaryDirectory(prefix="tlzoo-space-") as folder:
            path = Path(folder, f"{name}{suffix}")
            if suffix == ".csv":
                path.write_text(to_csv(board), encoding="utf-8")
            else:
                pq.write_table(board, path)
            yield str(path)

    return write
