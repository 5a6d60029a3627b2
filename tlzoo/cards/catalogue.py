"""The catalogue: the files in the folder ``zoo_cards`` are the list of models."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing import parent_process
from pathlib import Path

from tlzoo.cards.reader import CardFile, read
from tlzoo.cards.schema import Card
from tlzoo.errors import InputError, unknown
from tlzoo.files import shipped
from tlzoo.vocabulary import BASELINE

MORE = "TLZOO_CARDS"
"""Environment variable: a folder of more cards, laid out as ``zoo_cards``, such as those merged into a Space."""

CODE_LICENSE = "apache-2.0"
"""Licence of this package, and of the baselines that are nothing else."""


def folder() -> Path:
    """The folder of cards: inside the installed package, or at the top of a checkout."""
    place = shipped("zoo_cards")
    if not place.is_dir():
        raise InputError(f"no folder {place}: the installation is broken")
    return place


def tokenizer_path(name: str) -> Path:
    """A file of a tokenizer of nano variants; it need not exist."""
    return folder() / "tokenizers" / name


def paths(root: Path | None = None) -> list[Path]:
    """Every card file, sorted, as ``<domain>/<task>/<id>.md``."""
    return sorted((root or folder()).glob("*/*/*.md"))


@dataclass(frozen=True)
class Catalogue:
    """The cards of a set of files.

    Attributes:
        files: Cards by id, in the order in which they were read.
        faults: Faults of the cards that are left out, by path.
    """

    files: Mapping[str, CardFile]
    faults: Mapping[Path, InputError]


def load(files: Iterable[Path]) -> Catalogue:
    """Read cards; a card with a fault, in the wrong folder or with the id of another is left out."""
    cards: dict[str, CardFile] = {}
    faults: dict[Path, InputError] = {}
    for path in files:
        try:
            file = read(path)
            place = (file.card.domain, file.card.task)
            if path.parts[-3:-1] != place:
                raise InputError(f"{path}: a card of {'/'.join(place)} belongs in that folder")
            if file.card.id in cards:
                raise InputError(f"{path}: id {file.card.id!r} is taken by {cards[file.card.id].path}")
            cards[file.card.id] = file
        except InputError as error:
            faults[path] = error
    return Catalogue(cards, faults)


@cache
def current() -> Catalogue:
    """The catalogue of the package and of the folder ``TLZOO_CARDS``.

    A card that cannot be used is named on standard error, once, and left out.

    Raises:
        InputError: ``TLZOO_CARDS`` is not a folder.
    """
    catalogue = load(all_paths())
    for path, fault in catalogue.faults.items() if parent_process() is None else ():
        first, *others = str(fault).splitlines()
        more = f" (and {len(others)} more; tlzoo cards validate {path})" if others else ""
        print(f"left out: {first}{more}", file=sys.stderr)
    return catalogue


def read_all() -> Mapping[str, CardFile]:
    """Card files of the catalogue by id, in the order of the folder listing."""
    return current().files


def all_paths() -> list[Path]:
    """Every card file of the package and of ``TLZOO_CARDS``.

    Raises:
        InputError: ``TLZOO_CARDS`` is not a folder.
    """
    named = os.environ.get(MORE)
    if named and not Path(named).is_dir():
        raise InputError(f"{MORE}: {named}: no such folder; name one that holds <domain>/<task>/<id>.md")
    return [*paths(), *(paths(Path(named)) if named else [])]


def card_files(task: str | None = None, domain: str | None = None) -> Iterator[CardFile]:
    """Card files of one task or domain, or all of them."""
    for file in read_all().values():
        if task in (None, file.card.task) and domain in (None, file.card.domain):
            yield file


def cards() -> list[Card]:
    """Every card.

    Example:
        >>> import tlzoo
        >>> [card.name for card in tlzoo.cards() if card.id == "crepe"]
        ['CREPE']
    """
    return [file.card for file in card_files()]


def get_file(card_id: str) -> CardFile:
    """Look up a card file by its id.

    Raises:
        InputError: There is no such card, with the closest id; or it has faults, with all of them.
    """
    files = read_all()
    if card_id not in files:
        raise next(
            (fault for path, fault in current().faults.items() if path.stem == card_id),
            unknown("model", card_id, files),
        )
    return files[card_id]


def get(card_id: str) -> Card:
    """Look up a card by its id."""
    return get_file(card_id).card


def license_of(card_id: str, tier: str, own: str | None = None) -> str:
    """Licence of a card's weights: as published, or that of the code for weights that were trained here.

    Of a baseline, that of the code. ``unknown`` if the card is no longer in the catalogue.

    Args:
        card_id: The card.
        tier: Of the weights.
        own: Licence that the row has, as those of ad-hoc models do.
    """
    if own is not None:
        return own
    if tier == BASELINE:
        return CODE_LICENSE
    file = read_all().get(card_id)
    if file is None:
        return "unknown"
    given = file.card.provenance.license
    return given.weights if tier == "official" else given.code
