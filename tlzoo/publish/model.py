"""A fine-tuned model as a model repository: the files of the model, without others in its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tlzoo.errors import InputError
from tlzoo.publish.commit import Publication, publish
from tlzoo.publish.hub import Hub, Repository
from tlzoo.publish.names import owned
from tlzoo.publish.own import Data, is_own


def repository_name(folder: Path) -> str:
    """Name of a model's repository: its folder's."""
    return re.sub(r"[^A-Za-z0-9._]+|[.-]{2,}", "-", folder.resolve().name).strip("-._") or "tlzoo-model"


def files(folder: Path) -> dict[str, Path]:
    """The files of a fine-tuned model, by their path in the repository.

    Args:
        folder: A folder that ``tlzoo finetune`` wrote; it is loaded, as ``tlzoo predict`` would.

    Raises:
        InputError: It holds no fine-tuned model of this version, or a part of it is missing.
    """
    from tlzoo.transfer.bundle import names

    paths = {name: folder / name for name in names(folder)}
    for path in paths.values():
        if not path.is_file():
            raise InputError(f"{path}: missing; tlzoo finetune writes {', '.join(paths)}")
        if path.is_symlink():
            raise InputError(f"{path}: a link, not a file that tlzoo finetune wrote")
    return paths


def publication(folder: Path, repository: Repository) -> Publication:
    """The files of a fine-tuned model's repository.

    Raises:
        InputError: The folder holds no fine-tuned model.
    """
    paths = files(folder)
    return Publication(repository, "Model fine-tuned with tlzoo", paths, data=_data(paths["recipe.json"]))


def push(
    folder: Path | str,
    repository: str,
    *,
    private: bool = False,
    create_pr: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Publish a fine-tuned model, as ``tlzoo publish model DIR --repo OWNER/NAME`` does.

    Args:
        folder: A folder that ``tlzoo finetune`` wrote.
        repository: ``OWNER/NAME``.
        private: Whether a repository that is created is private.
        create_pr: Open a pull request.
        say: Takes the lines that describe the commit.

    Raises:
        InputError: The folder holds no fine-tuned model, or traces of a person; or there is no token, or one without
            the right.
        UnavailableError: The Hub does not answer, or the repository changed meanwhile.
    """
    hub = Hub()
    (owned_repository,) = owned("model", [repository_name(Path(folder))], hub, to=None, repo=repository)
    publish([publication(Path(folder), owned_repository)], hub, create_pr=create_pr, private=private, say=say, warn=say)


def _data(recipe: Path) -> tuple[Data, ...]:
    """The data that a model was fine-tuned on."""
    written = json.loads(recipe.read_text(encoding="utf-8"))
    source = written.get("run", {}).get("source", {})
    if "name" not in source:
        return ()
    return (Data(source["name"], len(written.get("results", ())), is_own(source["name"], source.get("where"))),)
