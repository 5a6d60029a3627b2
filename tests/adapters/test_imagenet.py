"""What all image backbones of the zoo have in common, each as its card's nano variant; and ImageNet's classes."""

import pytest
import torch
from PIL import Image
from torch import nn

from tlzoo.adapters import build
from tlzoo.adapters.imagenet import categories
from tlzoo.cards import catalogue
from tlzoo.core.batch import collate
from tlzoo.core.image import ImageBackbone
from tlzoo.tasks.classification import ImageClassification
from tlzoo.transfer import strategies

pytestmark = pytest.mark.usefixtures("one_thread")
CARDS = ["efficientnet", "inception-resnet-v1", "inception-resnet-v2", "mobilenet", "regnety", "resnet-50", "vgg-16"]
each_card = pytest.mark.parametrize("name", CARDS)


def nano(name: str) -> ImageBackbone:
    card = catalogue.get(name)
    (variant,) = (v for v in card.variants if v.kind == "nano")
    torch.manual_seed(0)
    backbone = build(variant, card.input_of(variant))
    assert isinstance(backbone, ImageBackbone)
    return backbone


def batch_of(backbone: ImageBackbone, pictures: list[Image.Image]) -> dict:
    return collate([backbone.encode(picture) for picture in pictures])


def test_a_thousand_names_none_twice() -> None:
    names = categories()
    assert len(set(names)) == len(names) == 1000
    assert [names[i] for i in (281, 282, 285, 967)] == ["tabby", "tiger cat", "Egyptian cat", "espresso"]


@each_card
def test_sixteen_pictures_are_learnt(name: str, pictures: list[Image.Image]) -> None:
    model = nano(name).for_task(ImageClassification.of(["a", "b", "c", "d"])).train()
    batch = batch_of(model.backbone, pictures) | {"target": torch.arange(16) % 4}
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []
    while len(losses) < 40 and min(losses, default=1) > 0.1:
        loss = model.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1
    assert losses[-1] < 0.1


@each_card
@pytest.mark.parametrize("scale", [1, 2])
def test_maps_are_as_the_spec_says(name: str, scale: int, pictures: list[Image.Image]) -> None:
    backbone = nano(name).eval()
    card = catalogue.get(name)
    size = card.input_of(card.variants[-1]).height
    assert (backbone.spec.height, backbone.spec.width) == (size, size)
    assert size in range(48, 65)
    batch = batch_of(backbone, pictures[:2])
    batch["image"] = batch["image"].repeat_interleave(scale, 2)  # higher than wide: any size goes
    with torch.inference_mode():
        outputs = backbone(batch)
    assert outputs["pooled"].shape == (2, backbone.spec.outputs["pooled"])
    assert [stride for _, stride in backbone.spec.pyramid] == [4, 8, 16, 32]
    shapes = [tuple(values.shape) for values in outputs["pyramid"]]
    assert shapes == [(2, c, -(-size * scale // s), -(-size // s)) for c, s in backbone.spec.pyramid]


@each_card
def test_one_picture_is_as_in_a_batch(name: str, pictures: list[Image.Image]) -> None:
    backbone = nano(name)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1
    with torch.inference_mode():  # norms take the pictures' statistics: values are of size 1
        backbone.train()(batch_of(backbone, pictures))
        backbone.eval()
        both, one = (backbone(batch_of(backbone, pictures[:n]))["pooled"] for n in (2, 1))
    torch.testing.assert_close(both[:1], one, atol=1e-4, rtol=1e-4)
    assert (both[0] - both[1]).norm() > 0.05 * both.norm()


@each_card
def test_stages_are_the_whole_backbone_once(name: str) -> None:
    backbone = nano(name)
    staged = [id(p) for stage in backbone.stages() for p in stage.parameters()]
    assert sorted(staged) == sorted(map(id, backbone.parameters()))
    assert len(backbone.stages()) in (4, 5)
    assert all(any(True for _ in stage.parameters()) for stage in backbone.stages())


@each_card
def test_partial_tuning_opens_what_works_at_stride_32(name: str, pictures: list[Image.Image]) -> None:
    model = nano(name).for_task(ImageClassification.of(["a", "b"]))
    strategies.apply(model, "partial")
    batch = batch_of(model.backbone, pictures[:2])
    model.eval()
    maps = model.backbone(batch)["pyramid"]
    opened = [values.requires_grad for values in maps]
    assert opened == ([False, False, True, True] if name == "vgg-16" else [False, False, False, True])


@each_card
def test_what_is_not_imagenets_is_not_published(name: str) -> None:
    backbone = nano(name)
    assert backbone.published_model() is None
    before = backbone.state_dict().keys()
    backbone.drop_published_head()
    assert backbone.state_dict().keys() == before
