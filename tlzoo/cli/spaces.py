"""``tlzoo space``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlzoo.errors import UnavailableError, unknown


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("space")(space)


def space(
    domain: Annotated[str, typer.Argument(help="image, text, audio or video.")],
    port: Annotated[int | None, typer.Option(help="Port; the first free one from 7860 on by default.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")] = "127.0.0.1",
    out: Annotated[Path, typer.Option(help="Folder of results to show beside those that ship.")] = Path(".tlzoo"),
) -> None:
    """Browse, compare and try the models of a domain in the browser."""
    from tlzoo.vocabulary import DOMAINS

    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    try:
        from tlzoo.space.app import serve
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name} is not installed; in a clone of tlzoo: pip install '.[spaces]'") from None
    serve(domain, out, host, port)
