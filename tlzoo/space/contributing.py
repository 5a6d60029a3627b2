"""Contribute: a form that makes a card, checks it as it is written, and offers the file or a pull request."""

from __future__ import annotations

import os
import re
import tempfile
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from tlzoo.cards import catalogue, draft
from tlzoo.cards.reader import parse, todos
from tlzoo.errors import InputError, TlzooError
from tlzoo.space.boards import Boards

LONGEST = 50_000
"""Characters of a card."""
_ID = r"^  id: *([a-z0-9.-]+) *$"
_SAVE = f"""(text) => {{
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {{type: "text/markdown"}}));
  link.download = text.match(/{_ID}/m)[1] + ".md";
  link.click();
}}"""
"""Makes the file in the browser: nothing of it is kept here."""


def page(boards: Boards) -> None:
    """Make the page.

    Args:
        boards: What there is: the tasks that a card may be for.
    """
    logs_in = "OAUTH_CLIENT_ID" in os.environ  # set by the Hub, where the Space's README.md has hf_oauth
    gr.Markdown(
        "A few facts make a draft of a card; write the rest into it. It is checked as you write. Download it and send "
        "it as a pull request to tlzoo: one file below `zoo_cards/` is all that a model needs."
        + (
            " Or log in, before you write, and open a pull request on this Space: once it is merged, the card stands "
            "in the Space's own `zoo_cards/`, and is among the others from the next start on."
            if logs_in
            else ""
        )
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
        save = gr.Button("Download the card", interactive=False)
        if logs_in:
            gr.LoginButton()
            gr.Button("Open a pull request").click(propose, [text], [verdict])
    make.click(drafted, [card_id, task, name, licence, summary], [text])
    text.change(checked, [text], [verdict, save], show_progress="hidden", trigger_mode="always_last")
    save.click(None, [text], None, js=_SAVE)


def drafted(card_id: str, task: str, name: str, licence: str, summary: str) -> str:
    """A card with what the form says filled in."""
    known = draft.Known(name=name.strip() or None, summary=summary.strip() or None, license=licence.strip() or None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return draft.write(card_id.strip(), task, Path(folder), known).read_text(encoding="utf-8")
    except TlzooError as error:
        raise gr.Error(str(error)) from None


def checked(text: str) -> tuple[str, Any]:
    """What is wrong with a card, or that nothing is; and whether it can be downloaded."""
    if not text.strip():
        return "", gr.Button(interactive=False)
    try:
        place = placed(text)
    except InputError as error:
        return _told(str(error)), gr.Button(interactive=False)
    told = [f"A valid card. It belongs at {place}", *todos(text, Path(place.name))]
    return _told("\n".join(told)), gr.Button(interactive=True)


def placed(text: str) -> PurePosixPath:
    """Where a card belongs, ``zoo_cards/<domain>/<task>/<id>.md``, if it is a valid one.

    Raises:
        InputError: It is not, or its id is taken.
    """
    if len(text) > LONGEST:
        raise InputError(f"a card of {len(text):,} characters; at most {LONGEST:,} are read")
    named = re.search(_ID, text, re.MULTILINE)
    if named is None:
        raise InputError("the card: field 'tlzoo.id': small letters, digits and hyphens, such as my-model")
    card = parse(text, Path(f"{named[1]}.md")).card
    if card.id in catalogue.read_all():
        raise InputError(f"id {card.id!r} is taken by {catalogue.get(card.id).name}; choose another")
    return PurePosixPath("zoo_cards", card.domain, card.task, f"{card.id}.md")


def propose(text: str, token: gr.OAuthToken | None = None) -> str:
    """Open a pull request on the Space's own repository, as the visitor who is logged in."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    if token is None:
        return _told("Log in first: the pull request is yours.")
    try:
        place = placed(text)
        if left := todos(text, Path(place.name)):
            raise InputError("\n".join(left))
        done = HfApi(token=token.token, library_name="tlzoo").upload_file(
            path_or_fileobj=text.encode(),
            path_in_repo=str(place),
            repo_id=os.environ["SPACE_ID"],
            repo_type="space",
            commit_message=f"Add the card of {place.stem}",
            create_pr=True,
        )
    except InputError as error:
        return _told(str(error))
    except (httpx.HTTPError, OSError) as error:
        said = getattr(error, "server_message", None) or str(error) or type(error).__name__
        line = " ".join(said.split()).replace(token.token, "***")
        return _told(f"No pull request, the Hub did not take it: {line}")
    return _told(f"Thank you. The pull request: {done.pr_url}")


def _told(message: str) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in message.splitlines())
    return f"<div class=tlzoo role=status><ul>{lines}</ul></div>"
