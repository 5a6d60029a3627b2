"""Which cards a revision changes, read from git without running or following anything that it holds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tlzoo.cards.reader import MAX_BYTES
from tlzoo.cards.schema import SLUG
from tlzoo.errors import InputError
from tlzoo.vocabulary import TASKS

FOLDER = "zoo_cards/"
GENERATED = "zoo_cards/schema.json"
_PLACE = re.compile(rf"zoo_cards/([a-z]+)/([a-z-]+)/({SLUG})\.md")
_KINDS: dict[str, Kind] = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "T": "modified"}

Kind = Literal["added", "modified", "deleted", "renamed"]


class RefusedError(Exception):
    """A file that is not read: not where cards are, no regular file, or too long."""


@dataclass(frozen=True)
class Change:
    """A changed file below ``zoo_cards/``.

    Attributes:
        kind: What happened to it.
        path: Where it is (of a deleted one, where it was), from the top of the repository.
        before: Where a renamed one was.
    """

    kind: Kind
    path: str
    before: str | None = None

    @property
    def id(self) -> str:
        """The card's id, as the file's name gives it."""
        return Path(self.path).stem


@dataclass(frozen=True)
class Checkout:
    """A git checkout whose cards are compared with those of a revision.

    Attributes:
        root: Its top.
        since: Commit from whose common ancestor on changes count.
        cards_of: Commit whose cards are looked at; those of the working tree where absent.
    """

    root: Path
    since: str
    cards_of: str | None = None

    @classmethod
    def of(cls, root: Path, since: str, cards_of: str | None = None) -> Checkout:
        """Resolve both revisions.

        Raises:
            InputError: There is no such revision, or no git repository, or both have no common ancestor.
        """
        changes = cls(root, _commit(root, since), _commit(root, cards_of) if cards_of else None)
        try:
            _git(root, "merge-base", changes.since, changes.cards_of or "HEAD")
        except InputError:
            both = f"{since!r} and {cards_of or 'HEAD'!r}"
            raise InputError(
                f"{both}: no common ancestor in {root}; fetch more of the history, or name another revision"
            ) from None
        return changes

    def changes(self) -> tuple[list[Change], list[str]]:
        """Changed files below ``zoo_cards/``, and the paths of all other changed files."""
        cards, others = [], []
        for change in self._all():
            paths = {change.path, change.before or change.path}
            if any(path.startswith(FOLDER) and path != GENERATED for path in paths):
                cards.append(change)
            else:
                others.append(change.path)
        return cards, others

    def _all(self) -> Iterator[Change]:
        ends = [f"{self.since}...{self.cards_of}"] if self.cards_of else ["--merge-base", self.since]
        words = iter(_git(self.root, "diff", "--name-status", "--no-ext-diff", "-M", "-z", *ends).split("\0"))
        for status in words:
            if status:
                before = next(words)
                renamed = status[0] in "RC"
                path = next(words) if renamed else before
                yield Change(_KINDS.get(status[0], "added"), path, before if status[0] == "R" else None)
        if self.cards_of is None:
            for path in _git(self.root, "ls-files", "--others", "--exclude-standard", "-z").split("\0"):
                if path:
                    yield Change("added", path)

    def read(self, change: Change) -> str:
        """The text of a changed card.

        Raises:
            RefusedError: It is nothing that a card may be; says what a card is.
        """
        place = _PLACE.fullmatch(change.path)
        if not place or place[2] not in TASKS or TASKS[place[2]].domain != place[1]:
            raise RefusedError("no place of a card, which is zoo_cards/<domain>/<task>/<id>.md, of a task of the zoo")
        content = self._working(change.path) if self.cards_of is None else self._committed(change.path)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(f"no UTF-8 text: {error.reason} at byte {error.start}") from None

    def _working(self, path: str) -> bytes:
        file = self.root / path
        if any((self.root / step).is_symlink() for step in (path, *map(str, Path(path).parents))):
            raise RefusedError("a symbolic link, or behind one; a card is a regular file")
        if not file.is_file():
            raise RefusedError("no regular file")
        _check_size(file.stat().st_size)
        return file.read_bytes()

    def _committed(self, path: str) -> bytes:
        listed = _git(self.root, "ls-tree", "-z", "--long", f"{self.cards_of}", "--", path).rstrip("\0")
        facts = listed.partition("\t")[0].split()
        if len(facts) != 4 or facts[0] not in ("100644", "100755"):
            raise RefusedError("a symbolic link, or something else that is no regular file")
        _check_size(int(facts[3]))
        return _bytes(self.root, "cat-file", "blob", facts[2])

    def take(self, change: Change, text: str | None) -> None:
        """Bring a card of the other revision into the working tree: that file, as text, and nothing else.

        Args:
            change: What changed.
            text: What :meth:`read` gave; ``None`` for a deleted one.
        """
        for gone in {change.before, change.path if text is None else None} - {None}:
            if gone and _PLACE.fullmatch(gone):
                (self.root / gone).unlink(missing_ok=True)
        if text is not None:
            file = self.root / change.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise RefusedError(f"{size:,} bytes; a card has at most {MAX_BYTES:,}")


def _commit(root: Path, revision: str) -> str:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except InputError:
        raise InputError(f"{revision!r}: no such revision in {root}; name a branch, a tag or a commit") from None


def _git(root: Path, *arguments: str) -> str:
    return _bytes(root, *arguments).decode(errors="replace")


def _bytes(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() or ["no output"]
        raise InputError(f"git {arguments[0]} in {root} ended with code {done.returncode}: {lines[-1]}")
    return done.stdout
