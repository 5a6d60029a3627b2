"""``tlzoo publish``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.publish.commit import Publication
    from tlzoo.publish.hub import Hub

To = Annotated[
    str | None, typer.Option(metavar="OWNER", help="Account that the repository belongs to; yours by default.")
]
Repo = Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="The repository, in place of --to.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the commit; needs no token.")]
CreatePr = Annotated[bool, typer.Option("--create-pr", help="Open a pull request.")]
Private = Annotated[bool, typer.Option("--private", help="A repository that is created is private.")]
Out = Annotated[Path, typer.Option(help="Folder of the results.")]

publish_app = typer.Typer(
    no_args_is_help=True,
    help="Publish to the Hugging Face Hub, with the token of HF_TOKEN or `hf auth login`.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(publish_app, name="publish")


@publish_app.command("cards")
def cards(
    card: Annotated[list[str] | None, typer.Argument(help="Ids of cards; all by default.")] = None,
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    out: Out = Path(".tlzoo"),
) -> None:
    """Publish cards as model repositories OWNER/tlzoo-CARD, with what was measured."""
    from tlzoo.api import Leaderboard
    from tlzoo.cards import catalogue
    from tlzoo.publish import card as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    files = [catalogue.get_file(each) for each in dict.fromkeys(card)] if card else list(catalogue.card_files())
    if repo is not None and len(files) != 1:
        raise InputError(f"--repo {repo}: one repository for {len(files)} cards; name one card, or use --to OWNER")
    hub = Hub()
    names = [publishing.repository_name(file.card.id) for file in files]
    repositories = owned("model", names, hub, to=to, repo=repo)
    local = Leaderboard(out)
    board, created = local.table(), publishing.dates(local.results)
    measured = {row["card"] for row in board.select(["card", "value"]).to_pylist() if row["value"] is not None}
    if without := [file.card.id for file in files if file.card.id not in measured]:
        typer.echo(f"no result in {out}, or among those that ship, of: {', '.join(without)}", err=True)
    _publish(
        hub,
        [
            publishing.publication(file, board, created, repository, hub.endpoint)
            for file, repository in zip(files, repositories, strict=True)
        ],
        dry_run,
        create_pr,
        private,
    )


@publish_app.command("results")
def results(
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    out: Out = Path(".tlzoo"),
) -> None:
    """Publish all results, also those on your own data, as the data set OWNER/tlzoo-results: ranked rows, raw rows."""
    from tlzoo.api import Leaderboard
    from tlzoo.publish import results as publishing
    from tlzoo.publish.card import RESULTS
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    hub = Hub()
    (repository,) = owned("dataset", [RESULTS], hub, to=to, repo=repo)
    local = Leaderboard(out)
    _publish(hub, [publishing.publication(local.results, local.table(), repository)], dry_run, create_pr, private)


@publish_app.command("model")
def model(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that tlzoo finetune wrote.")],
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
) -> None:
    """Publish a fine-tuned model as OWNER/DIR: its own files, and no others of the folder."""
    from tlzoo.publish import model as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    hub = Hub()
    (repository,) = owned("model", [publishing.repository_name(folder)], hub, to=to, repo=repo)
    _publish(hub, [publishing.publication(folder, repository)], dry_run, create_pr, private)


@publish_app.command("space")
def space(
    domain: Annotated[str, typer.Argument(help="image, text, audio or video.")],
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
) -> None:
    """Publish a domain's Space as OWNER/tlzoo-DOMAIN, with this checkout's own wheel."""
    from tempfile import TemporaryDirectory

    from tlzoo.publish import space as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    hub = Hub()
    (repository,) = owned("space", [publishing.repository_name(domain)], hub, to=to, repo=repo)
    if not dry_run:
        hub.need_token()
    if private:
        typer.echo(
            "--private: a Space that is private cannot read its own wheel while it is built; make it public to run it",
            err=True,
        )
    with TemporaryDirectory(prefix="tlzoo-space-") as folder:
        built = publishing.build_space(domain, Path(folder))
        _publish(hub, [publishing.publication(built, repository, hub.endpoint)], dry_run, create_pr, private)


def _publish(hub: Hub, publications: list[Publication], dry_run: bool, create_pr: bool, private: bool) -> None:
    from tlzoo.publish.commit import publish

    publish(
        publications,
        hub,
        dry_run=dry_run,
        create_pr=create_pr,
        private=private,
        say=typer.echo,
        warn=lambda line: typer.echo(line, err=True),
    )
