"""``tlzoo space``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlzoo.cli.network import Offline
from tlzoo.errors import UnavailableError
from tlzoo.vocabulary import Domain


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("space")(space)


def space(
    domain: Annotated[Domain, typer.Argument(help="Domain of the models.")],
    port: Annotated[int | None, typer.Option(help="Port; by default the first free one from 7860 on.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; by default this machine only.")] = "127.0.0.1",
    out: Annotated[Path, typer.Option(help="Folder of results to show besides the reference results.")] = Path(
        ".tlzoo"
    ),
    offline: Offline = False,
) -> None:
    """Browse, compare and try the models of a domain in the browser."""
    try:
        from tlzoo.space.app import serve
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name} is not installed; in a clone of tlzoo: pip install '.[spaces]'") from None
    serve(domain, out, host, port)
