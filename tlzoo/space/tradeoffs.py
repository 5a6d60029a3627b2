"""Trade-offs: score against latency with size as area and the Pareto front; and learning curves over labels."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.pareto import front
from tlzoo.leaderboard.row import ScoredRow
from tlzoo.leaderboard.views.plot import COLOURS, FRONT_COLOUR, area, largest_of
from tlzoo.leaderboard.views.table import megabytes
from tlzoo.space.boards import Boards

_GRID = "rgba(128, 136, 144, 0.25)"


def page(boards: Boards, task: gr.Dropdown, demo: gr.Blocks) -> None:
    """Make the page.

    Args:
        boards: The boards.
        task: The choice of a task that all pages share.
        demo: The whole, whose start draws the first task.
    """
    note = gr.Markdown()
    data = gr.Dropdown([], label="Data set")
    plot = gr.Plot(label="Score against latency")
    learning_curves = gr.Plot(label="Learning curves", visible=False)

    def show(task_name: str, dataset: str | None) -> tuple[Any, Any, Any, Any]:
        panels = boards.panels(task_name)
        dataset = dataset if dataset in panels else next(iter(panels), None)
        rows = panels[dataset] if dataset is not None else []
        chosen = gr.Dropdown(list(panels), value=dataset, visible=len(panels) > 1)
        measured = [row for row in rows if row.on_all_labels and row.latency_ms_p50]
        if not measured:
            message = boards.empty(task_name, "No row here has a latency.")
            return message, chosen, gr.Plot(visible=False), gr.Plot(visible=False)
        curves = learning(rows)
        return (
            "Up and left is better; the area of a mark is the size of the model. The dashed line joins the rows that "
            "no other row beats in both score and latency.",
            chosen,
            gr.Plot(tradeoff(measured), visible=True),
            gr.Plot(curves, visible=curves is not None),
        )

    parts = [note, data, plot, learning_curves]
    for event in (task.change, data.input, demo.load):
        event(show, [task, data], parts, show_progress="hidden")


def tradeoff(rows: list[ScoredRow]) -> go.Figure:
    """Score against latency, an error bar for the interval.

    Args:
        rows: Of one data set and machine, measured, of all labels.
    """
    metric = METRICS[rows[0].metric]
    largest = largest_of(rows)
    figure = go.Figure()
    for tier, colour in COLOURS.items():
        mine = [row for row in rows if row.weights == tier]
        if not mine:
            continue
        figure.add_scatter(
            x=[row.latency_ms_p50 for row in mine],
            y=[row.value for row in mine],
            error_y={
                "array": [row.margins[1] for row in mine],
                "arrayminus": [row.margins[0] for row in mine],
                "thickness": 1,
            },
            mode="markers",
            name={"none": "from scratch"}.get(tier, f"{tier} weights"),
            marker={"color": colour, "size": [area(row, largest) ** 0.5 for row in mine], "opacity": 0.65},
            text=[_hover(row) for row in mine],
            hovertemplate="%{text}<br>%{y:.3f}, %{x:.3g} ms<extra></extra>",
        )
    best = [rows[i] for i in front([(row.latency, -row.score) for row in rows])]
    best.sort(key=lambda row: row.latency)
    figure.add_scatter(
        x=[row.latency_ms_p50 for row in best],
        y=[row.value for row in best],
        mode="lines",
        name="Pareto front",
        line={"color": FRONT_COLOUR, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.update_xaxes(type="log", title="latency of one example, median, ms (log scale)")
    return _laid_out(figure, metric.title)


def learning(rows: list[ScoredRow]) -> go.Figure | None:
    """Score over the share of the labels; None where only one share was run.

    Args:
        rows: Of one data set and machine.
    """
    curves: dict[str, list[ScoredRow]] = {}
    for row in rows:
        curves.setdefault(_name(row), []).append(row)
    curves = {label: curve for label, curve in curves.items() if len(curve) > 1}
    if not curves:
        return None
    figure = go.Figure()
    for label, curve in curves.items():
        curve.sort(key=lambda row: row.fraction)
        figure.add_scatter(
            x=[row.fraction for row in curve], y=[row.value for row in curve], mode="lines+markers", name=label
        )
    figure.update_xaxes(type="log", title="share of the labels (log scale)", tickformat=".0%")
    return _laid_out(figure, METRICS[rows[0].metric].title)


def _hover(row: ScoredRow) -> str:
    """The text beside the pointer."""
    return _name(row) if row.size_bytes is None else f"{_name(row)}<br>{megabytes(row.size_bytes)} MB"


def _name(row: ScoredRow) -> str:
    """A row's name, escaped: Plotly reads markup."""
    return escape(row.name, quote=False)


def _laid_out(figure: go.Figure, score: str) -> go.Figure:
    figure.update_yaxes(title=score)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(gridcolor=_GRID, zerolinecolor=_GRID)
    return figure.update_layout(
        height=520,
        margin={"l": 60, "r": 10, "t": 20, "b": 50},
        legend={"orientation": "h", "y": -0.18},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#808890"},
    )
