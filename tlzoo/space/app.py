"""One Space: the pages over the boards of one domain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from starlette.middleware import Middleware

from tlzoo.cards.catalogue import MORE
from tlzoo.errors import InputError, unknown
from tlzoo.space import cards, choosing, compare, contributing, leaderboard, tradeoffs, trying
from tlzoo.space.boards import Boards
from tlzoo.space.requests import BodyLimit
from tlzoo.space.style import CSS, HEAD, remember, theme
from tlzoo.vocabulary import DOMAINS

MAX_UPLOAD = "20mb"
"""Maximum size of an upload."""
MAX_BODY_BYTES = 1_000_000
"""Maximum size of any other request."""
MAX_QUEUE = 100
"""Maximum number of waiting requests; more are refused at once."""
EMPTIED = (3600, 86_400)
"""How often gradio deletes uploads and downloads, and their minimum age: seconds."""
TABS = ("leaderboard", "trade-offs", "compare", "cards", "try-it", "choose", "contribute")


def build(domain: str, out: Path = Path(".tlzoo")) -> gr.Blocks:
    """Put the pages together.

    Args:
        domain: ``image``, ``text``, ``audio`` or ``video``.
        out: Folder of local results, shown beside those that ship with the package.

    Raises:
        InputError: No such domain.
    """
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    boards = Boards(domain, out)
    with gr.Blocks(title=f"tlzoo {domain}", analytics_enabled=False, delete_cache=EMPTIED) as demo:
        gr.Markdown(
            f"# tlzoo: {domain} models for transfer learning\nWhich pretrained model to start from, and did it help?"
        )
        task = gr.Dropdown(boards.tasks, value=boards.tasks[0], label="Task", elem_id="task")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Leaderboard", id="leaderboard"):
                leaderboard.page(boards, task)
            with gr.Tab("Trade-offs", id="trade-offs"):
                tradeoffs.page(boards, task, demo)
            with gr.Tab("Compare", id="compare"):
                models = compare.page(boards, task)
            with gr.Tab("Cards", id="cards"):
                card = cards.page(boards)
            with gr.Tab("Try it", id="try-it"):
                trying.page(boards, task)
            with gr.Tab("Choose", id="choose"):
                choosing.page(boards, task)
            with gr.Tab("Contribute", id="contribute"):
                contributing.page(boards, demo)
        linked = {"task": task, "models": models, "card": card}
        for name, component in linked.items():
            component.change(None, [component], None, js=remember(name))

        def restore(request: gr.Request) -> list[Any]:
            """Restore the view encoded in the URL; where it is missing or invalid, the visitor's choice stays."""
            query = dict(request.query_params)
            named = query.get("task") in boards.tasks
            name = query["task"] if named else boards.tasks[0]
            able = [value for _, value in compare.choices(boards, name)]
            chosen = [m for m in query.get("models", "").split(",") if m in able][: compare.MAX_MODELS]
            known = [card.id for card in boards.cards()]
            return [
                gr.Tabs(selected=query["tab"]) if query.get("tab") in TABS else gr.skip(),
                gr.Dropdown(value=name) if named else gr.skip(),
                gr.Dropdown(compare.choices(boards, name), value=chosen) if chosen else gr.skip(),
                gr.Dropdown(value=query["card"]) if query.get("card") in known else gr.skip(),
            ]

        demo.load(restore, None, [tabs, task, models, card], show_progress="hidden")
    return demo  # type: ignore[no-any-return]


def serve(
    domain: str,
    out: Path = Path(".tlzoo"),
    host: str | None = None,
    port: int | None = None,
    cards: Path | None = None,
) -> None:
    """Serve a Space until it is stopped.

    Args:
        domain: As of :func:`build`.
        out: As of :func:`build`.
        host: Address to listen on; by default only this machine, and in a Space of the Hub all.
        port: Port; the first free one from 7860 on by default.
        cards: Folder of more cards, laid out as ``zoo_cards``, if it is there.

    Raises:
        InputError: No such domain, or the port is taken.
    """
    if cards is not None and cards.is_dir():
        os.environ[MORE] = str(cards)
    demo = build(domain, out).queue(max_size=MAX_QUEUE)
    try:
        demo.launch(
            server_name=host,
            server_port=port,
            theme=theme(),
            css=CSS,
            head=HEAD,
            max_file_size=MAX_UPLOAD,
            footer_links=[],
            ssr_mode=False,
            run_history=False,
            share=False,
            enable_monitoring=False,
            app_kwargs={"middleware": [Middleware(BodyLimit, max_bytes=MAX_BODY_BYTES, uploads="/upload")]},
        )
    except OSError as error:
        if "empty port" not in str(error):
            raise
        taken = f"port {port}" if port else "ports 7860 to 7959"
        raise InputError(f"{taken}: in use, or not ours to listen on; name a free one with --port") from None
