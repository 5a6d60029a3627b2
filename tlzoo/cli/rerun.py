"""``tlzoo rerun``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.network import Offline


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("rerun")(rerun)


def rerun(
    run_id: Annotated[str, typer.Argument(help="Id of a run, or enough of its first digits.", metavar="RUN_ID")],
    data: Annotated[
        str | None, typer.Option(help="Where your own data are, if the run was on those; known by their content.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write the new result into --out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
    offline: Offline = False,
) -> None:
    """Run a result again from its row alone, and say whether it reproduced.

    Results of your own come first, then those that ship with tlzoo. The exit code is 1 where a metric is outside the
    interval that the row has.
    """
    import sys

    from tlzoo.api import reference
    from tlzoo.files import writable_folder
    from tlzoo.leaderboard.store import Store, results
    from tlzoo.locks import locked
    from tlzoo.measure.device import choose_device
    from tlzoo.run.rerun import rerun as repeat
    from tlzoo.run.rerun import rows_of

    rows = rows_of(run_id, results([out / "results", reference() / "runs"]))
    first = rows[0]
    name = f"{first['card']}/{first['variant']} {first['strategy']} on {first['dataset']}, seed {first['seed']}"
    terminal.say(f"running {first['run_id']} again: {name} ({first['origin']} result)")
    done = repeat(rows, data, choose_device("cpu" if first["device"] == "cpu" else "auto"), sys.stderr.isatty())
    for line in done.lines:
        terminal.put(line)
    if keep:
        folder = writable_folder(out, "--out")
        with locked(folder / ".lock", f"results in {folder}"):
            terminal.say(f"written: {Store(folder / 'results').write(done.rows)}")
    if not done.is_reproduced:
        raise typer.Exit(1)
