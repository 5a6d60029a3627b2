"""Pins: what a place without a hash delivered first, so that a later difference is refused.

They are kept in ``<cache>/pins.json``, by the place as its blob names it. A pin only ever refuses a file, and never
vouches for one: the file itself is the one that the Hub's client has.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tlzoo.blobs.places import PlaceError, parse
from tlzoo.files import write_whole
from tlzoo.locks import locked

COMMIT = re.compile(r"[0-9a-f]{40}")
"""A full commit."""


@dataclass(frozen=True)
class Pin:
    """A file of the Hub, as it was when it was first fetched.

    Attributes:
        place: The ``hub:`` place that was asked; its revision may be a branch.
        revision: The commit that answered; empty where that is not known.
        sha256: Hash of the file.
        bytes: Its size.
        date: Day of the first fetch, UTC, as ``YYYY-MM-DD``.
    """

    place: str
    revision: str
    sha256: str
    bytes: int
    date: str

    @property
    def exact(self) -> str:
        """The place with the commit as its revision."""
        return at_revision(self.place, self.revision) if self.revision else self.place


def at_revision(place: str, revision: str) -> str:
    """Write another revision into a ``hub:`` place."""
    match = parse(place)
    return f"hub:{match['kind'] or ''}{match['repo']}@{revision}/{match['path']}"


def find(book: Path, place: str) -> Pin | None:
    """Find the pin of a place.

    Args:
        book: The file of pins, which need not exist.
        place: A ``hub:`` place.

    Raises:
        PlaceError: The file of pins cannot be read.
    """
    facts = _read(book).get(place)
    try:
        return None if facts is None else Pin(place, **facts)  # type: ignore[arg-type]
    except TypeError:
        raise PlaceError(f"{book}: the entry of {place} is not a pin; delete it") from None


def every(book: Path) -> list[Pin]:
    """All pins, by place.

    Raises:
        PlaceError: As for `find`.
    """
    return [pin for place in sorted(_read(book)) if (pin := find(book, place)) is not None]


def check(book: Path, place: str, path: Path, sha256: str) -> None:
    """Compare a file with the pin of its place, or make the pin if there is none.

    Args:
        book: The file of pins.
        place: The ``hub:`` place that delivered the file.
        path: The file, in the cache of the Hub's client.
        sha256: Its hash.

    Raises:
        PlaceError: The file differs from the pin; or the pins cannot be read or written.
    """
    pin = find(book, place)
    if pin is None:
        try:
            return _add(book, Pin(place, _commit(path), sha256, path.stat().st_size, f"{datetime.now(UTC):%Y-%m-%d}"))
        except OSError as error:
            raise PlaceError(f"{book} cannot be written ({error.strerror}); set TLZOO_CACHE") from error
    if pin.sha256 != sha256:
        reason = f"wrong sha256: expected {pin.sha256}, as on {pin.date}, got {sha256}"
        raise PlaceError(f"{reason}; if the new file is right, delete the entry of this place in {book}", wrong=True)


def _commit(path: Path) -> str:
    """The commit of a file in the cache of the Hub's client, ``.../snapshots/<commit>/...``; empty elsewhere."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else ""


def _add(book: Path, pin: Pin) -> None:
    with locked(book.parent / "locks" / "pins.lock", f"pins in {book}"):
        facts = {name: value for name, value in asdict(pin).items() if name != "place"}
        text = json.dumps(_read(book) | {pin.place: facts}, indent=1, sort_keys=True)
        write_whole(book, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def _read(book: Path) -> dict[str, dict[str, str | int]]:
    try:
        known = json.loads(book.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PlaceError(f"{book}: the pins cannot be read ({error}); mend or delete the file") from None
    if not isinstance(known, dict) or not all(isinstance(facts, dict) for facts in known.values()):
        raise PlaceError(f"{book}: not a file of pins; mend or delete it")
    return known
