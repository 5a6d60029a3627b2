from pathlib import Path

import pytest
import torch

from tlzoo.adapters.weights import Checkpoint
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


def test_a_run_is_the_same_whether_it_pretrains_or_finds_the_stand_in(pretraining):
    checkpoint = Checkpoint("yamnet", "nano", "stand-in")
    file = standin.kept(standin.key(catalogue.get("yamnet"), "nano"))
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
