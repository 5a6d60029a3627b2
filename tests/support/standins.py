"""A stand-in that is pretrained in a moment."""

from pathlib import Path

import pytest

from tlzoo.adapters.weights import variant_of
from tlzoo.cards.schema import Card, Source, StandIn, Variant
from tlzoo.data.catalogue import find
from tlzoo.transfer import pretraining
from tlzoo.transfer.recipe import Recipe

SHORT = Recipe(steps=4, learning_rates=(2e-3,), batch_size=8, looks=1)


def one_source(card: Card, variant_id: str) -> tuple[Variant, StandIn]:
    """A recipe of sounds in classes alone, without a teacher."""
    return variant_of(card, variant_id), StandIn(sources=(Source(task="audio-classification", data="spoken-words"),))


def shorten(monkeypatch: pytest.MonkeyPatch, sounds: Path) -> None:
    """Pretrain in a few steps, on the sounds of a folder."""
    notes = find("audio-classification", str(sounds))
    monkeypatch.setattr(pretraining, "recipe_of", one_source)
    monkeypatch.setattr(pretraining, "find", lambda *_: notes)
    monkeypatch.setattr(pretraining, "training", lambda *_: SHORT)
