"""Wanted contents of a repository, and the commit that brings them there, if anything would change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from tlzoo.errors import InputError, UnavailableError
from tlzoo.publish.hub import Entry, Held, Hub, Repository
from tlzoo.publish.own import OPTION, Data
from tlzoo.publish.personal import Content, refuse

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Publication:
    """Wanted contents of a repository.

    Attributes:
        repository: Which.
        message: The commit's title; the same for the same kind of change, by which an open pull request is recognised.
        files: Contents, or files that hold them, by their path in the repository.
        owned: Patterns of the paths that are ours alone: a file there that is no longer among ``files`` is deleted.
            All others are left as they are.
        data: The data sets whose results it has.
        left_out: Data sets whose results are not published.
    """

    repository: Repository
    message: str
    files: Mapping[str, Content]
    owned: tuple[str, ...] = ()
    data: tuple[Data, ...] = ()
    left_out: tuple[Data, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a commit does to one file; ``size`` is in bytes."""

    verb: Literal["add", "change", "delete"]
    path: str
    size: int

    def __str__(self) -> str:
        return f"  {self.verb:<6}  {self.path}, {self.size:,} bytes"


def compare(publication: Publication, held: Held | None) -> list[Change]:
    """Find what a commit would have to do.

    Args:
        publication: The wanted contents.
        held: The present contents; ``None`` where there is no repository.

    Returns:
        A change for each file that differs, by path; empty where nothing would change.
    """
    present = held.files if held else {}
    changes = [
        Change("change" if path in present else "add", path, _size(content))
        for path, content in publication.files.items()
        if path not in present or not _same(content, present[path])
    ]
    changes += [
        Change("delete", path, entry.size)
        for path, entry in present.items()
        if path not in publication.files and any(fnmatchcase(path, pattern) for pattern in publication.owned)
    ]
    return sorted(changes, key=lambda change: change.path)


def publish(
    publications: Iterable[Publication],
    hub: Hub,
    *,
    dry_run: bool = False,
    create_pr: bool = False,
    private: bool = False,
    allowed: Sequence[str] = (),
    say: Callable[[str], None] = print,
    warn: Callable[[str], None] = print,
) -> None:
    """Bring repositories to what they are to hold, with one commit each; ended midway, the next call completes it.

    Args:
        publications: The wanted contents of each repository.
        hub: The Hub.
        dry_run: Only say what would be done. Where the Hub does not answer, it is compared with nothing.
        create_pr: Open a pull request, unless an open one holds the same.
        private: Whether a repository that is created is private.
        allowed: Names and folders of this machine that may be published (``tlzoo.publish.personal``).
        say: Takes the lines that describe each commit.
        warn: Takes notices.

    Raises:
        InputError: No token, a token without the right, a file that the Hub refuses, or one with traces of a person or
            a machine: then nothing is written.
        UnavailableError: The Hub does not answer, or the repository changed meanwhile.
    """
    if not dry_run:
        hub.need_token()
    publications = list(publications)
    fault = _personal(publications, allowed)
    if fault and not dry_run:
        raise fault
    silent = False
    for publication in publications:
        repository = publication.repository
        held = None
        try:
            held = None if silent else hub.held(repository)
        except UnavailableError as error:
            if not dry_run:
                raise
            silent = True
            warn(f"compared with nothing, as if every repository were new: {error}")
        changes = compare(publication, held)
        if not changes:
            say(f"{repository}: nothing to change")
            continue
        if create_pr and held and (number := _proposed(publication, hub)):
            say(f"{repository}: nothing to change, pull request {number} holds it")
            continue
        new = "" if held or silent else f", a new{' private' if private else ''} repository"
        say(f"{repository}{new}: {'pull request' if create_pr else 'commit'} {publication.message!r}")
        for change in changes:
            say(str(change))
        for data in publication.data:
            say(f"  data    {data}")
        for data in publication.left_out:
            say(f"  left out: {data}; {OPTION} publishes them")
        if dry_run:
            continue
        if held is None:
            hub.create(repository, private)
        put = [(c.path, publication.files[c.path]) for c in changes if c.verb != "delete"]
        delete = [c.path for c in changes if c.verb == "delete"]
        parent = held.commit if held else None
        address = hub.commit(
            repository, publication.message, put=put, delete=delete, parent=parent, create_pr=create_pr
        )
        say(f"  done: {address}")
    if fault:
        raise fault


def _personal(publications: Sequence[Publication], allowed: Sequence[str]) -> InputError | None:
    """The error of the first publication with traces of a person or a machine, if any."""
    for publication in publications:
        repository = publication.repository
        try:
            refuse(str(repository), publication.files, repository.owner, allowed)
        except InputError as error:
            return error
    return None


def _proposed(publication: Publication, hub: Hub) -> int | None:
    """The open pull request that holds a publication already."""
    for number in hub.pull_requests(publication.repository, publication.message):
        if not compare(publication, hub.held(publication.repository, f"refs/pr/{number}")):
            return number
    return None


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _same(content: Content, entry: Entry) -> bool:
    size = _size(content)
    if size != entry.size:
        return False
    if entry.sha256 is not None:
        return _digest(content, hashlib.sha256()) == entry.sha256
    return _digest(content, hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)) == entry.oid


def _digest(content: Content, hasher: hashlib._Hash) -> str:
    if isinstance(content, bytes):
        hasher.update(content)
        return hasher.hexdigest()
    with content.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()
