"""Pins are written into cards where those name the file, and change nothing else."""

from pathlib import Path

import pytest

from tlzoo.blobs.pins import Pin
from tlzoo.cards import catalogue
from tlzoo.cards.pinning import pinned
from tlzoo.cards.reader import CardFile, parse
from tlzoo.cards.schema import File
from tlzoo.errors import InputError

FILES = list(catalogue.card_files())


def pin(place: str, number: int = 0) -> Pin:
    return Pin(place, "f" * 40, f"a{number:063x}", 1000 + number, "2026-11-29")


def unpinned(file: CardFile) -> list[File]:
    return [each for each in file.card.files() if each.sha256 is None]


@pytest.mark.parametrize("file", [f for f in FILES if unpinned(f)], ids=lambda f: f.card.id)
def test_every_file_without_a_hash_gets_its_pin_in_the_cards_own_style(file: CardFile) -> None:
    places = dict.fromkeys(place for each in unpinned(file) for place in each.places)
    pins = {place: pin(place, number) for number, place in enumerate(places)}
    text = file.path.read_text(encoding="utf-8")
    new = pinned(text, list(pins.values()), file.path)
    card = parse(new, file.path).card
    for before, after in zip(file.card.files(), card.files(), strict=True):
        if before.sha256 is not None:
            assert after == before
            continue
        made = pins[before.places[0]]
        assert (after.name, after.sha256) == (before.name, made.sha256)
        assert after.bytes == (before.bytes or made.bytes)
        assert after.places == tuple(pins[place].exact for place in before.places)
    for before, after in zip(file.card.variants, card.variants, strict=True):
        assert card.variant_hash(after) == file.card.variant_hash(before)
    assert parse(new, file.path).prose == file.prose
    kept = {"weights"}
    assert [v.model_dump(exclude=kept) for v in card.variants] == [
        v.model_dump(exclude=kept) for v in file.card.variants
    ]
    assert pinned(new, list(pins.values()), file.path) == new
    assert len(new.splitlines()) - len(text.splitlines()) <= 4 * len(unpinned(file))


def test_a_hash_that_stands_already_is_kept(tmp_path: Path) -> None:
    file = catalogue.get_file("mobilenet")
    given = next(f for f in file.card.files() if any("@main/" in place for place in f.places))
    place = given.places[0]
    changed = parse(pinned(file.path.read_text(encoding="utf-8"), [pin(place)], file.path), file.path).card
    after = next(f for f in changed.files() if f.places == (pin(place).exact,))
    assert after.sha256 == given.sha256


def test_what_is_no_card_is_refused() -> None:
    with pytest.raises(InputError, match=r"x\.md:1: no YAML front matter"):
        pinned("# no card", [], Path("x.md"))
