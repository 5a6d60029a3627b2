"""timm's networks: one pass gives what timm's own two ways give; files of three projects load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from tlzoo.adapters import build
from tlzoo.adapters import timm as adapter
from tlzoo.adapters.timm import TimmBackbone
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Input, Variant
from tlzoo.core.batch import collate
from tlzoo.errors import InputError
from tlzoo.tasks.classification import ImageClassification

pytestmark = pytest.mark.usefixtures("one_thread")
GIVEN = Input(kind="image", description="RGB", height=64, width=64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
RESNET = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
MODELS = {
    "resnet50": RESNET,
    "regnety_008": {"depth": 8, "w0": 16, "wa": 16.0, "wm": 2.0, "group_size": 8, "stem_width": 16},
    "tf_efficientnet_lite0": {},
    "tinynet_e": {},
    "mobilenetv2_100": {},
    "inception_resnet_v2": {},
}


def make(model: str, config: Mapping[str, Any] = {}) -> TimmBackbone:
    variant = Variant(id="x", kind="nano", description="x", adapter="timm", model=model, config=dict(config))
    torch.manual_seed(0)
    backbone = build(variant, GIVEN)
    assert isinstance(backbone, TimmBackbone)
    return backbone.eval()


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize("model", MODELS)
def test_one_pass_is_both_of_timms(model: str) -> None:
    backbone = make(model, MODELS[model])
    maps_only = timm.create_model(model, features_only=True, **MODELS[model]).eval()
    maps_only.load_state_dict(backbone.network.state_dict(), strict=False)
    side = 96 if model.startswith("inception") else 64
    batch = {"image": torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)}
    with torch.inference_mode():
        outputs = backbone(batch)
        pixels = backbone.pixels(batch)
        features = backbone.network.forward_features(pixels)
        torch.testing.assert_close(outputs["pooled"], backbone.network.forward_head(features, pre_logits=True))
        expected = maps_only(pixels)[-4:]
    assert len(outputs["pyramid"]) == 4
    for values, wanted in zip(outputs["pyramid"], expected, strict=True):
        down, right = (values.shape[i] - wanted.shape[i] for i in (2, 3))
        inner = values[:, :, down // 2 :, right // 2 :][:, :, : wanted.shape[2], : wanted.shape[3]]
        torch.testing.assert_close(inner, wanted, atol=1e-4, rtol=1e-3)
        assert values.abs().sum() == pytest.approx(inner.abs().sum().item())


def test_vgg_pools_its_last_map() -> None:
    with torch.device("meta"):
        backbone = make("vgg16")
    assert backbone.spec.outputs["pooled"] == 512
    assert backbone.spec.pyramid == ((256, 4), (512, 8), (512, 16), (512, 32))
    assert [len([m for m in s if isinstance(m, nn.Conv2d)]) for s in backbone.stages()] == [2, 2, 3, 3, 3]


@pytest.mark.parametrize(("model", "count"), [("vgg16", 14_714_688), ("resnet50", 23_508_032)])
def test_a_dropped_head_is_gone(model: str, count: int) -> None:
    with torch.device("meta"):
        backbone = make(model)
        assert backbone.classifier is not None
        headed = backbone.for_task(ImageClassification.of(["a", "b"]))
    assert backbone.classifier is None
    assert sum(p.numel() for p in headed.backbone.parameters()) == count


def test_the_libraries_normalisation_goes_before_the_cards() -> None:
    with torch.device("meta"):
        lite, b0, plain = make("tf_efficientnet_lite0"), make("efficientnet_b0"), make("vgg.VGG", {"cfg": [8, "M"] * 5})
    for backbone in (lite, b0, plain):  # buffers on the meta device hold nothing: look at what they were made of
        assert backbone.mean.is_meta
    card = catalogue.get("efficientnet")
    found = {v.id: build(v, card.input_of(v)).mean.flatten().tolist() for v in card.variants}
    assert found["lite0"] == pytest.approx(card.input.mean)
    assert found["b0"] == pytest.approx([0.485, 0.456, 0.406])
    assert make("vgg.VGG", {"cfg": [8, "M"] * 5, "num_classes": 0}).mean.flatten().tolist() == pytest.approx(GIVEN.mean)


def test_names_of_efficientnet_lite_pytorch() -> None:
    with torch.device("meta"):
        network = make("tf_efficientnet_lite0").network
    tensor = torch.zeros(())
    pairs = {
        "_conv_stem.weight": "conv_stem.weight",
        "_bn0.running_var": "bn1.running_var",
        "_blocks.0._depthwise_conv.weight": "blocks.0.0.conv_dw.weight",
        "_blocks.0._bn1.bias": "blocks.0.0.bn1.bias",
        "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
        "_blocks.0._bn2.weight": "blocks.0.0.bn2.weight",
        "_blocks.1._expand_conv.weight": "blocks.1.0.conv_pw.weight",
        "_blocks.2._bn0.weight": "blocks.1.1.bn1.weight",
        "_blocks.3._bn1.weight": "blocks.2.0.bn2.weight",
        "_blocks.5._project_conv.weight": "blocks.3.0.conv_pwl.weight",
        "_blocks.15._bn2.bias": "blocks.6.0.bn3.bias",
        "_conv_head.weight": "conv_head.weight",
        "_bn1.weight": "bn2.weight",
        "_fc.bias": "classifier.bias",
    }
    assert list(adapter._from_lite(dict.fromkeys(pairs, tensor), network)) == list(pairs.values())


def test_torchvisions_files_fit_timms_networks() -> None:
    with torch.device("meta"):
        resnet, vgg = make("resnet50").network, make("vgg16").network
        their_resnet, their_vgg = torchvision.models.resnet50(), torchvision.models.vgg16()
    assert shapes(their_resnet.state_dict()) == shapes(resnet.state_dict())
    assert shapes(adapter._from_torchvision_vgg(their_vgg.state_dict())) == shapes(vgg.state_dict())


def test_vggs_dense_layers_are_convolutions() -> None:
    dense = {"classifier.0.weight": torch.randn(3, 2 * 49), "classifier.3.weight": torch.randn(4, 3)}
    renamed = adapter._from_torchvision_vgg(dense)
    maps = torch.randn(5, 2, 7, 7)
    expected = maps.flatten(1) @ dense["classifier.0.weight"].T @ dense["classifier.3.weight"].T
    hidden = nn.functional.conv2d(maps, renamed["pre_logits.fc1.weight"])
    found = nn.functional.conv2d(hidden, renamed["pre_logits.fc2.weight"])
    torch.testing.assert_close(found.flatten(1), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("classes", [1000, 7])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_own_files_load(classes: int, suffix: str, tmp_path: Path, pictures: list[Image.Image]) -> None:
    source = make("resnet50", RESNET | {"num_classes": classes})
    path = tmp_path / f"model.{suffix}"
    tensors = source.network.state_dict()
    save_file(tensors, path) if suffix == "safetensors" else torch.save(tensors, path)
    torch.manual_seed(1)
    backbone = make("resnet50", RESNET | {"num_classes": classes})
    nn.init.zeros_(backbone.network.conv1.weight)
    backbone.load_official({path.name: path})
    torch.testing.assert_close(backbone.network.conv1.weight, source.network.conv1.weight)
    model = backbone.published_model()
    assert (model is not None) == (classes == 1000)
    if model is not None:
        (prediction,) = model.predict(model.preprocess([{"image": pictures[0]}]))
        assert prediction.label in model.spec.labels
        assert len(model.stages()) == 6


def test_a_transformer_of_one_resolution_gives_its_vector_alone(pictures: list[Image.Image]) -> None:
    torch.manual_seed(0)
    backbone = make(
        "vit_tiny_patch16_224", {"depth": 3, "embed_dim": 24, "num_heads": 2, "num_classes": 5, "img_size": 64}
    ).eval()
    assert set(backbone.spec.outputs) == {"pooled"} and backbone.spec.outputs["pooled"] == 24
    batch = collate([backbone.encode(picture) for picture in pictures])
    with torch.inference_mode():
        pooled, logits = backbone(batch)["pooled"], backbone.logits(batch)
        assert torch.allclose(backbone.network.get_classifier()(pooled), logits, atol=1e-5)
    assert len(backbone.stages()) == 3
    own = {id(p) for stage in backbone.stages() for p in stage.parameters()}
    backbone.drop_published_head()
    blocks = {id(p) for p in backbone.network.blocks.parameters()}
    assert blocks <= own
    with torch.inference_mode():
        assert torch.allclose(backbone(batch)["pooled"], pooled, atol=1e-6)


def test_files_of_another_layout(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"conv1.weight": torch.zeros(1), "odd.weight": torch.zeros(1)}, path)
    backbone = make("resnet50", RESNET)
    with pytest.raises(InputError, match=r"not the weights of ResNet.*without bn1.*unknown odd.*another shape: conv1"):
        backbone.load_official({path.name: path})
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"model\.safetensors: damaged, or not a safetensors file"):
        backbone.load_official({path.name: path})


@pytest.mark.parametrize(
    ("model", "config", "told"),
    [
        ("resnet5000", {}, "resnet5000"),
        ("resnet50", {"depht": 3}, "depht"),
        ("vgg.VVG", {}, "VVG"),
    ],
)
def test_what_cannot_be_built_says_so(model: str, config: dict[str, Any], told: str) -> None:
    with torch.device("meta"), pytest.raises(InputError, match=told):
        make(model, config)
