"""``tlzoo export`` and ``tlzoo verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tlzoo import terminal
from tlzoo.cli.network import Offline
from tlzoo.cli.own_data import Group, Label, NoSplits, Text, columns

if TYPE_CHECKING:
    from tlzoo.export.description import Description

Data = Annotated[
    str | None,
    typer.Option(
        help="Data whose test examples are predicted: a folder, the name of a data set, or "
        "hub:ID[:CONFIG][@REVISION]. Default: the data of the training, unless these were your own."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("export")(export)
    app.command("verify")(verify)


def export(
    folder: Annotated[Path, typer.Argument(help="A folder that tlzoo finetune wrote.")],
    format: Annotated[Literal["onnx"], typer.Option(help="Format of the file.")] = "onnx",  # noqa: A002
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: model.onnx in the folder, model-int8.onnx with --int8.")
    ] = None,
    data: Data = None,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="In 8 bits; refused where that costs more than 0.01 on validation examples.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    offline: Offline = False,
) -> None:
    """Write a fine-tuned model as one file with preprocessing inside, compared with PyTorch on test examples."""
    from tlzoo.export.write import export as write

    given = columns(group, text, label, no_splits)
    done = write(folder, out, data=data, given=given, int8=int8, overwrite=overwrite, say=terminal.say)
    terminal.put("\n".join(_certificate(done.description)))
    if done.description.certificate.is_seen:
        terminal.say("the model learnt from these examples: they show that both predict the same, and not how well")
    terminal.put(f"written to {done.path} ({done.bytes / 1e6:.1f} MB), sha256 {done.sha256}")


def _certificate(description: Description) -> list[str]:
    """A certificate as the lines of a table."""
    from tlzoo.leaderboard.metrics import METRICS

    of = description.certificate
    what = "label" if description.labels else "direction"
    rows = [
        (f"test examples of {of.data}", f"{of.examples:,}", f"{of.examples:,}"),
        (METRICS[of.metric].label, f"{of.torch:.4f}", f"{of.onnx:.4f}"),
        (f"same {what}", "", f"{of.equal:.2%}"),
        ("largest difference of a score", "", f"{of.largest_difference:.1e}"),
        (f"latency, ms ({of.threads} threads)", f"{of.torch_latency_ms:.2f}", f"{of.latency_ms:.2f}"),
    ]
    heads = ("", "PyTorch", f"ONNX Runtime, {description.precision}")
    cells = [terminal.Column(head, i, is_text=not i) for i, head in enumerate(heads)]
    return terminal.table(cells, rows, terminal.width()).lines


def verify(
    path: Annotated[
        Path, typer.Argument(help="A file that tlzoo export wrote, or a folder that tlzoo finetune wrote.")
    ],
    data: Data = None,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    offline: Offline = False,
) -> None:
    """Predict test examples, and say whether the result is the recorded one; exit code 1 where it is not."""
    from tlzoo.export.verify import table
    from tlzoo.export.verify import verify as run
    from tlzoo.measure.device import thread_count

    done = run(path, data, columns(group, text, label, no_splits), thread_count())
    heads = ("", "recorded", "now", "")
    cells = [terminal.Column(head, i, is_text=i in (0, 3)) for i, head in enumerate(heads)]
    terminal.put("\n".join(terminal.table(cells, table(done.lines), terminal.width()).lines))
    terminal.put(f"{path}: {'holds' if done.holds else 'does not hold'}")
    if not done.holds:
        raise typer.Exit(1)
