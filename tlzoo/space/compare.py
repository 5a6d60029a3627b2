"""Compare: two to four models side by side, in every factor that decides between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import gradio as gr

from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import ScoredRow, scored
from tlzoo.leaderboard.views.table import COLUMNS
from tlzoo.space.boards import Boards

MAX_MODELS = 4


def page(boards: Boards, task: gr.Dropdown) -> gr.Dropdown:
    """Make the page.

    Args:
        boards: The boards.
        task: The choice of a task that all pages share.

    Returns:
        The choice of models.
    """
    first = boards.tasks[0]
    able = choices(boards, first)
    best = [value for _, value in able[:2]]
    models = gr.Dropdown(
        able,
        value=best,
        multiselect=True,
        max_choices=MAX_MODELS,
        label=f"Models, 2 to {MAX_MODELS}",
    )
    table = gr.HTML(side_by_side(boards, first, best))

    def switched(name: str, chosen: list[str]) -> tuple[Any, str]:
        able = choices(boards, name)
        ids = [value for _, value in able]
        selected = [model for model in chosen if model in ids] or ids[:2]
        return gr.Dropdown(able, value=selected), side_by_side(boards, name, selected)

    task.change(switched, [task, models], [models, table], show_progress="hidden")
    models.change(lambda *now: side_by_side(boards, *now), [task, models], [table], show_progress="hidden")
    return models


def choices(boards: Boards, task: str) -> list[tuple[str, str]]:
    """Names and ids of the models that can do a task, those with a result first, best first."""
    ranked = dict.fromkeys(row.card for row in scored(boards.rows(task)))
    able = {card.id: card.name for card in boards.cards(task)}
    return [(able[i], i) for i in [*(i for i in ranked if i in able), *(i for i in able if i not in ranked)]]


_RESULTS = [column for column in COLUMNS if column.by not in ("card", "rank", "threads")]
_FACTS: dict[str, Callable[[Card], str]] = {
    "summary": lambda c: c.summary,
    "made by": lambda c: f"{c.provenance.organization}, {c.provenance.year}",
    "framework": lambda c: c.provenance.framework,
    "file formats": lambda c: ", ".join(c.formats),
    "pretrained on": lambda c: ", ".join(c.provenance.training_data),
    "licence": lambda c: f"code {c.provenance.license.code}, weights {c.provenance.license.weights}",
    "input": lambda c: c.input.description,
    "output": lambda c: c.output.description,
    "variants": lambda c: "; ".join(f"{v.id}: {v.params:,} parameters" if v.params else v.id for v in c.variants),
    "what to freeze": lambda c: c.transfer.freeze,
    "advice": lambda c: c.transfer.advice,
}


def side_by_side(boards: Boards, task: str, models: Sequence[str]) -> str:
    """A table: a column a model, first the results of its best row on each data set and machine, then its card's facts.

    A factor that is unknown for all of the models is left out.
    """
    if not models:
        return "<div class=tlzoo>Choose two models or more.</div>"
    cards = [catalogue.get(model) for model in models]
    parts = []
    for title, rows in boards.panels(task).items():
        best = {card.id: _best(row for row in rows if row.card == card.id) for card in cards}
        if any(best.values()):
            metric = METRICS[rows[0].metric].title
            lines = [(c, ["" if (row := best[card.id]) is None else c.cell(row) for card in cards]) for c in _RESULTS]
            parts.append(_part(title, [(column.head.format(metric=metric), cells) for column, cells in lines]))
    parts.append(_part("", [(label, [fact(card) for card in cards]) for label, fact in _FACTS.items()]))
    heads = "".join(f"<th scope=col>{escape(card.name)}</th>" for card in cards)
    return (
        '<div class=tlzoo><div class=wide tabindex=0 role=region aria-label="Models side by side"><table class=facts>'
        f"<thead><tr><th scope=col aria-label=factor></th>{heads}</tr></thead>{''.join(parts)}</table></div></div>"
    )


def _best(rows: Iterable[ScoredRow]) -> ScoredRow | None:
    """The row with the best score of those on all labels that did not start from scratch."""
    transferred = [row for row in rows if row.on_all_labels and row.strategy != "scratch"]
    return max(transferred, key=lambda row: row.score, default=None)


def _part(title: str, lines: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The lines that are not empty, below their title."""
    body = "".join(_line(label, cells) for label, cells in lines if any(cells))
    width = max(len(cells) for _, cells in lines) + 1
    head = f"<tr><th scope=rowgroup colspan={width}>{escape(title)}</th></tr>" if title else ""
    return f"<tbody>{head}{body}</tbody>"


def _line(label: str, cells: Sequence[str]) -> str:
    data = "".join(f"<td>{escape(cell) or '&ndash;'}</td>" for cell in cells)
    return f"<tr><th scope=row>{escape(label)}</th>{data}</tr>"
