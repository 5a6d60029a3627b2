"""Contribute: a form that makes a card, checks it as it is written, and offers the file or a pull request."""

from __future__ import annotations

import os
import re
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from tlzoo.cards import catalogue, draft
from tlzoo.cards.reader import parse, todos
from tlzoo.errors import InputError, TlzooError
from tlzoo.space.boards import Boards

LONGEST = 50_000
"""Characters of a card."""


def page(boards: Boards) -> None:
    """Make the page.

    Args:
        boards: What there is: the tasks that a card may be for.
    """
    gr.Markdown(
        "Four facts make a draft of a card; write the rest into it. It is checked as you write. Download it and send "
        "it as a pull request: one file below `zoo_cards/` is all that a model needs."
    )
    with gr.Row():
        card_id = gr.Textbox(label="Id", placeholder="my-model", info="small letters, digits and hyphens")
        task = gr.Dropdown(boards.tasks, value=boards.tasks[0], label="Task")
        name = gr.Textbox(label="Name", placeholder="MyModel")
        licence = gr.Textbox(label="Licence of the weights", placeholder="apache-2.0")
    summary = gr.Textbox(label="Summary", placeholder="One sentence on what it is and when it helps.")
    make = gr.Button("Draft the card", variant="primary")
    text = gr.Code(language="markdown", label="The card", interactive=True, lines=12, max_lines=40)
    verdict = gr.HTML()
    with gr.Row():
        file = gr.DownloadButton("Download the card", interactive=False)
        if os.environ.get("SPACE_ID"):
            gr.LoginButton()
            send = gr.Button("Open a pull request")
            send.click(propose, [text], [verdict])
    make.click(drafted, [card_id, task, name, licence, summary], [text])
    text.change(checked, [text], [verdict, file], show_progress="hidden", trigger_mode="always_last")


def drafted(card_id: str, task: str, name: str, licence: str, summary: str) -> str:
    """A card with what the form says filled in."""
    known = draft.Known(name=name.strip() or None, summary=summary.strip() or None, license=licence.strip() or None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return draft.write(card_id.strip(), task, Path(folder), known).read_text(encoding="utf-8")
    except TlzooError as error:
        raise gr.Error(str(error)) from None


def checked(text: str) -> tuple[str, Any]:
    """What is wrong with a card, or that nothing is; and the file, where nothing is."""
    if not text.strip():
        return "", gr.DownloadButton(interactive=False)
    try:
        path = validated(text)
    except InputError as error:
        return _told(str(error)), gr.DownloadButton(interactive=False)
    where = "/".join(path.parts[-3:])
    told = [f"A valid card. It belongs at zoo_cards/{where}", *todos(text, Path(path.name))]
    return _told("\n".join(told)), gr.DownloadButton(value=str(path), interactive=True)


def validated(text: str) -> Path:
    """Write a card into a temporary folder, at its place in the catalogue, if it is a valid one.

    Raises:
        InputError: It is not, or its id is taken.
    """
    if len(text) > LONGEST:
        raise InputError(f"a card of {len(text):,} characters; at most {LONGEST:,} are read")
    named = re.search(r"^  id: *([a-z0-9.-]+) *$", text, re.MULTILINE)
    if named is None:
        raise InputError("the card: field 'tlzoo.id': small letters, digits and hyphens, such as my-model")
    card = parse(text, Path(f"{named[1]}.md")).card
    if card.id in catalogue.read_all():
        raise InputError(f"id {card.id!r} is taken by {catalogue.get(card.id).name}; choose another")
    path = Path(tempfile.mkdtemp(prefix="tlzoo-card-"), card.domain, card.task, f"{card.id}.md")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def propose(text: str, token: gr.OAuthToken | None = None) -> str:
    """Open a pull request on the Space's own repository, as the visitor who is logged in."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if token is None:
        return _told("Log in first: the pull request is yours.")
    try:
        path = validated(text)
        if left := todos(text, Path(path.name)):
            raise InputError("\n".join(left))
        place = f"zoo_cards/{'/'.join(path.parts[-3:])}"
        done = HfApi(token=token.token).upload_file(
            path_or_fileobj=path,
            path_in_repo=place,
            repo_id=os.environ["SPACE_ID"],
            repo_type="space",
            commit_message=f"Add the card of {path.stem}",
            create_pr=True,
        )
    except InputError as error:
        return _told(str(error))
    except (HfHubHTTPError, OSError) as error:
        return _told(" ".join(str(error).split()))
    return _told(f"Thank you. The pull request: {done.pr_url}")


def _told(message: str) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in message.splitlines())
    return f"<div class=tlzoo role=status><ul>{lines}</ul></div>"
