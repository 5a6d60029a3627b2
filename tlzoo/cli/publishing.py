"""``tlzoo publish``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlzoo import terminal
from tlzoo.errors import InputError
from tlzoo.vocabulary import Domain

if TYPE_CHECKING:
    from tlzoo.publish.commit import Publication
    from tlzoo.publish.hub import Hub

To = Annotated[str | None, typer.Option(metavar="OWNER", help="Account that owns the repository; by default yours.")]
Repo = Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="The repository, instead of --to.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the commit; needs no token.")]
CreatePr = Annotated[bool, typer.Option("--create-pr", help="Open a pull request.")]
Private = Annotated[bool, typer.Option("--private", help="Make a new repository private.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A name or a folder of this machine that may be published; may be repeated."),
]
OwnData = Annotated[bool, typer.Option("--include-own-data", help="Also publish results on your own data.")]
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
    card: Annotated[list[str] | None, typer.Argument(help="Ids of cards; by default all.")] = None,
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    allow: Allow = None,
    include_own_data: OwnData = False,
    out: Out = Path(".tlzoo"),
) -> None:
    """Publish cards as model repositories OWNER/tlzoo-CARD, with their measured results."""
    from tlzoo.api import Leaderboard
    from tlzoo.cards import catalogue
    from tlzoo.leaderboard.row import rows_of, scored
    from tlzoo.publish import card as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned
    from tlzoo.publish.own import OPTION, select

    files = [catalogue.get_file(card_id) for card_id in dict.fromkeys(card)] if card else list(catalogue.card_files())
    if repo is not None and len(files) != 1:
        raise InputError(f"--repo {repo}: one repository for {len(files)} cards; name one card, or use --to OWNER")
    hub = Hub()
    names = [publishing.repository_name(file.card.id) for file in files]
    repositories = owned("model", names, hub, to=to, repo=repo)
    local = Leaderboard(out)
    selected, created = select(local.results, local.table(), include_own_data), publishing.dates(local.results)
    measured = {row.card for row in scored(rows_of(selected.board))}
    if without := [file.card.id for file in files if file.card.id not in measured]:
        terminal.say(f"no result in {out}, or among those that ship, of: {', '.join(without)}")
    for data in selected.left_out:
        terminal.say(f"left out: {data}; {OPTION} publishes them")
    _publish(
        hub,
        [
            publishing.publication(file, selected, created, repository, hub.endpoint)
            for file, repository in zip(files, repositories, strict=True)
        ],
        dry_run,
        create_pr,
        private,
        allow,
    )


@publish_app.command("results")
def results(
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    allow: Allow = None,
    include_own_data: OwnData = False,
    out: Out = Path(".tlzoo"),
) -> None:
    """Publish results as the data set OWNER/tlzoo-results, ranked and raw, without those on your own data."""
    from tlzoo.api import Leaderboard
    from tlzoo.publish import results as publishing
    from tlzoo.publish.card import RESULTS
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned
    from tlzoo.publish.own import select

    hub = Hub()
    (repository,) = owned("dataset", [RESULTS], hub, to=to, repo=repo)
    local = Leaderboard(out)
    selected = select(local.results, local.table(), include_own_data)
    _publish(hub, [publishing.publication(selected, repository)], dry_run, create_pr, private, allow)


@publish_app.command("model")
def model(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that tlzoo finetune wrote.")],
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    allow: Allow = None,
) -> None:
    """Publish a fine-tuned model as OWNER/DIR: the files of the model, not others in the folder."""
    from tlzoo.publish import model as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    hub = Hub()
    (repository,) = owned("model", [publishing.repository_name(folder)], hub, to=to, repo=repo)
    _publish(hub, [publishing.publication(folder, repository)], dry_run, create_pr, private, allow)


@publish_app.command("space")
def space(
    domain: Annotated[Domain, typer.Argument(help="The domain.")],
    to: To = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    create_pr: CreatePr = False,
    private: Private = False,
    allow: Allow = None,
) -> None:
    """Publish a domain's Space as OWNER/tlzoo-DOMAIN, with a wheel of this checkout."""
    from tempfile import TemporaryDirectory

    from tlzoo.publish import space as publishing
    from tlzoo.publish.hub import Hub
    from tlzoo.publish.names import owned

    hub = Hub()
    (repository,) = owned("space", [publishing.repository_name(domain)], hub, to=to, repo=repo)
    if not dry_run:
        hub.need_token()
    if private:
        terminal.say("--private: a private Space cannot read its own wheel while it is built; make it public to run it")
    with TemporaryDirectory(prefix="tlzoo-space-") as folder:
        built = publishing.build_space(domain, Path(folder))
        _publish(hub, [publishing.publication(built, repository, hub.endpoint)], dry_run, create_pr, private, allow)


def _publish(
    hub: Hub, publications: list[Publication], dry_run: bool, create_pr: bool, private: bool, allow: list[str] | None
) -> None:
    from tlzoo.publish.commit import publish

    publish(
        publications,
        hub,
        dry_run=dry_run,
        create_pr=create_pr,
        private=private,
        allowed=allow or (),
        say=terminal.put,
        warn=terminal.say,
    )
