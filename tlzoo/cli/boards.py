"""``tlzoo leaderboard`` and ``tlzoo select``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlzoo import terminal
from tlzoo.errors import InputError, UnavailableError, unknown

if TYPE_CHECKING:
    import pyarrow as pa

Wide = Annotated[bool, typer.Option("--wide", help="All columns, however narrow the terminal.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("leaderboard")(leaderboard)
    app.command("select")(select)


def leaderboard(
    task: Annotated[str | None, typer.Option(help="One task; all that have results by default.")] = None,
    sort: Annotated[str | None, typer.Option(help="A column, such as gain, latency_ms_p50 or params.")] = None,
    weights: Annotated[str | None, typer.Option(help="Only rows of this tier: official, stand-in or none.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only rows of this strategy.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, md, csv, json or html.")] = "table",
    plot: Annotated[Path | None, typer.Option(help="Also draw score against latency into this picture.")] = None,
    wide: Wide = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
) -> None:
    """Rank the results that are there; computes nothing new."""
    import pyarrow.compute as pc

    from tlzoo.api import Leaderboard
    from tlzoo.leaderboard import render
    from tlzoo.vocabulary import STRATEGIES, TIERS, task_facts

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
        terminal.say(f"drawn: {plot}")
    if not board.num_rows and form == "table":
        where = f" for {task}" if task else ""
        raise InputError(
            f"no results{where} in {out} yet; make some with: tlzoo eval --task {task or 'audio-classification'}"
        )
    shown = render.render(board, form, None if wide else terminal.width(), by_tier=sort is None)
    _say_whose(out)
    terminal.put(shown)


def _say_whose(out: Path) -> None:
    """Say so where all results are those that ship: the folder may not be the one that was meant."""
    from tlzoo.leaderboard.store import Store

    if not Store(out / "results").count():
        terminal.say(f"--out {out}: no results there; what follows ships with tlzoo")


def select(
    task: Annotated[str, typer.Option(help="The task.")],
    data: Annotated[str | None, typer.Option(help="A data set, or a path that was evaluated; all by default.")] = None,
    max_size_mb: Annotated[float | None, typer.Option(help="Most megabytes of parameters.", min=0)] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Most milliseconds an example, median.", min=0)] = None,
    min_score: Annotated[float | None, typer.Option(help="Least score (of an error: the greatest).")] = None,
    license_: Annotated[
        list[str] | None, typer.Option("--license", help="A licence that will do, such as mit; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Objects with the row, its licence and the reasons.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
) -> None:
    """Recommend a model from the results that are there: the best within limits, and why."""
    import json
    from dataclasses import asdict

    from tlzoo.api import Leaderboard
    from tlzoo.cards import catalogue
    from tlzoo.leaderboard.selection import Limits, described
    from tlzoo.leaderboard.selection import select as choose
    from tlzoo.vocabulary import task_facts

    task_facts(task)
    board = Leaderboard(out).table(task)
    command = f"tlzoo eval --task {task}" + (f" --data {data}" if data else "")
    if out != Path(".tlzoo"):
        command += f" --out {out}"
    if data is not None:
        board = _rows_on(data, task, board, command)
    limits = Limits(max_size_mb, max_latency_ms, min_score, frozenset(each.lower() for each in license_ or ()))
    found = choose(board, limits, catalogue.license_of)
    if not found:
        on = f" --data {data}" if data else ""
        raise InputError(f"no results for {task}{on} in {out} yet; make some with: {command}")
    _say_whose(out)
    if as_json:
        terminal.put(json.dumps([asdict(each) for each in found], indent=1))
    for each in found if not as_json else ():
        head, *reasons = described(each)
        for line in (head, *(f"  - {reason}" for reason in reasons)):
            terminal.put(terminal.wrap(line, terminal.width()))
    if all(each.row is None for each in found):
        raise typer.Exit(1)


def _rows_on(data: str, task: str, board: pa.Table, command: str) -> pa.Table:
    """Rows of a board on a data set; of a person's own data, on what lies there now.

    Raises:
        InputError: Only other data of that name were evaluated; says that ``command`` evaluates these.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from tlzoo.data.catalogue import find
    from tlzoo.data.files.readers import title
    from tlzoo.data.named import DATASETS
    from tlzoo.vocabulary import task_facts

    if data in DATASETS or not Path(data).exists():
        return board.filter(pc.equal(board["dataset"], data))
    named = board.filter(pc.equal(board["dataset"], title(Path(data))))
    try:
        versions = {find(task, data, kind=kind).fingerprint for kind in task_facts(task).inputs}
    except (InputError, UnavailableError) as error:
        terminal.say(f"what lies there now cannot be read, so rows are chosen by its name: {error}")
        return named
    now = board.filter(pc.is_in(board["dataset_fingerprint"], pa.array(sorted(versions))))
    others = len(named.filter(pc.is_valid(named["value"]))["dataset_fingerprint"].unique())
    if others and now["value"].null_count == now.num_rows:
        raise InputError(
            f"--data {data}: what lies there now was not evaluated, only {others} other version{'s' * (others > 1)}; "
            f"evaluate this one with: {command}"
        )
    return now
