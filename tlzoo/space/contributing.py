"""Contribute: a form that makes a card, checks it as it is written, and offers the file or a pull request."""

from __future__ import annotations

import difflib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from tlzoo.cards import catalogue
from tlzoo.cards.reader import parse, todos
from tlzoo.drafting import draft
from tlzoo.errors import InputError, TlzooError
from tlzoo.hub import client, hub_error
from tlzoo.space.boards import Boards

MAX_CARD_LENGTH = 50_000
"""Maximum number of characters of a card."""
_ID = r"^  id: *([a-z0-9.-]+) *$"
_SAVE = f"""(text) => {{
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {{type: "text/markdown"}}));
  link.download = text.match(/{_ID}/m)[1] + ".md";
  link.click();
}}"""
"""Makes the file in the browser: the server stores nothing of it."""
_KEEP = """(...values) => {
  if (window.tlzooRestored) localStorage.setItem(KEY, JSON.stringify(values));
  return [];
}"""
_RESTORE = """(...values) => {
  window.tlzooRestored = true;
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(stored) && stored.length === values.length ? stored : values;
  } catch { return values; }
}"""
"""What was typed stays in the visitor's own browser, over a reload and a login."""


def page(boards: Boards, demo: gr.Blocks) -> None:
    """Make the page.

    Args:
        boards: The boards: their tasks are those that a card may be for.
        demo: The Space, which restores what was typed when it is opened again.
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
    facts = [card_id, task, name, licence, summary]
    base = gr.Textbox(visible=False)  # the draft that was written into
    typed: list[Any] = [*facts, text, base]
    make.click(redrafted, typed, [text, base])
    text.change(checked, [text], [verdict, save], show_progress="hidden", trigger_mode="always_last")
    save.click(None, [text], None, js=_SAVE)
    key = json.dumps(f"tlzoo-card-{boards.domain}")
    gr.on([each.change for each in typed], None, typed, None, js=_KEEP.replace("KEY", key))
    demo.load(None, typed, typed, js=_RESTORE.replace("KEY", key))


def redrafted(
    card_id: str, task: str, name: str, licence: str, summary: str, text: str | None, base: str | None
) -> tuple[str, str]:
    """A draft with what the form says, and, where one was written into, with all that was written.

    Returns:
        The text, and the draft that it was made from.
    """
    new = drafted(card_id, task, name, licence, summary)
    if not text or not text.strip() or text == base:
        return new, new
    if not base:
        message = "The editor holds a card that was not drafted here. To start from a draft, empty the editor first."
        raise gr.Error(message, print_exception=False)
    text, left = merged(base, text, new)
    if left:
        gr.Warning(f"What you changed yourself stays as it is, in place of: {'; '.join(left)}")
    return text, new


def merged(base: str, ours: str, theirs: str) -> tuple[str, list[str]]:
    """Bring what changed from one draft to the next into the text that was written from the former.

    Args:
        base: The former draft.
        ours: What was written from it; lines that were changed stay.
        theirs: The new draft.

    Returns:
        The text, and the lines of the new draft that have no place in it, since those of the former were changed.
    """
    old, new, lines = base.splitlines(), theirs.splitlines(), ours.splitlines()
    blocks = difflib.SequenceMatcher(None, old, lines, autojunk=False).get_matching_blocks()
    places = {block.a + i: block.b + i for block in blocks for i in range(block.size)} | {-1: -1, len(old): len(lines)}
    left: list[str] = []
    for first, end, put in reversed(list(_changes(old, new))):  # from the end: places before it stay
        outer = (first, end) if first < end else (first - 1, end + 1)  # what is put between two lines needs both
        within = [places.get(i) for i in range(*outer)]
        if within[0] is not None and within == list(range(within[0], within[0] + len(within))):
            start = within[0] + first - outer[0]
            lines[start : start + end - first] = put
        else:
            left = [*(line.strip() for line in put), *left]
    return "\n".join([*lines, ""]), left


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """What changed: lines of the former, first and one past the last, and what is in their place."""
    for kind, i, i_end, j, j_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace" and i_end - i == j_end - j:
            yield from ((i + k, i + k + 1, new[j + k : j + k + 1]) for k in range(i_end - i))
        elif kind != "equal":
            yield i, i_end, new[j:j_end]


def drafted(card_id: str, task: str, name: str, licence: str, summary: str) -> str:
    """A card with what the form says filled in."""
    known = draft.DraftFacts(
        name=name.strip() or None, summary=summary.strip() or None, license=licence.strip() or None
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            return draft.write(card_id.strip(), task, Path(folder), known).read_text(encoding="utf-8")
    except TlzooError as error:
        raise gr.Error(str(error), print_exception=False) from None


def checked(text: str | None) -> tuple[str, Any]:
    """What is wrong with a card, as ``tlzoo cards validate`` says it, if anything is; and what can be downloaded."""
    if not text or not text.strip():
        return "", gr.Button("Download the card", interactive=False)
    draft_of_it = gr.Button("Download the draft", interactive=re.search(_ID, text, re.MULTILINE) is not None)
    try:
        place = placed(text)
    except InputError as error:
        return _status(str(error)), draft_of_it
    if left := todos(text, Path(place.name)):
        things = "1 thing is" if len(left) == 1 else f"{len(left)} things are"
        return _status("\n".join([f"A draft: {things} left to do. It belongs at {place}", *left])), draft_of_it
    return _status(f"A valid card. It belongs at {place}"), gr.Button("Download the card", interactive=True)


def placed(text: str) -> PurePosixPath:
    """Where a card belongs, ``zoo_cards/<domain>/<task>/<id>.md``, if it is a valid one.

    Raises:
        InputError: It is not, or its id is taken.
    """
    if len(text) > MAX_CARD_LENGTH:
        raise InputError(f"a card of {len(text):,} characters; at most {MAX_CARD_LENGTH:,} are read")
    named = re.search(_ID, text, re.MULTILINE)
    if named is None:
        raise InputError("the card: field 'tlzoo.id': small letters, digits and hyphens, such as my-model")
    card = parse(text, Path(f"{named[1]}.md")).card
    if card.id in catalogue.read_all():
        raise InputError(f"id {card.id!r} is taken by {catalogue.get(card.id).name}; choose another")
    return PurePosixPath("zoo_cards", card.domain, card.task, f"{card.id}.md")


def propose(text: str | None, token: gr.OAuthToken | None = None) -> str:
    """Open a pull request on the Space's own repository, as the visitor who is logged in."""
    if token is None:
        return _status("Log in first: the pull request is yours.")
    try:
        text = text or ""
        place = placed(text)
        if left := todos(text, Path(place.name)):
            raise InputError("\n".join(left))
        done = client(token.token).upload_file(
            path_or_fileobj=text.encode(),
            path_in_repo=str(place),
            repo_id=os.environ["SPACE_ID"],
            repo_type="space",
            commit_message=f"Add the card of {place.stem}",
            create_pr=True,
        )
    except InputError as error:
        return _status(str(error))
    except Exception as error:
        failure = hub_error(error, "No pull request", token=token.token, login="log in again")
        if failure is None:
            raise
        return _status(str(failure))
    return _status(f"Thank you. The pull request: {done.pr_url}")


def _status(message: str) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in message.splitlines())
    return f"<div class=tlzoo role=status><ul>{lines}</ul></div>"
