"""``tlzoo list``, ``show`` and ``cards``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.boards import Wide
from tlzoo.errors import InputError
from tlzoo.vocabulary import Domain

cards_app = typer.Typer(no_args_is_help=True, help="Write, check and render model cards.", rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("list")(list_cards)
    app.command("show")(show)
    app.add_typer(cards_app, name="cards")


def list_cards(
    domain: Annotated[Domain | None, typer.Option(help="Only models of this domain.")] = None,
    task: Annotated[str | None, typer.Option(help="Only models that can do this task.")] = None,
    license: Annotated[str | None, typer.Option(help="Licence of the weights, such as apache-2.0.")] = None,  # noqa: A002
    max_params: Annotated[float | None, typer.Option(help="Maximum parameters, in millions.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on standard output.")] = False,
    wide: Wide = False,
) -> None:
    """List the models of the zoo."""
    from tlzoo.cards import catalogue
    from tlzoo.cards.render import listing, table
    from tlzoo.vocabulary import task_facts

    if task is not None:
        task_facts(task)
    files = [
        f
        for f in catalogue.card_files(domain=domain)
        if (task is None or f.card.can_do(task))
        and license in (None, f.card.provenance.license.weights)
        and (max_params is None or (f.card.default.params or float("inf")) <= max_params * 1e6)
    ]
    if as_json:
        terminal.put(json.dumps(listing(files), indent=1))
    elif files:
        terminal.put(table(files, None if wide else terminal.width()))
    else:
        terminal.say("no model fits; try fewer filters")


def show(
    card: Annotated[str, typer.Argument(help="Id of a card, as tlzoo list shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
) -> None:
    """Show one model's card: facts, then prose."""
    from tlzoo.cards import catalogue
    from tlzoo.cards.render import text

    file = catalogue.get_file(card)
    terminal.put(file.card.model_dump_json(indent=1) if as_json else text(file, terminal.width()))


@cards_app.command("new")
def new(
    card: Annotated[str, typer.Argument(help="Id of the new card: lower case, digits and hyphens.")],
    task: Annotated[str, typer.Option(help="The task that it is for.")],
    source: Annotated[
        str | None, typer.Option("--from", help="Where to read facts from: hub:OWNER/NAME, a folder or a file.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    summary: Annotated[str | None, typer.Option(help="What it is and when it helps, in one sentence.")] = None,
    license: Annotated[str | None, typer.Option(help="Licence of the weights, such as apache-2.0.")] = None,  # noqa: A002
    code_license: Annotated[str | None, typer.Option(help="Licence of the original code.")] = None,
    paper: Annotated[str | None, typer.Option(help="URL of its paper, such as an arXiv page.")] = None,
    kind: Annotated[
        str | None, typer.Option("--input", help="Kind of the input, where the task takes several.")
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder of cards, such as that of a checkout.")] = Path("zoo_cards"),
) -> None:
    """Write a draft of a card. On a terminal, ask for missing facts; unknown ones are marked TODO."""
    from tlzoo.drafting.describe import describe
    from tlzoo.drafting.draft import DraftFacts, check_id, write
    from tlzoo.drafting.questions import complete
    from tlzoo.files import writable_folder
    from tlzoo.vocabulary import task_facts

    facts = task_facts(task)
    check_id(card, to)
    to = writable_folder(to, "--to")
    known = describe(source) if source else DraftFacts()
    given = {
        "name": name,
        "summary": summary,
        "license": license,
        "code_license": code_license,
        "paper": paper,
        "kind": kind,
    }
    path = write(card, task, to, complete(known, given, sorted(facts.inputs)))
    terminal.put(str(path))
    terminal.say(f"remaining fields are marked TODO; list them with: tlzoo cards validate {path}")


@cards_app.command("validate")
def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Cards or folders of cards; the whole catalogue by default.")
    ] = None,
) -> None:
    """Check cards, and report each fault with file, line, field and alternatives."""
    from tlzoo.cards import catalogue
    from tlzoo.cards.reader import read, read_text, todos

    alone = [path for path in paths or [] if not path.is_dir()]
    folders = [catalogue.paths(path) for path in paths if path.is_dir()] if paths else [catalogue.all_paths()]
    files = [*(file for folder in folders for file in folder), *alone]
    if not files:
        raise InputError(f"no cards (<domain>/<task>/<id>.md) in {', '.join(map(str, paths or []))}")
    refused = {path: error for folder in folders for path, error in catalogue.load(folder).faults.items()}
    for path in alone:
        try:
            read(path)
        except InputError as error:
            refused[path] = error
    faults = [
        line
        for path in files
        for line in (str(refused[path]).splitlines() if path in refused else todos(read_text(path), path))
    ]
    for fault in faults:
        terminal.say(fault)
    terminal.say(f"{_counted(len(files), 'card')}, {_counted(len(faults), 'fault')}")
    raise typer.Exit(2 if faults else 0)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@cards_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the front matter."""
    from tlzoo.cards.render import json_schema

    terminal.put(json_schema().removesuffix("\n"))


@cards_app.command("render")
def render(
    card: Annotated[str | None, typer.Argument(help="Id of a card; without one, the table of all cards.")] = None,
) -> None:
    """Print a card, or the table of all cards, as Markdown."""
    from tlzoo.cards import catalogue
    from tlzoo.cards.render import markdown, markdown_table

    page = markdown(catalogue.get_file(card)) if card else markdown_table(list(catalogue.card_files()))
    terminal.put(page.removesuffix("\n"))
