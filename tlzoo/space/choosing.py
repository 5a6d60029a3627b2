"""Choose: limits in, a recommendation and its reasons out; the answer of ``tlzoo select``."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from tlzoo.cards import catalogue
from tlzoo.leaderboard.selection import Limits, described, select
from tlzoo.space.boards import Boards


def page(boards: Boards, task: gr.Dropdown) -> None:
    """Make the page.

    Args:
        boards: The boards.
        task: The choice of a task that all pages share.
    """
    first = boards.tasks[0]
    with gr.Row():
        size = gr.Number(label="Maximum size, MB", info="0 = no limit", minimum=0)
        latency = gr.Number(label="Maximum latency, ms an example", info="0 = no limit", minimum=0)
        score = gr.Number(label="Minimum score", info="maximum for error metrics; 0 = no limit")
        licenses = gr.Dropdown(boards.licenses(first), multiselect=True, label="Accepted licences")
    answer = gr.HTML(recommend(boards, first))
    limits: list[Any] = [size, latency, score, licenses]
    for limit in limits:
        limit.change(lambda *now: recommend(boards, *now), [task, *limits], [answer], show_progress="hidden")
    task.change(lambda *now: recommend(boards, *now), [task, *limits], [answer], show_progress="hidden")
    task.change(lambda name: gr.Dropdown(boards.licenses(name), value=[]), [task], [licenses], show_progress="hidden")


def recommend(
    boards: Boards,
    task: str,
    size: float | None = None,
    latency: float | None = None,
    score: float | None = None,
    licenses: list[str] | None = None,
) -> str:
    """The recommendation for each data set, and why, as HTML."""
    limits = Limits(size or None, latency or None, score or None, frozenset(each.lower() for each in licenses or ()))
    parts = []
    for selection in select(boards.board(task), limits, catalogue.license_of):
        head, *reasons = map(escape, described(selection))
        parts.append(f"<h3>{head}</h3><ul>{''.join(f'<li>{reason}</li>' for reason in reasons)}</ul>")
    text = "".join(parts) or boards.empty(task, "No row here was run with all labels.")
    return f"<div class=tlzoo aria-live=polite>{text}</div>"
