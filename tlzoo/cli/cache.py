"""``tlzoo cache``."""

from __future__ import annotations

from typing import Annotated

import typer

from tlzoo import terminal
from tlzoo.errors import unknown

cache_app = typer.Typer(help="Show what the cache holds, and empty it.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    cache_app.callback(invoke_without_command=True)(show)
    cache_app.command("prune")(prune)
    app.add_typer(cache_app, name="cache")


def show(context: typer.Context, as_json: Json = False) -> None:
    """Show what the cache holds, and empty it: kinds, numbers, sizes and last use."""
    if context.invoked_subcommand is not None:
        return
    import json
    from dataclasses import asdict

    from tlzoo import blobs
    from tlzoo.blobs import cache
    from tlzoo.blobs.limits import in_words

    folder = blobs.cache_dir()
    every = list(cache.entries(folder))
    if as_json:
        listed = [asdict(entry) | {"path": str(entry.path)} for entry in every]
        terminal.put(json.dumps({"folder": str(folder), "entries": listed}, indent=1))
        return
    heads = (("Kind", True), ("Number", False), ("Size", False), ("Last used", True), ("Content", True))
    columns = [terminal.Column(head, place, is_text) for place, (head, is_text) in enumerate(heads)]
    rows = []
    for kind in cache.KINDS:
        if own := [entry for entry in every if entry.kind == kind.name]:
            size = in_words(sum(entry.bytes for entry in own))
            rows.append((kind.name, f"{len(own):,}", size, _day(max(entry.used for entry in own)), kind.content))
    if rows:
        terminal.put("\n".join(terminal.table(columns, rows, terminal.width()).lines))
    total = in_words(sum(entry.bytes for entry in every))
    terminal.say(f"{total} in {folder}; files of the Hub are in that of its client: hf cache")


def prune(
    older: Annotated[
        float, typer.Option(metavar="DAYS", help="Only what was not used for so many days; by default all.", min=0)
    ] = 0,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Only this kind, as tlzoo cache shows it; may be repeated. By default all but answers."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, and say what would be.")] = False,
    as_json: Json = False,
) -> None:
    """Delete entries that no running process uses; what is needed again is downloaded or made again."""
    import json
    import time

    from tlzoo import blobs
    from tlzoo.blobs import cache
    from tlzoo.blobs.limits import in_words

    known = {each.name: each for each in cache.KINDS}
    for name in kind or ():
        if name not in known:
            raise unknown("kind", name, known, "--kind")
    kinds = kind or [name for name, each in known.items() if each.is_pruned]
    folder, now = blobs.cache_dir(), time.time()
    since = cache.users_since(folder)
    deleted: list[cache.Entry] = []
    left: list[cache.Entry] = []
    for entry in cache.entries(folder, kinds):
        if entry.used <= now - older * 86_400:
            (deleted if cache.prune(entry, since, dry_run=dry_run) else left).append(entry)
    if as_json:
        facts = {
            "folder": str(folder),
            "dry_run": dry_run,
            "bytes": sum(each.bytes for each in deleted),
            "deleted": [str(each.path) for each in deleted],
            "in_use": [str(each.path) for each in left],
        }
        terminal.put(json.dumps(facts, indent=1))
        return
    for name in kinds:
        if own := [entry for entry in deleted if entry.kind == name]:
            terminal.put(f"{name}: {len(own):,}, {in_words(sum(entry.bytes for entry in own))}")
    words = "would be freed" if dry_run else "freed"
    terminal.put(f"{in_words(sum(entry.bytes for entry in deleted))} {words} in {folder}")
    if left:
        terminal.say(f"left, since running processes use them: {len(left):,}")


def _day(seconds: float) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d}"
