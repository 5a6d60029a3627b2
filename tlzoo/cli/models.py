"""``tlzoo finetune`` and ``tlzoo predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from tlzoo import terminal
from tlzoo.cli.evaluation import Device, Group, Label, Text, choose_device
from tlzoo.cli.network import Offline
from tlzoo.errors import InputError


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("finetune")(finetune)
    app.command("predict")(predict)


def finetune(
    card: Annotated[
        str,
        typer.Argument(
            help="The model to start from: id of a card, timm:NAME, hub:OWNER/NAME[@REVISION], or a folder."
        ),
    ],
    task: Annotated[str, typer.Option(help="The task, such as audio-classification.")],
    data: Annotated[str, typer.Option(help="A folder, the name of a data set, or hub:ID[:CONFIG][@REVISION].")],
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    strategy: Annotated[
        Literal["probe", "partial", "full", "lora", "scratch"], typer.Option(help="Which layers are trained.")
    ] = "full",
    weights: Annotated[
        Literal["auto", "official", "stand-in"], typer.Option(help="Tier of the weights to start from.")
    ] = "auto",
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    seed: Annotated[int, typer.Option(help="Seed.", min=0)] = 0,
    device: Annotated[Device, typer.Option(help="Device to run on; auto is CUDA if it is available.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a fine-tuned model in the folder.")] = False,
    offline: Offline = False,
) -> None:
    """Fine-tune a model on all of your data, and write it with its card and its recipe."""
    import sys

    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.run.finetune import finetune as run

    done = run(
        card,
        task,
        data,
        out,
        strategy=strategy,
        weights=weights,
        variant=variant,
        group=group,
        text=text,
        label=label,
        seed=seed,
        device=choose_device(device),
        overwrite=overwrite,
        progress=sys.stderr.isatty(),
        say=terminal.say,
    )
    metric = METRICS[done.metric].label
    interval = f"{done.value:.3f}" + ("" if done.low is None else f" [{done.low:.3f}, {done.high:.3f}]")
    terminal.put(f"{metric} {interval} on {done.n_test} test examples; written to {done.folder}")
    if done.problems:
        raise InputError(
            f"--data {data}: {len(done.problems)} unreadable example(s) left out: {'; '.join(done.problems[:3])}"
        )


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder that tlzoo finetune wrote, the id of a card, timm:NAME or hub:OWNER/NAME[@REVISION]."
        ),
    ],
    inputs: Annotated[
        list[str],
        typer.Argument(help="Files, folders, or texts in quotes; - reads texts from standard input, one a line."),
    ],
    batch_size: Annotated[int, typer.Option(help="Files per batch.", min=1)] = 32,
    draw: Annotated[
        Path | None, typer.Option(help="Folder for visualised predictions (images, pitch curves, videos).")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Column of a table to read texts from; by default the one used in training.")
    ] = None,
    offline: Offline = False,
) -> None:
    """Predict files; print one line of JSON for each, with the input and the prediction."""
    import sys

    from tqdm import tqdm

    from tlzoo.run.execute import threads
    from tlzoo.run.predict import expand, open_model, trained_columns
    from tlzoo.run.predict import predict as run

    opened = open_model(model, say=lambda line: typer.echo(line, err=True))
    columns = trained_columns(model)
    if text is not None:
        if opened.spec.input != "text" or (opened.task is not None and opened.task.inputs):
            raise InputError(f"--text {text}: {model} does not read single texts")
        columns = {"text": text}
    threads()
    failed: list[str] = []
    total = 0
    paths = expand(inputs, opened.spec.input)
    answers = run(opened, paths, batch_size, draw, columns, say=lambda line: typer.echo(line, err=True))
    for answer in tqdm(answers, unit="file", leave=False, disable=not sys.stderr.isatty()):
        terminal.put(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False))
        total += 1
        if answer.error is not None:
            failed.append(f"{answer.facts['input']}: {answer.error}")
    if not total:
        raise InputError(f"no {opened.spec.input} files in: {', '.join(inputs)}")
    if failed:
        examples = "; ".join(failed[:3]) + (" ..." if len(failed) > 3 else "")
        raise InputError(f"{len(failed)} of {total} inputs have no prediction: {examples}")
