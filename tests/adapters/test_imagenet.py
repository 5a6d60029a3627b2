"""What all image backbones of the zoo have in common, each as its card's nano variant; and ImageNet's classes."""

import pytest
import torch
from PIL import Image

from tests.support.published import official
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
    torch.manual_seed(0)
    backbone = build(card.variants[-1], card.input_of(card.variants[-1]))
    assert isinstance(backbone, ImageBackbone)
    return backbone


def batch_of(backbone: ImageBackbone, pictures: list[Image.Image]) -> dict:
    return collate([backbone.encode(picture) for picture in pictures])


def test_a_thousand_names_none_twice() -> None:
    names = categories()
    assert len(set(names)) == len(names) == 1000
    assert [names[i] for i in (281, 282, 285, 967)] == ["tabby", "tiger cat", "Egyptian cat", "espresso"]


@pytest.mark.parametrize(
    ("card", "variant", "count"), [("efficientnet", "lite0", 4_652_008), ("mobilenet", "v2", 3_504_872)]
)
def test_published_weights_see_an_espresso_and_a_cat(card: str, variant: str, count: int) -> None:
    data = pytest.importorskip("skimage.data")
    backbone = official(card, variant)
    model = backbone.published_model()
    predictions = model.predict(
        model.preprocess([{"image": Image.fromarray(p)} for p in (data.coffee(), data.chelsea())])
    )
    for prediction in predictions:
        assert len(prediction.scores) == 5
        assert prediction.score == max(prediction.scores.values()) == prediction.scores[prediction.label]
    espresso, cat = predictions
    assert espresso.label == "espresso" and cat.label in ("tabby", "tiger cat", "Egyptian cat")
    if card == "mobilenet":
        assert len(model.stages()) == 6
        assert sum(p.numel() for stage in model.stages() for p in stage.parameters()) == count
    backbone.drop_published_head()
    assert backbone.published_model() is None
    assert sum(p.numel() for p in backbone.parameters()) == count - 1000 * 1281


@each_card
def test_maps_of_a_picture_that_is_higher_than_wide(name: str, pictures: list[Image.Image]) -> None:
    backbone = nano(name).eval()
    size = backbone.spec.height
    assert size in range(48, 65)
    batch = batch_of(backbone, pictures[:2])
    batch["image"] = batch["image"].repeat_interleave(2, 2)
    with torch.inference_mode():
        outputs = backbone(batch)
    assert [stride for _, stride in backbone.spec.pyramid] == [4, 8, 16, 32]
    shapes = [tuple(values.shape) for values in outputs["pyramid"]]
    assert shapes == [(2, c, -(-size * 2 // s), -(-size // s)) for c, s in backbone.spec.pyramid]


@each_card
def test_partial_tuning_opens_what_works_at_stride_32(name: str, pictures: list[Image.Image]) -> None:
    model = nano(name).for_task(ImageClassification.of(["a", "b"]))
    strategies.apply(model, "partial")
    maps = model.eval().backbone(batch_of(model.backbone, pictures[:2]))["pyramid"]
    assert [values.requires_grad for values in maps] == [False, False, name == "vgg-16", True]


@each_card
def test_what_is_not_imagenets_is_not_published(name: str) -> None:
    backbone = nano(name)
    assert backbone.published_model() is None
    before = backbone.state_dict().keys()
    backbone.drop_published_head()
    assert backbone.state_dict().keys() == before
