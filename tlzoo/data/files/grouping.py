"""Which examples belong together: a column or a part of file names that says so, proposed or taken."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tlzoo.data.dataset import Listing
from tlzoo.errors import InputError

GROUP_WORDS = frozenset(
    (
        *("group", "speaker", "spk", "voice", "singer", "subject", "subj", "sub", "s", "patient", "pat", "p", "animal"),
        *("participant", "person", "session", "user", "username", "author", "writer", "actor", "player", "annotator"),
        *("artist", "account", "customer", "client", "donor", "family", "house", "room", "location", "site"),
        *("device", "scanner", "camera", "channel", "recording", "record", "video", "film", "clip", "scene", "slide"),
        *("document", "doc", "source", "book", "article", "album", "page", "url", "domain", "thread", "conversation"),
        *("case", "batch", "plate", "hospital"),
    )
)
"""Words for what examples may have in common, as a word of a column's name or before a number in a file's name."""
INDEX_WORDS = frozenset(
    (
        *("img", "image", "frame", "photo", "picture", "pic", "dsc", "file", "sample", "take", "example", "item"),
        *("sound", "audio", "rec"),
    )
)
"""Words before a number in a file's name that count files."""
MIN_GROUPS, MIN_ROWS = 3, 3
"""Minimum number of groups, and of rows of a group on average, in what is proposed."""
MAX_NAMED = 100
"""Maximum number of groups in file names; more are not read as such."""
MIN_UNKNOWN = 6
"""Minimum number of groups in a column whose name says nothing."""
MIN_MATCHING = 0.95
"""Share of the file names that must have a part for it to be proposed."""
_SEPARATORS = "_-. "


@dataclass(frozen=True)
class _Part:
    """A part of file names: the pattern that finds it, and its value in each name; None where it is not there."""

    pattern: str
    values: Sequence[str | None]


def take(examples: Listing, wanted: str, where: str) -> None:
    """Make a column, or a part of the files' names, the groups of examples.

    Args:
        examples: The examples.
        wanted: Name of a column that is not read otherwise, in any case, or a regular expression: its first group, in
            parentheses, in the file's relative path.
        where: What errors call the data.

    Raises:
        InputError: There is no such column, or the expression is wrong or does not match; gives the alternatives.
    """
    if examples.is_cut:
        raise InputError(f"--group {wanted}: {where} is divided by the texts that its rows share, which are its groups")
    columns = {name.strip().casefold(): name for name in examples.beside}
    column = columns.get(wanted.strip().casefold())
    if column is not None:
        examples.groups = examples.beside_of(column)
    elif "(" in wanted:
        examples.groups = _matched(examples, wanted, where)
    else:
        names = ", ".join(examples.beside)
        has = f"columns that may be: {names}" if names else "there is no other column"
        raise InputError(
            f"--group {wanted}: {where} has no such column to group by; {has}; or a pattern of file names with "
            f"parentheses, such as '{_prefix('_')}'"
        )
    if len(set(filter(None, examples.groups))) < 2:
        raise InputError(
            f"--group {wanted}: {where} has one group only, {examples.groups[0]!r}; at least two are needed"
        )
    examples.notices.append(f"groups from {wanted!r}: {_shown(examples.groups)}")


def _matched(examples: Listing, wanted: str, where: str) -> list[str]:
    try:
        pattern = re.compile(wanted)
    except re.error as error:
        raise InputError(f"--group {wanted}: no regular expression: {error}") from None
    if not pattern.groups:
        raise InputError(f"--group {wanted}: has no group in parentheses, which says what is taken of the name")
    groups = []
    for name in examples.names:
        match = pattern.search(PurePosixPath(name).as_posix())
        if match is None or not match[1]:
            also = f"; columns: {', '.join(examples.beside)}" if examples.beside else ""
            raise InputError(f"--group {wanted}: does not match {name!r} of {where}, like all names it has to{also}")
        groups.append(match[1])
    return groups


@dataclass(frozen=True)
class Proposal:
    """What looks like groups: a line with the option that takes it, and the group of each example."""

    line: str
    values: Sequence[str | None]


def proposal(examples: Listing) -> Proposal | None:
    """What looks like groups of examples that have none."""
    if examples.groups and any(examples.groups) and len(set(examples.groups)) < len(examples.groups):
        return None
    for column in examples.beside:
        values = examples.beside_of(column)
        if _is_grouping(column, values, examples.labels):
            return Proposal(f"column {column!r} looks like {_shown(values)}: --group {column}", values)
    for part in _parts(examples.names):
        if _divides(part.values, examples.labels):
            return Proposal(f"names look like {_shown(part.values)}: --group '{part.pattern}'", part.values)
    return None


def _is_grouping(column: str, values: Sequence[str], labels: Sequence[str]) -> bool:
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    count = Counter(filter(None, values))
    if not MIN_GROUPS <= len(count) <= count.total() / MIN_ROWS or count.total() < MIN_MATCHING * len(values):
        return False
    if any(word in GROUP_WORDS for word in words):
        return _crosses(values, labels)
    texts = not any(re.fullmatch(r"[-+.\d]+", value) for value in count)
    return texts and len(count) >= MIN_UNKNOWN and min(count.values()) > 1 and _crosses(values, labels)


def _parts(names: Sequence[str]) -> Iterator[_Part]:
    """Parts of file names that may say the group, the first ones first."""
    paths = [PurePosixPath(name) for name in names]
    if any(not path.suffix for path in paths):
        return
    depth = {len(path.parts) for path in paths}
    if depth and min(depth) > 2:
        yield _Part(r"([^/]+)/[^/]*$", [path.parts[-2] for path in paths])
    for separator in _SEPARATORS:
        pieces = [path.stem.split(separator) for path in paths]
        for place in range(3):
            values = [each[place] if len(each) > place + 1 else None for each in pieces]
            yield _Part(_prefix(separator, place), values)
        if separator != ".":
            last = [each[-1] if len(each) > 1 else None for each in pieces]
            yield _Part(rf"{separator}([^/{separator}]+)\.[^/.]*$", last)


def _prefix(separator: str, place: int = 0) -> str:
    """Pattern of the part of a file's name before a separator; of a later part, after as many others."""
    mark = re.escape(separator) if separator == "." else separator
    before = rf"[^/{separator}]*{mark}" * place
    return rf"(?:^|/){before}([^/{separator}]+){mark}[^/]*$"


def _divides(values: Sequence[str | None], labels: Sequence[str]) -> bool:
    """Whether parts of names are plausible groups: several, each with several files, and not what counts files."""
    count = Counter(value for value in values if value)
    if count.total() < MIN_MATCHING * len(values):
        return False
    if not MIN_GROUPS <= len(count) <= min(MAX_NAMED, count.total() / MIN_ROWS):
        return False
    if sum(each > 1 for each in count.values()) < MIN_MATCHING * len(count):
        return False
    words = {re.sub(r"[\d]+$", "", value).lower().rstrip("-_ ") for value in count}
    if words & INDEX_WORDS or not _crosses(values, labels):
        return False
    if words <= GROUP_WORDS and all(value[-1].isdigit() for value in count):
        return True
    # what counts the files of each class is there but once in each; several takes of one are not
    cells = Counter(zip(values, labels, strict=True))
    if all(value.isdecimal() for value in count):
        numbers = [int(value) for value in count]
        if max(numbers) - min(numbers) < 2 * len(numbers):
            return False  # counted, and not names of something
    return sum(each > 1 for each in cells.values()) > len(cells) / 2


def _crosses(values: Sequence[str | None], labels: Sequence[str]) -> bool:
    """Whether most values occur with several classes, where there are classes: a part of the class itself does not."""
    if len(set(labels)) < 2:
        return True
    classes: dict[str, set[str]] = defaultdict(set)
    for value, label in zip(values, labels, strict=True):
        if value:
            classes[value].add(label)
    return sum(len(each) > 1 for each in classes.values()) > len(classes) / 2


def _shown(values: Sequence[str | None]) -> str:
    """How many groups there are, with the first and the last: ``6 speakers (speaker0 ... speaker5)``."""
    names = sorted({value for value in values if value}, key=_natural)
    words = {re.sub(r"\d+$", "", name).rstrip("-_ ").lower() for name in names}
    word = words.pop() if len(words) == 1 else ""
    what = f"{word}s" if word in GROUP_WORDS and len(word) > 3 else "groups"
    return f"{len(names):,} {what} ({names[0]} ... {names[-1]})"


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which ``speaker10`` comes after ``speaker9``."""
    return [
        (int(piece), "") if piece.isdigit() and len(piece) < 19 else (-1, piece) for piece in re.split(r"(\d+)", name)
    ]
