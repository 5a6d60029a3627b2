import shutil
from pathlib import Path

import pytest
import torch

from tests.support.standins import shorten
from tlzoo.adapters import weights
from tlzoo.adapters.weights import Checkpoint, resolve, shipped_path, variant_of
from tlzoo.cards import catalogue
from tlzoo.files import sha256_of
from tlzoo.run.plan import with_key
from tlzoo.transfer import standin
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.pretraining import SEED, recipe_key

SHIPPED = [card for card in catalogue.cards() if any(w.sha256 for v in card.variants for w in v.weights)]


@pytest.fixture
def pretraining(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, one_thread: None) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))
    shorten(monkeypatch, folder)


def test_a_run_is_the_same_whether_it_pretrains_or_finds_the_stand_in(pretraining):
    checkpoint = Checkpoint("yamnet", "nano", "stand-in")
    file = standin.cached_path(recipe_key(catalogue.get("yamnet"), "nano"))
    states, drawn = [], []
    for before in (False, True):
        assert file.is_file() == before
        torch.manual_seed(3)
        states.append(assemble(checkpoint).state_dict())
        drawn.append(torch.rand(4))
    assert torch.equal(*drawn)
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
    torch.manual_seed(SEED)
    untrained = assemble(Checkpoint("yamnet", "nano", "none")).state_dict()
    assert any(not torch.equal(untrained[name], states[0][name]) for name in untrained)


def test_every_stand_in_ships_and_all_of_them_are_small() -> None:
    assert {card.id for card in SHIPPED} == {c.id for c in catalogue.cards() if c.id != "gpt-4"}
    assert sum(shipped_path(card, variant_of(card, "nano")).stat().st_size for card in SHIPPED) < 40e6


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.id)
def test_a_stand_in_that_ships_is_loaded_by_its_hash_and_pretrains_nothing(card, monkeypatch) -> None:
    monkeypatch.setattr(standin, "pretrained", lambda *_: pytest.fail("pretrains"))
    checkpoint = resolve(card, "stand-in")
    ((_, path),) = checkpoint.files
    assert checkpoint.sha256 == sha256_of(path) and not checkpoint.notice
    assert with_key(card, checkpoint) == checkpoint and standin.weights_sha256(card, checkpoint) == checkpoint.sha256
    state = assemble(checkpoint).state_dict()
    assert all(bool(torch.isfinite(value).all()) for value in state.values() if value.is_floating_point())
    torch.manual_seed(0)
    untrained = assemble(Checkpoint(card.id, "nano", "none")).state_dict()
    shared = [name for name in untrained if name in state and untrained[name].numel() > 1]
    moved = [n for n in shared if state[n].shape == untrained[n].shape and not torch.equal(state[n], untrained[n])]
    assert len(moved) > len(shared) / 2


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_without_its_file_a_stand_in_is_pretrained_here_which_a_notice_says(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = catalogue.get("tweening-conv3d")
    there = shipped_path(card, variant_of(card, "nano"))
    file = tmp_path / "weights" / there.name
    file.parent.mkdir()
    shutil.copyfile(there, file)
    monkeypatch.setattr(weights.files, "shipped", lambda name: tmp_path / name)
    assert resolve(card, "stand-in").files
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"x" + file.read_bytes()[1:])
    checkpoint = resolve(card, "stand-in")
    assert not checkpoint.files and not checkpoint.sha256
    fault = {"gone": "is missing", "changed": "is not the file that the card names"}[damage]
    assert str(file) in checkpoint.notice and fault in checkpoint.notice and "pretrained here" in checkpoint.notice
    assert with_key(card, checkpoint).sha256 == recipe_key(card, "nano")


def test_a_stand_in_is_pretrained_where_that_is_asked_for() -> None:
    card = catalogue.get("tweening-conv3d")
    checkpoint = resolve(card, "stand-in", pretrain=True)
    assert not checkpoint.files and not checkpoint.notice
    assert with_key(card, checkpoint).sha256 == recipe_key(card, "nano")
