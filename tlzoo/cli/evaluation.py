"""``tlzoo eval``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tlzoo import terminal
from tlzoo.cli.boards import Wide
from tlzoo.errors import InputError, unknown

T = TypeVar("T", int, float)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("eval")(evaluate)


def evaluate(
    task: Annotated[str, typer.Option(help="The task, such as audio-classification.")],
    model: Annotated[
        list[str] | None, typer.Option(help="A card's id; repeat for several. Default: all that fit.")
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="scratch, probe, partial, full, lora, zero-shot or few-shot; repeat. Default: probe, scratch, full, "
            "partial; of models with a head of their own zero-shot and few-shot first."
        ),
    ] = None,
    weights: Annotated[str, typer.Option(help="auto, official, stand-in or none.")] = "auto",
    variant: Annotated[str | None, typer.Option(help="Only this variant of each model.")] = None,
    data: Annotated[
        str, typer.Option(help="auto, a data set's name, hub:ID[:CONFIG][@REVISION], or a folder.")
    ] = "auto",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    fractions: Annotated[
        str, typer.Option(help="Shares of the training labels, separated by commas, such as 0.1,1.")
    ] = "1",
    budget: Annotated[
        float,
        typer.Option(
            help="Minutes for the whole plan, finished runs included; what will not fit is skipped, and a row says so."
        ),
    ] = 10.0,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="Most US dollars to spend on models behind an API; what would cost more is skipped, and a row says so."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="no (float32) or bf16, tried out first.")] = "no",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="Keep finished runs, or run them again.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Rows as JSON on standard output.")] = False,
    wide: Wide = False,
) -> None:
    """Fine-tune models on small data; rank accuracy, speed, size and what transfer gained."""
    from tlzoo.leaderboard.render import render
    from tlzoo.run.evaluate import evaluate as run

    for name, value, known in (
        ("weights", weights, ("auto", "official", "stand-in", "none")),
        ("device", device, ("auto", "cpu", "cuda")),
        ("precision", precision, ("no", "bf16")),
    ):
        if value not in known:
            raise unknown(name, value, known, f"--{name}")
    try:
        done = run(
            task,
            models=model or [],
            strategies=strategy or [],
            weights=weights,  # type: ignore[arg-type]
            variant=variant,
            data=data,
            seeds=_numbers("--seeds", seeds, int),
            fractions=_numbers("--fractions", fractions, float),
            budget=budget,
            max_cost=max_cost,
            device=choose_device(device),
            precision=precision,
            out=out,
            fresh=not resume,
            say=terminal.say,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"what was finished is kept in {out / 'results'}, and the same command goes on from there"
        ) from None
    terminal.put(render(done.board, "json" if as_json else "table", None if wide else terminal.width()))
    terminal.say(f"{done.executed} runs executed, {done.resumed} taken from {out / 'results'}")
    if done.problems:
        shown = "; ".join(done.problems[:3]) + (" ..." if len(done.problems) > 3 else "")
        raise InputError(f"--data {data}: {len(done.problems)} unreadable example(s) left out: {shown}")
    if done.failed:
        raise typer.Exit(1)


def _numbers(option: str, text: str, kind: Callable[[str], T]) -> list[T]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{option} {text!r}: expected numbers separated by commas, such as 0,1,2") from None


def choose_device(wanted: str) -> str:
    """The device that ``--device`` names; ``auto`` is CUDA where a driver answers."""
    if wanted == "cpu":
        return wanted
    from tlzoo.measure.device import cuda_available

    there = cuda_available()
    if wanted == "cuda" and not there:
        raise InputError("--device cuda: no CUDA device answers; use --device cpu")
    return "cuda" if there else "cpu"
