"""``tlzoo oracle``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.network import Offline

if TYPE_CHECKING:
    from tlzoo.oracles.check import Check


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("oracle")(oracle)


def oracle(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of published numbers. Default: all.", metavar="NAME...")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder to write the outcomes into, as oracles.json.")] = None,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON on standard output.")] = False,
) -> None:
    """Measure published numbers again, by their own protocol, and say how many are reproduced.

    The exit code is 1 if one of them is not. Those whose weights or data are not available are named.
    """
    import json
    import time
    from dataclasses import asdict

    from tlzoo.errors import unknown
    from tlzoo.oracles import ORACLES
    from tlzoo.oracles.check import check, summary
    from tlzoo.oracles.check import keep as write

    chosen = names or list(ORACLES)
    for name in chosen:
        if name not in ORACLES:
            raise unknown("published number", name, ORACLES)
    checks = {}
    for place, name in enumerate(chosen, start=1):
        terminal.say(f"{place} of {len(chosen)}: {name}: {ORACLES[name].protocol}")
        began = time.monotonic()
        checks[name] = check(name)
        terminal.say(f"{place} of {len(chosen)}: {name}: {checks[name].state} in {time.monotonic() - began:.0f} s")
    if as_json:
        terminal.put(json.dumps([asdict(each) for each in checks.values()], indent=1))
    else:
        terminal.put(_table(checks))
        terminal.put(summary(checks))
    if keep is not None:
        terminal.say(f"written: {write(keep, checks)}")
    if any(each.state == "not reproduced" for each in checks.values()):
        raise typer.Exit(1)


def _table(checks: dict[str, Check]) -> str:
    """A line for each number, and below it why one is not reproduced."""
    from tlzoo.oracles import ORACLES

    heads = (("number", True), ("model", True), ("data", True), ("metric", True), ("published", False), ("here", False))
    columns = [
        terminal.Column(head, place, is_text) for place, (head, is_text) in enumerate((*heads, ("outcome", True)))
    ]
    lines = []
    for name, each in checks.items():
        known = ORACLES[name]
        here = "" if each.value is None else f"{each.value:.4f}"
        model = f"{known.card} {known.variant}"
        lines.append([name, model, known.data, known.metric, f"{known.published:.4f}", here, each.state])
    shown = terminal.table(columns, lines, terminal.width())
    reasons = [f"{name}: {each.reason}" for name, each in checks.items() if each.reason]
    return "\n".join([*shown.lines, *reasons])
