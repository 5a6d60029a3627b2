"""``tlzoo leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlzoo.errors import InputError, unknown


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("leaderboard")(leaderboard)


def leaderboard(
    task: Annotated[str | None, typer.Option(help="One task; all that have results by default.")] = None,
    sort: Annotated[str | None, typer.Option(help="A column, such as gain, latency_ms_p50 or params.")] = None,
    weights: Annotated[str | None, typer.Option(help="Only rows of this tier: official, stand-in or none.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only rows of this strategy.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, md, csv or json.")] = "table",
    plot: Annotated[Path | None, typer.Option(help="Also draw score against latency into this picture.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
) -> None:
    """Rank the results that are there; computes nothing new."""
    import shutil
    import sys

    import pyarrow.compute as pc

    from tlzoo.api import Leaderboard
    from tlzoo.cards.vocabulary import STRATEGIES, TIERS, task_facts
    from tlzoo.leaderboard import render

    if task is not None:
        task_facts(task)
    board = Leaderboard(out).table(task)
    for column, value, known in (("weights", weights, TIERS), ("strategy", strategy, STRATEGIES)):
        if value is not None:
            if value not in known:
                raise unknown(column, value, known, f"--{column}")
            board = board.filter(pc.equal(board[column], value))
    if sort is not None:
        board = render.sort(board, sort)
    if plot is not None:
        from tlzoo.leaderboard.plot import plot as draw

        draw(board, plot)
        typer.echo(f"drawn: {plot}", err=True)
    if not board.num_rows and form == "table":
        where = f" for {task}" if task else ""
        raise InputError(
            f"no results{where} in {out} yet; make some with: tlzoo eval --task {task or 'audio-classification'}"
        )
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    typer.echo(render.render(board, form, width))
