"""``tlzoo fetch``, ``tlzoo serve`` and ``tlzoo doctor``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.network import Offline
from tlzoo.errors import InputError, UnavailableError


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("fetch")(fetch)
    app.command("serve")(serve)
    app.command("doctor")(doctor)


def fetch(
    card: Annotated[str | None, typer.Argument(help="Id of a card.")] = None,
    task: Annotated[str | None, typer.Option(help="All models that can do this task.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All models.")] = False,
    data: Annotated[str | None, typer.Option(help="A data set of published files, rather than weights.")] = None,
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to write a mirror (<sha256>/<file>) to, too.")] = None,
    lock: Annotated[
        Path | None,
        typer.Option(
            help="Folder of cards, such as zoo_cards of a checkout: write commit, sha256 and size of each fetched file "
            "that has no sha256 yet into its card."
        ),
    ] = None,
    offline: Offline = False,
) -> None:
    """Fetch official weights, or the files of a data set, into the cache, verified by hash."""
    from tlzoo import blobs
    from tlzoo.adapters.weights import blob, variant_of
    from tlzoo.cards import catalogue
    from tlzoo.data.published import files_of
    from tlzoo.files import writable_folder
    from tlzoo.vocabulary import task_facts

    if (card is not None) + (task is not None) + everything + (data is not None) != 1:
        raise InputError("fetch takes one of: the id of a card, --task TASK, or --all; or --data NAME")
    if task:
        task_facts(task)
    to = writable_folder(to, "--to") if to else None
    every = catalogue.cards() if everything or task else []
    chosen = [catalogue.get(card)] if card else [c for c in every if everything or c.can_do(task or "")]
    wanted = [(data, file) for file in files_of(data)] if data else []
    for one in chosen:
        variants = [variant_of(one, variant)] if variant else one.variants
        files = [(one.id, blob(f, w.license)) for v in variants for w in v.weights for f in w.files]
        if not files:
            terminal.say(f"{one.id}: the card names no file to fetch")
        wanted += files
    failed: list[UnavailableError] = []
    for name, file in wanted:
        try:
            path = blobs.copy_to(file, to) if to else blobs.fetch(file)
            terminal.put(f"{name}\t{file.sha256 or blobs.hash_of(path)}\t{path}")
        except UnavailableError as error:
            failed.append(error)
            terminal.say(f"{name}: {error}")
    if lock:
        _lock(lock, {one.id for one in chosen})
    if failed:
        terminal.say(f"{len(failed)} file(s) could not be fetched")
        raise typer.Exit(2 if any(isinstance(e, blobs.HashMismatchError) for e in failed) else 1)


def _lock(folder: Path, ids: set[str]) -> None:
    """Write what the cache recorded of first downloads into the cards of a folder."""
    from functools import partial

    from tlzoo import blobs
    from tlzoo.cards import catalogue
    from tlzoo.cards.pinning import pinned
    from tlzoo.cards.reader import read_text
    from tlzoo.files import write_whole

    pins = blobs.recorded()
    paths = [path for path in catalogue.paths(folder) if path.stem in ids]
    if not paths:
        raise InputError(f"--lock {folder}: no card there of those fetched; name a folder such as zoo_cards")
    for path in paths:
        text = read_text(path)
        if (new := pinned(text, pins, path)) != text:
            write_whole(path, partial(Path.write_text, data=new, encoding="utf-8"))
            terminal.put(f"{path.stem}\tlocked\t{path}")


def serve(
    card: Annotated[str, typer.Argument(help="Card of a model behind an API.")] = "gpt-4",
    port: Annotated[int, typer.Option(help="Port to listen on, on this machine only.", min=1, max=65535)] = 8000,
    offline: Offline = False,
) -> None:
    """Serve the open model that stands in for one behind an API, until interrupted."""
    import signal

    from tlzoo.adapters.chat_api.serving import folder, served_variant, serving
    from tlzoo.cards import catalogue

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    model = folder(served_variant(catalogue.get(card)))
    with suppress(KeyboardInterrupt), serving(model, port) as server:
        terminal.put(f"export OPENAI_BASE_URL={server.url} TLZOO_OPENAI_MODEL={model.name}")
        raise UnavailableError(f"transformers serve ended with exit code {server.process.wait()}")


def doctor() -> None:
    """Check what is reachable and what is missing."""
    from tlzoo.cli.checks import checks

    worst = 0
    for name, state, remedy in checks():
        line = f"{name:<22} {state}" + (f"; {remedy}" if remedy else "")
        terminal.put(terminal.wrap(line, terminal.width(), indent=23))
        worst |= bool(remedy)
    terminal.say("nothing is missing" if not worst else "missing items only affect the feature named on their line")
