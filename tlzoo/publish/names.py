"""Which repository a command means."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tlzoo.errors import InputError
from tlzoo.publish.hub import Hub, Kind, Repository

_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")


def owned(kind: Kind, names: Sequence[str], hub: Hub, *, to: str | None, repo: str | None) -> list[Repository]:
    """Resolve ``--to`` and ``--repo``.

    Args:
        kind: Kind of the repositories.
        names: Their names, where ``--repo`` gives none.
        hub: Asked for the token's account where neither is given.
        to: The owner.
        repo: ``OWNER/NAME`` of the one repository.

    Raises:
        InputError: Both are given, a name is none of the Hub's, or there is no token to take the owner from.
        UnavailableError: The Hub does not answer.
    """
    if to is not None and repo is not None:
        raise InputError(f"--to {to} and --repo {repo}: give one of them")
    if repo is not None:
        return [Repository(kind, _checked("--repo", repo, repo.split("/"), 2))]
    owner = _account(hub) if to is None else _checked("--to", to, [to], 1)
    return [Repository(kind, _checked("--to", f"{owner}/{name}", [owner, name], 2)) for name in names]


def _account(hub: Hub) -> str:
    try:
        return hub.account()
    except InputError as error:
        raise InputError(f"whose repository? name its owner with --to OWNER; {error}") from None


def _checked(option: str, name: str, parts: list[str], count: int) -> str:
    good = len(parts) == count and all(_PART.fullmatch(p) for p in parts) and len(name) <= 96
    if not good or "--" in name or ".." in name or name.endswith(".git"):
        form = "OWNER/NAME" if count == 2 else "OWNER, the name of an account"
        raise InputError(
            f"{option} {name!r}: expected {form}: letters, digits, '-', '_' and '.', at most 96 characters, "
            "without '--', '..' or '.git' at the end"
        )
    return name
