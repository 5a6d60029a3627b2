"""Options that say how a person's own data are read."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Annotated

import typer

Group = Annotated[
    str | None,
    typer.Option(
        help="Column of your data, or a pattern of file names with the part in parentheses, that says which examples "
        "belong together (speaker, patient); these stay in one split."
    ),
]

Text = Annotated[str | None, typer.Option(help="Column of texts in your table. Default: one with a usual name.")]
Label = Annotated[
    str | None,
    typer.Option(help="Column of classes, or of transcripts, in your table. Default: one with a usual name."),
]

NoSplits = Annotated[bool, typer.Option("--no-splits", help="Folders named train, test... are classes, not splits.")]


def columns(group: str | None, text: str | None, label: str | None, no_splits: bool) -> dict[str, str]:
    """What was given of these options, as readers take it."""
    given = {"group": group, "text": text, "label": label, "splits": "no" if no_splits else None}
    return {name: column for name, column in given.items() if column is not None}


def words(given: Mapping[str, str]) -> list[str]:
    """The options that :func:`columns` was made from, as they are typed."""
    return [
        word
        for name, column in given.items()
        for word in (["--no-splits"] if name == "splits" else [f"--{name}", quote(column)])
    ]
