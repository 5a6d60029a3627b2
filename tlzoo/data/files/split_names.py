"""Names that say which split a folder or a file is, and when a folder with such a name is a class all the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

WORDS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
"""Words that name a split, and the split."""
_WORD = re.compile(rf"({'|'.join(WORDS)})(?:set|data|split)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def split_of(name: str) -> str | None:
    """The split that a folder, a file or a split of the Hub is called after.

    Args:
        name: Its name; of a file without the suffix.

    Returns:
        ``train``, ``validation`` or ``test`` where a word of the name says so, as in ``Train``, ``test_set``,
        ``seg_train``, ``valset``, ``instances_val2017`` or ``train-00000-of-00001``; of several the last one counts.
    """
    words = re.findall(r"[^\W\d_]+", _CAMEL.sub(" ", name).lower())
    named = [WORDS[match[1]] for word in words if (match := _WORD.fullmatch(word))]
    return named[-1] if named else None


def is_plain(name: str) -> bool:
    """Whether a name is a word for a split and nothing else, so that nobody need be told."""
    return name.lower() in WORDS


def splits_among(names: Iterable[str]) -> dict[str, str]:
    """Which of some folders beside each other are splits.

    One that is called after a split is none beside others that are not, unless there is one to train on and one to
    test: in ``bus``, ``car``, ``train`` all three are classes.

    Args:
        names: Names of the folders that hold anything.

    Returns:
        The split of each folder that is one.
    """
    told = {name: split_of(name) for name in names}
    named = {name: split for name, split in told.items() if split}
    paired = "train" in named.values() and len(set(named.values())) > 1
    return named if paired or len(named) == len(told) else {}


def by_folder(paths: Sequence[PurePath]) -> list[tuple[str | None, PurePath]]:
    """The split of files, as the folders that they are in say.

    Args:
        paths: The files, from the top of the data on.

    Returns:
        The split of each, ``None`` where none is named, and its path without the folder that names it. The first level
        of folders of which some are splits (see :func:`splits_among`) decides.
    """
    for depth in range(max((len(path.parts) - 1 for path in paths), default=0)):
        splits = splits_among({path.parts[depth] for path in paths if len(path.parts) > depth + 1})
        if splits:
            return [_taken_out(path, depth, splits) for path in paths]
    return [(None, path) for path in paths]


def _taken_out(path: PurePath, depth: int, splits: dict[str, str]) -> tuple[str | None, PurePath]:
    split = splits.get(path.parts[depth]) if len(path.parts) > depth + 1 else None
    if split is None:
        return None, path
    return split, PurePath(*path.parts[:depth], *path.parts[depth + 1 :])
