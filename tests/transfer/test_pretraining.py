from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import DatasetDict
from safetensors import safe_open
from safetensors.torch import load_file

from tests.support.published import or_skip
from tests.support.standins import shorten
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import StandIn
from tlzoo.errors import InputError
from tlzoo.transfer import pretraining
from tlzoo.transfer.assemble import assemble

WIKIPEDIA = {"task": "language-modeling", "data": "wikipedia"}
PICTURES = {"task": "image-classification", "data": "letters"}
FACES = {"task": "face-detection", "data": "drawn-faces", "teacher": "efficientnet"}
CELLS = {"task": "image-segmentation", "data": "drawn-cells"}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Any:
    """A function that pretrains a card with a recipe on few rows, and returns the file."""
    load = pretraining.load

    def few(source: Any) -> Any:
        data = load(source)
        return replace(data, splits=DatasetDict({name: split.select(range(40)) for name, split in data.splits.items()}))

    def run(card_id: str, sources: list[dict[str, str]], path: Path) -> Path:
        card = catalogue.get(card_id)
        recipe = StandIn.model_validate({"sources": sources, "steps": 8, "batch_size": 8})
        monkeypatch.setattr(pretraining, "recipe_of", lambda card, variant: (variant_of(card, variant), recipe))
        with or_skip():
            pretraining.pretrain(card, "nano", path)
        return path

    monkeypatch.setattr(pretraining, "load", few)
    return run


@pytest.mark.parametrize("card", ["bert", "roberta"])
def test_a_text_encoder_is_pretrained_by_the_objective_of_its_paper(card: str, short: Any, tmp_path: Path) -> None:
    """Of tied layers each keeps its name in the file."""
    file = load_file(short(card, [WIKIPEDIA], tmp_path / "file"))
    torch.manual_seed(pretraining.SEED)
    untrained = assemble(Checkpoint(card, "nano", "none")).state_dict()
    assert set(file) == set(untrained)
    moved = [name for name, value in file.items() if not torch.equal(value, untrained[name].to(value.dtype))]
    assert len(moved) > 0.8 * len(file)


def test_a_backbone_learns_its_sources_together_and_the_file_has_the_backbone_alone(short: Any, tmp_path: Path) -> None:
    path = short("vgg-16", [PICTURES, CELLS], tmp_path / "file")
    file = load_file(path)
    assert set(file) == set(assemble(Checkpoint("vgg-16", "nano", "none")).state_dict())
    assert {value.dtype for value in file.values()} == {torch.float16}
    with safe_open(path, "pt") as given:
        assert given.metadata()[pretraining.LABELS] == '["background", "nucleus"]'


def test_a_model_with_its_own_head_learns_one_source_after_the_other(short: Any, tmp_path: Path) -> None:
    sprites = {"task": "image-segmentation", "data": "sprite-masks"}
    state = load_file(short("unet", [sprites, CELLS], tmp_path / "file"))
    (head,) = (value for name, value in state.items() if name.endswith("segmentation_head.0.weight"))
    assert len(head) == 2, "the classes of the last source"


def test_a_teacher_needs_a_network_that_gives_vectors(short: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mtcnn: brings its own head"):
        short(
            "mtcnn", [{"task": "face-detection", "data": "drawn-faces", "teacher": "efficientnet"}], tmp_path / "file"
        )


def test_a_card_says_how_long_and_the_source_says_the_rest() -> None:
    card = catalogue.get("vgg-16")
    how = pretraining.training(card, "nano")
    (weights,) = variant_of(card, "nano").weights
    assert weights.recipe is not None
    assert (how.steps, how.batch_size) == (weights.recipe.steps, weights.recipe.batch_size) and not how.augment
    assert how.learning_rates == (weights.recipe.learning_rate,)


def test_a_single_source_stands_for_a_recipe() -> None:
    one = StandIn.model_validate({"sources": [WIKIPEDIA]})
    weights = {"tier": "stand-in", "recipe": WIKIPEDIA}
    assert type(variant_of(catalogue.get("bert"), "nano").weights[0]).model_validate(weights).recipe == one


def test_half_precision_is_kept_where_numbers_fit(tmp_path: Path) -> None:
    module = torch.nn.BatchNorm1d(2)
    module.running_var = torch.tensor([1.0, 1e6])
    pretraining.write(module, ["a"], tmp_path / "file")
    state = load_file(tmp_path / "file")
    assert state["weight"].dtype == torch.float16 and state["num_batches_tracked"].dtype == torch.int64
    assert state["running_var"].dtype == torch.float32 and state["running_var"].tolist() == [1.0, 1e6]


def test_the_same_recipe_gives_the_same_file(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path) -> None:
    from tlzoo.transfer.repeatable import repeatable

    shorten(monkeypatch, folder)
    for name in ("a", "b"):
        with repeatable():
            pretraining.pretrain(catalogue.get("yamnet"), "nano", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
