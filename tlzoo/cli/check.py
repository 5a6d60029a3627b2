"""``tlzoo check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.device import Device
from tlzoo.cli.network import Offline
from tlzoo.cli.own_data import Group, Label, NoSplits, Text, columns


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("check")(check)


def check(
    data: Annotated[Path, typer.Option(help="Your data: a folder, a table or an archive.")],
    task: Annotated[str, typer.Option(help="The task, such as audio-classification.")],
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    device: Device = "auto",
    out: Annotated[Path, typer.Option(help="Folder for check.csv and check.html.")] = Path(".tlzoo"),
    offline: Offline = False,
) -> None:
    """Say what may be wrong with your data: copies, leaks, odd labels, shortcuts; nothing is changed."""
    from collections import Counter

    from tlzoo.check import check as look
    from tlzoo.check.sheet import write
    from tlzoo.data.suspects import KINDS, REMEDIES
    from tlzoo.files import writable_folder
    from tlzoo.measure.device import choose_device

    folder = writable_folder(out, "--out")
    given = columns(group, text, label, no_splits)
    report = look(task, data.expanduser(), given, choose_device(device), terminal.say)
    terminal.put(f"{data}: {report.read}")
    counts = Counter(each.kind for each in report.suspects)
    cells = [
        terminal.Column("", 0, is_text=True),
        terminal.Column("#", 1),
        terminal.Column("such as", 2, is_text=True, least=30),
        terminal.Column("what to do", 3, is_text=True, least=20),
    ]
    rows = []
    for kind in KINDS:
        if counts[kind]:
            first = next(each for each in report.suspects if each.kind == kind)
            such = f"{first.example}: {first.message}" if first.example else first.message
            rows.append((kind, f"{counts[kind]:,}", such, REMEDIES[kind]))
    if rows:
        shown = terminal.table(cells, rows, terminal.width())
        terminal.put("\n".join(shown.lines))
    else:
        terminal.put("nothing suspicious")
    if report.scores is not None:
        scores = report.scores
        without = f"; without the odd labels {scores.clean:.3f}" if counts["odd label"] else ""
        terminal.put(f"labels as {scores.view} sees them, cross-fitted: accuracy {scores.plain:.3f}{without}")
    for line in report.skipped:
        terminal.say(line)
    terminal.say("written: " + ", ".join(map(str, write(report, folder))))
