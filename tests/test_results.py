"""What ships: results of real runs, and the board that they make."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from tlzoo import api
from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import find
from tlzoo.data.named import DATASETS
from tlzoo.keys import key
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import Store, read_board
from tlzoo.run.plan import Run
from tlzoo.transfer.recipe import Recipe
from tlzoo.vocabulary import BASELINE, TASKS


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLZOO_REFERENCE")


def test_the_board_is_that_of_the_runs() -> None:
    """To the last digit but one: processors round sums of products differently."""
    folder = api.reference()
    shipped, made = read_board(folder / "board.parquet"), board(Store(folder / "runs").read())
    assert shipped.num_rows == made.num_rows == 287
    for name in shipped.column_names:
        values = (shipped[name].to_pylist(), made[name].to_pylist())
        if pa.types.is_floating(shipped.schema.field(name).type):
            assert [v is None for v in values[0]] == [v is None for v in values[1]], name
            values = tuple([v for v in each if v is not None] for each in values)
            assert values[0] == pytest.approx(values[1], rel=1e-12, abs=1e-12), name
        else:
            assert values[0] == values[1], name


def test_runs_are_of_the_catalogue_and_name_no_place_of_a_machine() -> None:
    runs = Store(api.reference() / "runs").read()
    assert set(runs["card"].to_pylist()) <= {card.id for card in catalogue.cards()} | {BASELINE}
    assert set(runs["task"].to_pylist()) <= set(TASKS)
    assert set(runs["origin"].to_pylist()) == {"reference"}
    for name in ("reason", "dataset", "hardware", "recipe"):
        assert not [value for value in runs[name].to_pylist() if value and ("/tmp/" in value or "/home/" in value)]


def test_a_new_clone_has_a_board_to_browse() -> None:
    shown = api.Leaderboard("nothing-here").table("audio-classification")
    assert len({row["card"] for row in shown.to_pylist() if row["value"] is not None}) >= 5


def earlier(dataset: str, kind: str) -> set[str]:
    """Fingerprints of the earlier versions of a named data set, also where it is read as another kind of input."""
    entry = DATASETS.get(dataset)
    versions = [key(dataset, version) for version in range(1, entry.version)] if entry else []
    return {*versions, *(key(version, kind) for version in versions)}


def test_every_run_has_the_key_that_its_model_data_and_recipe_give_today() -> None:
    """A card, a data set or a recipe whose identity changed would throw these results away in silence."""
    variants = {(card.id, v.id): (card, v) for card in catalogue.cards() for v in card.variants}
    names = ("run_id", "card", "variant", "weights", "task", "dataset", "strategy", "seed", "fraction")
    columns = [*names, "card_hash", "weights_sha256", "dataset_fingerprint", "recipe"]
    rows = [
        row
        for row in Store(api.reference() / "runs").read(columns).to_pylist()
        if row["card_hash"] and row["weights"] != BASELINE
    ]
    shipped = {weights.sha256 for _, variant in variants.values() for weights in variant.weights if weights.sha256}
    lost = set()
    for row in rows:
        card, variant = variants[row["card"], row["variant"]]
        dataset = row["dataset"].removesuffix(f"-{card.input.kind}")
        source = find(row["task"], dataset, kind=card.input.kind)
        if row["dataset_fingerprint"] in earlier(dataset, card.input.kind):
            source = replace(source, fingerprint=row["dataset_fingerprint"])  # it stays, on a board of its own
        settings = json.loads(row["recipe"])
        recipe = Recipe(**settings | {"learning_rates": tuple(settings["learning_rates"])})
        sha256 = row["weights_sha256"] or ""
        if row["weights"] == "stand-in" and not variant.is_api_model and sha256 not in shipped:
            continue  # pretrained where it was run, before the files shipped
        checkpoint = Checkpoint(card.id, variant.id, row["weights"], sha256)
        cell = row["strategy"], row["seed"], row["fraction"]
        if Run(checkpoint, row["task"], source, *cell, recipe, card.variant_hash(variant)).id != row["run_id"]:
            lost.add((row["card"], row["variant"], row["strategy"]))
    assert not lost
    assert len({row["run_id"] for row in rows}) == 443
