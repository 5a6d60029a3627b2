import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from datasets import Dataset

from tests.support.tiny import Tiny
from tlzoo.core.batch import Example
from tlzoo.core.model import HeadedModel
from tlzoo.errors import InputError
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer import examples as module
from tlzoo.transfer.examples import FIRST, Streamed, examples_of, loader, read
from tlzoo.transfer.features import frozen
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.repeatable import repeatable, state_sha256


@pytest.fixture
def model(tiny: Tiny, notes: Dataset) -> HeadedModel:
    torch.manual_seed(0)
    return tiny.for_task(AudioClassification(notes.features))


def test_examples_are_kept_where_they_fit_and_are_the_same_where_not(model: HeadedModel, notes: Dataset) -> None:
    kept, streamed = examples_of(model, notes), examples_of(model, notes, kept_bytes=100_000)
    assert isinstance(kept, list) and isinstance(streamed, Streamed)
    assert len(kept) == len(streamed) == len(notes)
    for one, other in zip(kept, streamed, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert [each["target"] for each in streamed[3:5]] == [each["target"] for each in kept[3:5]]


def test_the_first_examples_tell_that_all_do_not_fit(
    tiny: Tiny, notes: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.for_task(AudioClassification(notes.features))
    encoded: list[object] = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda row: encoded.append(1) or encode(row))
    size = module._bytes(encode(notes[0]))
    assert isinstance(examples_of(model, notes, kept_bytes=2 * FIRST * size), Streamed)
    assert len(encoded) == FIRST


@pytest.mark.parametrize("workers", [0, 2])
def test_training_on_streamed_examples_gives_the_same_model(model: HeadedModel, notes: Dataset, workers: int) -> None:
    def trained(examples: Sequence[Example]) -> str:
        learner = copy.deepcopy(model)
        how = Recipe(steps=16, learning_rates=(1e-2, 1e-3), trial=0.5, looks=4)
        with repeatable():
            fit(learner, examples, lambda _: 0.0, how, 0, progress=False)
        return state_sha256(learner.state_dict())

    rows = notes.select(range(40))
    assert trained(Streamed(rows, model.encode, workers)) == trained([model.encode(row) for row in rows])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_row_that_cannot_be_decoded_is_said_in_one_line(workers: int) -> None:
    def encode(row: object) -> Example:
        raise InputError("a.png: is truncated")

    given = loader(Streamed([{}, {}], encode, workers), [[0, 1]], list, torch.Generator())
    with pytest.raises(InputError, match=r"^a.png: is truncated$"):
        list(read(given))


def test_features_computed_with_processes_are_the_same(
    tiny: Tiny, notes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = AudioClassification(notes.features)
    values = []
    for number, workers in enumerate((0, 2)):
        monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / str(number)))
        monkeypatch.setattr("tlzoo.transfer.features.MANY", 1)
        monkeypatch.setattr("tlzoo.transfer.features.workers_for", lambda kind, workers=workers: workers)
        features = frozen(tiny, task, [notes.select(range(50)), notes.select(range(50, 90))], ["key"], progress=False)
        values.append(torch.stack([features(row)["features"] for row in notes]))
    assert torch.equal(*values)


def test_heads_on_frozen_features_refer_to_the_file(
    tiny: Tiny, notes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))
    model = tiny.for_task(AudioClassification(notes.features))
    head = model.on_features(frozen(tiny, model.task, [notes], ["key"], progress=False))
    examples = examples_of(head, notes, kept_bytes=1)
    assert isinstance(examples, list)
    first, second = (example["features"].untyped_storage().data_ptr() for example in examples[:2])
    assert first == second, "no copy of its own"
