"""Names of folders and files that stand for splits, and when a folder with such a name is a class after all."""

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
    """The split that a folder, a file or a split of the Hub is named after.

    Args:
        name: Name of the folder, of the split, or of the file without its suffix.

    Returns:
        ``train``, ``validation`` or ``test`` if a word of the name says so, as in ``Train``, ``test_set``,
        ``seg_train``, ``valset``, ``instances_val2017`` or ``train-00000-of-00001``; the last such word counts.
    """
    words = re.findall(r"[^\W\d_]+", _CAMEL.sub(" ", name).lower())
    named = [WORDS[match[1]] for word in words if (match := _WORD.fullmatch(word))]
    return named[-1] if named else None


def is_plain(name: str) -> bool:
    """Whether a name is a word for a split and nothing else, which needs no notice."""
    return name.lower() in WORDS


def splits_among(names: Iterable[str]) -> dict[str, str]:
    """Which of the folders beside each other are splits.

    Beside folders with other names, a folder named after a split counts as one only if there is also a training split
    and another one: in ``bus``, ``car``, ``train`` all three are classes.

    Args:
        names: Names of the folders that are not empty.

    Returns:
        The split of each folder that is one.
    """
    split_by_name = {name: split_of(name) for name in names}
    named = {name: split for name, split in split_by_name.items() if split}
    paired = "train" in named.values() and len(set(named.values())) > 1
    return named if paired or len(named) == len(split_by_name) else {}


def split_in(path: PurePath, folder: PurePath) -> str | None:
    """The split that a folder between two paths is named after, the nearest to the top first."""
    return next((split for name in path.relative_to(folder).parts[:-1] if (split := split_of(name))), None)


def by_folder(paths: Sequence[PurePath]) -> list[tuple[str | None, PurePath]]:
    """The split of each file by the folders that it is in.

    Args:
        paths: The files, relative to the top of the data.

    Returns:
        The split of each file, ``None`` if no folder names one, and its path without the folder that does. The first
        level of folders that contains splits (see :func:`splits_among`) decides.
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
