from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import DatasetDict
from safetensors.torch import load_file

from tests.support.published import or_skip
from tlzoo.adapters.weights import Checkpoint
from tlzoo.blobs import cache_dir
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import find
from tlzoo.transfer import standin
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.recipe import Recipe


@pytest.fixture
def pretraining(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, one_thread: None) -> None:
    """A short pretraining on few sounds."""
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(standin, "find", lambda task, *_: find(task, str(folder)))
    monkeypatch.setattr(standin, "RECIPE", Recipe(steps=4, learning_rates=(2e-3,), batch_size=8, looks=1))


@pytest.mark.parametrize("card", ["bert", "roberta"])
def test_a_text_encoder_is_pretrained_by_the_objective_of_its_paper(
    card: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None
) -> None:
    """On few passages here; of tied layers each keeps its name in the file."""
    kept = cache_dir()
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))
    for part in ("blobs", "datasets", "tokenizers"):  # what is no stand-in is not made again
        (kept / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / part).symlink_to(kept / part)
    short = Recipe(steps=6, learning_rates=(2e-3,), batch_size=8, looks=1)
    monkeypatch.setattr(standin, "training", lambda *_: short)
    learner = standin.learner

    def small(*arguments: Any) -> Any:
        model, network, task, data = learner(*arguments)
        few = DatasetDict({name: split.select(range(40)) for name, split in data.splits.items()})
        return model, network, task, replace(data, splits=few)

    monkeypatch.setattr(standin, "learner", small)
    with or_skip():
        trained = assemble(Checkpoint(card, "nano", "stand-in"))
    file = load_file(standin.cached_path(standin.recipe_key(catalogue.get(card), "nano")))
    assert set(file) == set(trained.state_dict())
    torch.manual_seed(standin.SEED)
    untrained = assemble(Checkpoint(card, "nano", "none")).state_dict()
    moved = [name for name, value in trained.state_dict().items() if not torch.equal(value, untrained[name])]
    assert len(moved) > 0.8 * len(file)


def test_a_run_is_the_same_whether_it_pretrains_or_finds_the_stand_in(pretraining):
    checkpoint = Checkpoint("yamnet", "nano", "stand-in")
    file = standin.cached_path(standin.recipe_key(catalogue.get("yamnet"), "nano"))
    states, drawn = [], []
    for before in (False, True):
        assert file.is_file() == before
        torch.manual_seed(3)
        states.append(assemble(checkpoint).state_dict())
        drawn.append(torch.rand(4))
    assert torch.equal(*drawn)
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
    torch.manual_seed(standin.SEED)
    untrained = assemble(Checkpoint("yamnet", "nano", "none")).state_dict()
    assert any(not torch.equal(untrained[name], states[0][name]) for name in untrained)
