"""The few questions of ``tlzoo cards new``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tlzoo.drafting.draft import DraftFacts

_QUESTIONS = {
    "name": "Name of the model",
    "summary": "What it is and when it helps, in one sentence",
    "license": "Licence of the weights (SPDX, such as apache-2.0)",
    "code_license": "Licence of the original code",
    "paper": "Address of its paper",
    "kind": "Kind of the input",
}


def complete(known: DraftFacts, given: Mapping[str, str | None], kinds: Sequence[str]) -> DraftFacts:
    """Complete what is known by options, and by questions where a person sits at a terminal.

    Args:
        known: What a source says; it is the answer that is proposed.
        given: By field, what an option gave; that is not asked.
        kinds: Kinds of input that the task takes; asked only where there are several.

    Returns:
        What is known now. An empty answer leaves a field open.
    """
    answers = {field: value for field, value in given.items() if value}
    if sys.stdin.isatty():
        typer.echo("An empty answer leaves a TODO.", err=True)
        for field, question in _QUESTIONS.items():
            if given[field] is None and (field != "kind" or len(kinds) > 1):
                asked = f"{question} ({', '.join(kinds)})" if field == "kind" else question
                proposed = getattr(known, field) or ""
                answer = typer.prompt(asked, default=proposed, show_default=bool(proposed), err=True).strip()
                if answer:
                    answers[field] = answer
    return replace(known, **answers)  # type: ignore[arg-type]
