"""The catalogue: the folder listing of ``zoo_cards`` is the list of models."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tlzoo.cards.reader import CardFile, read
from tlzoo.cards.schema import Card
from tlzoo.errors import InputError, unknown

MORE = "TLZOO_CARDS"
"""Environment variable: a folder of more cards, laid out as ``zoo_cards``, such as those merged into a Space."""


def folder() -> Path:
    """The folder of cards: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "zoo_cards", package.parent / "zoo_cards"):
        if place.is_dir():
            return place
    raise InputError(f"no folder zoo_cards in {package} or beside it: the installation is broken")


def paths(root: Path | None = None) -> list[Path]:
    """Every card file, sorted, as ``<domain>/<task>/<id>.md``."""
    return sorted((root or folder()).glob("*/*/*.md"))


@cache
def read_all(root: Path | None = None) -> dict[str, CardFile]:
    """Read the catalogue: by default that of the package, and then the folder that ``TLZOO_CARDS`` names.

    A card of that folder that cannot be used is left out, and named on standard error: whoever put it there, the zoo
    goes on.

    Returns:
        Card files by id, in the order of the folder listing.

    Raises:
        InputError: A card is faulty, stands in the wrong folder, or repeats an id; or ``TLZOO_CARDS`` is no folder.
    """
    found: dict[str, CardFile] = {}
    for path in paths(root):
        _add(path, found)
    for path in _more() if root is None else []:
        try:
            _add(path, found)
        except InputError as error:
            print(f"left out: {'; '.join(str(error).splitlines())}", file=sys.stderr)
    return found


def _add(path: Path, found: dict[str, CardFile]) -> None:
    file = read(path)
    expected = (file.card.domain, file.card.task)
    if (path.parts[-3], path.parts[-2]) != expected:
        raise InputError(f"{path}: a card of {expected[0]}/{expected[1]} belongs in that folder")
    if file.card.id in found:
        raise InputError(f"{path}: id {file.card.id!r} is taken by {found[file.card.id].path}")
    found[file.card.id] = file


def _more() -> list[Path]:
    named = os.environ.get(MORE)
    if not named:
        return []
    if not Path(named).is_dir():
        raise InputError(f"{MORE}: {named}: no such folder; name one that holds <domain>/<task>/<id>.md")
    return paths(Path(named))


def card_files(task: str | None = None, domain: str | None = None) -> Iterator[CardFile]:
    """Card files of one task or domain, or all of them."""
    for file in read_all().values():
        if task in (None, file.card.task) and domain in (None, file.card.domain):
            yield file


def cards() -> list[Card]:
    """Every card."""
    return [file.card for file in card_files()]


def get_file(card_id: str) -> CardFile:
    """Look a card file up by id.

    Raises:
        InputError: No such card; names the closest one.
    """
    files = read_all()
    if card_id not in files:
        raise unknown("model", card_id, files)
    return files[card_id]


def get(card_id: str) -> Card:
    """Look a card up by id."""
    return get_file(card_id).card


def license_of(row: Mapping[str, Any]) -> str:
    """Licence of the weights of a result: as published, or for all that was trained here the code's.

    ``unknown`` where the card is not in the catalogue any more: results outlive it.
    """
    file = read_all().get(row["card"])
    if file is None:
        return "unknown"
    given = file.card.provenance.license
    return given.weights if row["weights"] == "official" else given.code
