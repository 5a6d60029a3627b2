"""``tlzoo finetune`` and ``tlzoo predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from tlzoo import terminal
from tlzoo.cli.device import Device
from tlzoo.cli.evaluation import FEW, Strict, examples, left_out
from tlzoo.cli.network import Offline
from tlzoo.cli.own_data import Group, Label, NoSplits, Text
from tlzoo.errors import InputError


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("finetune")(finetune)
    app.command("predict")(predict)


def finetune(
    card: Annotated[
        str,
        typer.Argument(
            help="The model to start from: id of a card, timm:NAME, hub:OWNER/NAME[@REVISION], "
            "concat:CARD/VARIANT+CARD/VARIANT, or a folder."
        ),
    ],
    task: Annotated[str, typer.Option(help="The task, such as audio-classification.")],
    data: Annotated[str, typer.Option(help="A folder, the name of a data set, or hub:ID[:CONFIG][@REVISION].")],
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    strategy: Annotated[
        Literal["auto", "probe", "partial", "full", "lora", "scratch"],
        typer.Option(help="Which layers are trained; auto tries probe and full."),
    ] = "auto",
    weights: Annotated[
        Literal["auto", "official", "stand-in"], typer.Option(help="Tier of the weights to start from.")
    ] = "auto",
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    folds: Annotated[
        int | None,
        typer.Option(
            help="Folds of cross-validation that choose how to train; by default 5 for fewer than 1,000 examples, else "
            "one of five.",
            min=1,
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Metric of the task that chooses on validation; by default its first one.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate; by default validation chooses it.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of times that an example is seen.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.")] = None,
    image_size: Annotated[
        int | None,
        typer.Option(help="Height and width that pictures are read with, in pixels; by default those of the model."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed.", min=0)] = 0,
    device: Device = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a fine-tuned model in the folder.")] = False,
    strict: Strict = False,
    offline: Offline = False,
) -> None:
    """Choose by cross-validation how to fine-tune a model, train it on all of your data, and write it with its card."""
    import sys

    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.measure.device import choose_device
    from tlzoo.run.finetune import finetune as run
    from tlzoo.run.finetune.settings import Settings

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
        no_splits=no_splits,
        folds=folds,
        settings=Settings(lr, epochs, batch_size, metric, image_size),
        seed=seed,
        device=choose_device(device),
        overwrite=overwrite,
        progress=sys.stderr.isatty(),
        say=terminal.say,
    )
    metric = METRICS[done.metric].label
    interval = f"{done.value:.3f}" + ("" if done.low is None else f" [{done.low:.3f}, {done.high:.3f}]")
    judged = "examples, each judged without having been learnt from" if done.is_crossfitted else "test examples"
    terminal.put(
        f"{metric} {interval} on {done.n_test:,} {judged}; {done.way}, learnt from {done.n_train:,} examples, "
        f"written to {done.folder}"
    )
    left_out(f"--data {data}", done.problems, done.used, strict, done.folder)


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder that tlzoo finetune wrote, the id of a card, timm:NAME or hub:OWNER/NAME[@REVISION]."
        ),
    ],
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, patterns such as '*.jpg', addresses, or texts in quotes; - is standard input, of "
            "texts one a line."
        ),
    ],
    batch_size: Annotated[int, typer.Option(help="Files per batch.", min=1)] = 32,
    threshold: Annotated[
        float | None, typer.Option(help="Minimum score of a detected object; others are left out.", min=0, max=1)
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(help="Number of classes whose scores are written, the best ones; all by default.", min=1),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write the predictions to as well: .csv, .parquet or .jsonl, a row an input; columns of a "
            "table are kept."
        ),
    ] = None,
    draw: Annotated[
        Path | None, typer.Option(help="Folder for visualised predictions (images, pitch curves, videos).")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Column of a table to read texts from; by default the one used in training.")
    ] = None,
    strict: Strict = False,
    offline: Offline = False,
) -> None:
    """Predict files; print one line of JSON for each, with the input and the prediction."""
    import sys
    from contextlib import nullcontext
    from dataclasses import replace

    from tqdm import tqdm

    from tlzoo.cli.predictions import PredictionFile
    from tlzoo.core.predictions import ClassScores
    from tlzoo.run.execute import threads
    from tlzoo.run.predict import expand, open_model, trained_columns
    from tlzoo.run.predict import predict as run

    file = None if out is None else PredictionFile(out)
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
    answers = run(opened, paths, batch_size, draw, columns, threshold, say=lambda line: typer.echo(line, err=True))
    with file or nullcontext():
        for answer in tqdm(answers, unit="file", leave=False, disable=not sys.stderr.isatty()):
            if top is not None and isinstance(answer.prediction, ClassScores):
                answer = replace(answer, prediction=answer.prediction.top(top))
            line = answer.to_json()
            terminal.put(json.dumps(line, ensure_ascii=False, allow_nan=False))
            if file is not None:
                file.add(answer, line)
            total += 1
            if answer.error is not None:
                failed.append(f"{answer.facts['input']}: {answer.error}")
        if not total:
            raise InputError(f"no {opened.spec.input} files in: {', '.join(inputs)}")
        if file is not None:
            file.write()
    if failed:
        message = f"{len(failed)} of {total} inputs have no prediction: {examples(failed)}"
        if strict or len(failed) > FEW * total:
            raise InputError(message)
        terminal.say(f"tlzoo: {message}")
