"""``tlzoo sweep``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tlzoo import terminal
from tlzoo.cli.device import Device
from tlzoo.cli.evaluation import Address, ExecutorOption, interruptible, numbers
from tlzoo.cli.network import Offline
from tlzoo.vocabulary import BASELINE, TASKS

if TYPE_CHECKING:
    from tlzoo.leaderboard.row import BoardRow


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("sweep")(sweep)


def sweep(
    task: Annotated[list[str] | None, typer.Option(help="A task; repeat for several. Default: all.")] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help="As of tlzoo eval; repeat for several. Default: probe and scratch.")
    ] = None,
    weights: Annotated[
        Literal["auto", "official", "stand-in", "none"], typer.Option(help="Tier of the weights to start from.")
    ] = "auto",
    seeds: Annotated[str, typer.Option(help="Seeds of what is trained, separated by commas.")] = "0",
    fractions: Annotated[str, typer.Option(help="Shares of the labels, separated by commas.")] = "1",
    budget: Annotated[
        float,
        typer.Option(
            help="Time budget in minutes for all tasks together, counting runs already finished. Runs that do not fit "
            "are skipped and recorded."
        ),
    ] = 240.0,
    device: Device = "auto",
    out: Annotated[Path, typer.Option(help="Folder of the results of all tasks.")] = Path(".tlzoo"),
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="Keep finished runs, or run them again.")] = True,
    executor: ExecutorOption = "local",
    address: Address = None,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON on standard output.")] = False,
) -> None:
    """Evaluate all models on several tasks, each on its standard data, into one folder; show the best of each task."""
    from tlzoo.leaderboard.row import rows_of
    from tlzoo.leaderboard.views.render import render
    from tlzoo.run.evaluate import run_evaluations
    from tlzoo.run.request import EvaluationRequest

    tasks = list(dict.fromkeys(task or TASKS))
    requests = [
        EvaluationRequest(
            task=name,
            strategies=tuple(strategy or ("probe", "scratch")),
            weights=weights,
            seeds=numbers("--seeds", seeds, int),
            fractions=numbers("--fractions", fractions, float),
            device=device,
            budget=budget,
            out=out,
            fresh=not resume,
            executor=executor,
            address=address,
        )
        for name in tasks
    ]
    with interruptible(out):
        done = run_evaluations(requests, terminal.say)
    rows = rows_of(done.board)
    terminal.put(render(done.board, "json") if as_json else summary(tasks, rows))
    terminal.say(f"{done.executed} runs executed, {done.resumed} taken from {out / 'results'}")
    terminal.say(f"Next: tlzoo leaderboard --task TASK --out {out}")
    if done.failed or {row.task for row in rows} < set(tasks):
        raise typer.Exit(1)


def summary(tasks: Sequence[str], rows: Sequence[BoardRow]) -> str:
    """A line for each data set of each task: how many rows there are, and the model that ranks first."""
    heads = ("task", "data", "results", "without", "best model", "strategy", "score", "gain over scratch")
    columns = [terminal.Column(head, place, is_text=head not in heads[2:4]) for place, head in enumerate(heads)]
    lines = []
    for task in tasks:
        for data in dict.fromkeys(row.dataset for row in rows if row.task == task) or [""]:
            part = [row for row in rows if row.task == task and row.dataset == data]
            count = Counter(row.value is not None for row in part)
            models = [row for row in part if row.rank is not None and row.weights != BASELINE]
            cells = [task, data or "not available", str(count[True]), str(count[False])]
            if models:
                best = min(models, key=lambda row: (row.rank or 0, row.rank_worst or 0))
                gain = "" if best.gain is None else f"{best.gain:+.3f}"
                name = f"{best.card}/{best.variant}"
                cells += [name, best.strategy or "", f"{best.metric} {best.value:.3f}", gain]
            lines.append([*cells, "", "", "", ""][: len(heads)])
    return "\n".join(terminal.table(columns, lines, terminal.width()).lines)
