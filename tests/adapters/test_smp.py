"""Segmenters of segmentation-models-pytorch on real encoder weights, and nano ones that learn."""

from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.support.published import or_skip
from tlzoo.adapters import build
from tlzoo.adapters.smp import SmpSegmenter
from tlzoo.adapters.weights import resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.checkpoints.pickles import load_torch
from tlzoo.errors import InputError
from tlzoo.tasks.image_segmentation import Segmentation

pytestmark = pytest.mark.usefixtures("one_thread")
CARDS = ("unet", "manet", "linknet", "deeplabv3")
TASK = Segmentation.of(("background", "square", "disc"))
each_card = pytest.mark.parametrize("card", CARDS)


def made(card: str, variant: str, **given: int) -> SmpSegmenter:
    facts = catalogue.get(card)
    chosen = variant_of(facts, variant)
    model = build(chosen, facts.input_of(chosen).model_copy(update=given))
    assert isinstance(model, SmpSegmenter)
    return model


@pytest.fixture(scope="module")
@or_skip()
def mobilenet() -> dict[str, Any]:
    return dict(resolve(catalogue.get("unet"), "official", "mobilenet-v2").paths())


@each_card
def test_the_encoder_has_the_published_weights(card: str, mobilenet: dict[str, Any]) -> None:
    model = made(card, "mobilenet-v2", height=64, width=64)
    model.load_official(mobilenet)
    (path,) = mobilenet.values()
    tensors = {name: tensor for name, tensor in load_torch(path).items() if not name.startswith("classifier.")}
    found = model.network.encoder.state_dict()
    assert set(found) == set(tensors) and len(tensors) > 300
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert model.published_model() is None  # the decoder was not


def test_safetensors_of_the_librarys_hub_are_read(tmp_path: Any) -> None:
    torch.manual_seed(1)
    source, model = (made("unet", "resnet34", height=64, width=64) for _ in range(2))
    tensors = {name: tensor.contiguous() for name, tensor in source.network.encoder.state_dict().items()}
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    model.load_official({path.name: path})
    assert torch.equal(model.network.encoder.layer4[0].conv1.weight, tensors["layer4.0.conv1.weight"])
    del tensors["conv1.weight"]
    save_file(tensors, path)
    with pytest.raises(InputError, match=r"model\.safetensors: .*conv1\.weight"):
        model.load_official({path.name: path})


@each_card
def test_stages_end_in_the_decoder(card: str) -> None:
    with torch.device("meta"):
        model = made(card, "nano")
    model.for_task(TASK)
    last = {id(p) for p in model.stages()[-1].parameters()}
    assert last.isdisjoint(id(p) for p in model.network.encoder.parameters())
    assert {id(p) for p in model.network.segmentation_head.parameters()} <= last


def test_of_an_encoder_that_is_cut_short_only_what_is_read_is_a_stage() -> None:
    model = made("deeplabv3", "mobilenet-v2")
    staged = {id(p) for stage in model.stages()[:-1] for p in stage.parameters()}
    assert staged == {id(p) for layer in model.network.encoder.features[:14] for p in layer.parameters()}


def test_an_input_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(InputError, match=r"MAnet: an input of .*100.*multiples of 32"):
        made("manet", "nano", height=100, width=100)
