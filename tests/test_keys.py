"""Content keys: they follow what decides a result, and nothing else. The golden ones are those of kept results."""

from dataclasses import dataclass, field, make_dataclass, replace
from typing import Any

import pytest

from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card
from tlzoo.data.catalogue import find
from tlzoo.data.named import DATASETS
from tlzoo.keys import changed, key
from tlzoo.leaderboard.schema import VERSION
from tlzoo.run.plan import Run, recipe_for
from tlzoo.transfer import pretraining
from tlzoo.transfer.recipe import Recipe

TASK = "audio-classification"
VARIANT = "5473d5b662ef7c44dbb39e28b06533e3fe27e2d6985c3da5414204c93246a940"
DATA = "51d6a2e7a90e45ecf1226abf42255c33a2136633f9ffe30d916604580d170d8b"
STAND_IN = "eee16a316031ad693255b96b6675e97c3297ad2346c746a14d84cf396df81495"
RUN = "551c94a2422ae5855803986d59f3a5f1"


def run(card: Card, sha256: str | None = None, recipe: Recipe | None = None) -> Run:
    """The nano YAMNet's probe on spoken digits, started from a stand-in."""
    nano = variant_of(card, "nano")
    checkpoint = Checkpoint(card.id, "nano", "stand-in", sha256 or pretraining.recipe_key(card, "nano"))
    how = recipe or recipe_for(card, nano, TASK, "probe")
    return Run(checkpoint, TASK, find(TASK, "spoken-digits"), "probe", 0, 1.0, how, card.variant_hash(nano))


def edited(**changes: Any) -> Card:
    """The card of YAMNet with changes of its nano variant, and of its input under ``input``."""
    card = catalogue.get("yamnet")
    given = card.input.model_copy(update=changes.pop("input", {}))
    variants = [v.model_copy(update=changes if v.id == "nano" else {}) for v in card.variants]
    return card.model_copy(update={"input": given, "variants": tuple(variants)})


def keys(card: Card) -> tuple[str, str, str]:
    return card.variant_hash(variant_of(card, "nano")), pretraining.recipe_key(card, "nano"), run(card).id


def test_golden_keys() -> None:
    assert keys(catalogue.get("yamnet")) == (VARIANT, STAND_IN, RUN)
    assert find(TASK, "spoken-digits").fingerprint == DATA


def test_prose_notes_places_and_licences_change_no_key() -> None:
    card = catalogue.get("yamnet")
    nano = variant_of(card, "nano")
    weights = tuple(w.model_copy(update={"note": "another", "license": "mit"}) for w in nano.weights)
    prose = edited(description="Another sentence.", params=1, weights=weights, input={"description": "In other words."})
    assert keys(prose) == (VARIANT, STAND_IN, RUN)
    official = card.default
    file = official.weights[0].files[0]
    mirrored = file.model_copy(update={"places": (*file.places, "https://example.org/yamnet.tflite")})
    with_place = official.model_copy(
        update={"weights": (official.weights[0].model_copy(update={"files": (mirrored,)}),)}
    )
    assert card.variant_hash(with_place) == card.variant_hash(official)


def test_a_loader_that_moves_changes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("spoken-digits", "spoken-words"):
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], loader="tlzoo.elsewhere:load", about="other words"))
    assert keys(catalogue.get("yamnet")) == (VARIANT, STAND_IN, RUN)
    assert find(TASK, "spoken-digits").fingerprint == DATA


def test_rows_that_change_are_another_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = DATASETS["spoken-digits"]
    monkeypatch.setitem(DATASETS, "spoken-digits", replace(entry, version=entry.version + 1))
    assert find(TASK, "spoken-digits").fingerprint != DATA
    assert run(catalogue.get("yamnet")).id != RUN


def test_a_new_field_of_a_recipe_that_changes_nothing_changes_no_key() -> None:
    recipe = run(catalogue.get("yamnet")).recipe
    wider = make_dataclass("Wider", [("noise", float, field(default=0.0))], bases=(Recipe,), frozen=True)
    assert changed(wider(**recipe.__dict__)) == changed(recipe)
    assert run(catalogue.get("yamnet"), recipe=wider(**recipe.__dict__)).id == RUN
    assert run(catalogue.get("yamnet"), recipe=wider(**recipe.__dict__, noise=0.1)).id != RUN
    assert run(catalogue.get("yamnet"), recipe=replace(recipe, batch_size=7)).id != RUN


def test_a_fraction_that_once_kept_all_of_validation_has_another_key() -> None:
    whole = run(catalogue.get("yamnet"))
    part = replace(whole, fraction=0.5)
    old = (part.checkpoint.card, "nano", part.card_hash, "stand-in", part.checkpoint.sha256, TASK, DATA)
    assert part.id != key(*old, "probe", 0, 0.5, changed(part.recipe), VERSION)[:32]
    assert whole.id == key(*old, "probe", 0, 1.0, changed(whole.recipe), VERSION)[:32]


def test_a_width_a_constant_of_preprocessing_and_another_file_change_the_key() -> None:
    config = variant_of(catalogue.get("yamnet"), "nano").config
    wider = edited(config=config | {"width": 0.99})
    louder = edited(input={"sample_rate": 22_050})
    for card in (wider, louder):
        assert not set(keys(card)) & {VARIANT, STAND_IN, RUN}
    assert run(catalogue.get("yamnet"), sha256="0" * 64).id != RUN


def test_keys_follow_values_and_not_the_order_of_names() -> None:
    assert key({"a": 1, "b": [2]}) == key({"b": (2,), "a": 1})
    assert len({key("a", "b"), key("ab"), key(["a", "b"]), key("a", "b", None)}) == 4


def test_fields_without_a_default_always_count() -> None:
    @dataclass
    class Settings:
        size: int
        names: tuple[str, ...] = ()

    assert changed(Settings(3)) == {"size": 3}
    assert changed(Settings(3, ("a",))) == {"size": 3, "names": ("a",)}
