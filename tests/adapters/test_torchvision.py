"""MobileNetV2 of torchvision."""

from pathlib import Path

import pytest
import torch
import torchvision
from torchvision.models import MobileNet_V2_Weights
from torchvision.models.feature_extraction import create_feature_extractor

from tests.support.published import official, or_skip
from tlzoo.adapters import build
from tlzoo.adapters.torchvision import TorchvisionBackbone
from tlzoo.blobs import fetch
from tlzoo.cards.schema import Input, Variant
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.photographs import PHOTOGRAPHS, SOURCE_PHOTOGRAPHS
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")
GIVEN = Input(kind="image", description="RGB", height=64, width=64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))


def make(**config: object) -> TorchvisionBackbone:
    variant = Variant(
        id="x", kind="nano", description="x", adapter="torchvision", model="mobilenet_v2", config=dict(config)
    )
    torch.manual_seed(0)
    backbone = build(variant, GIVEN)
    assert isinstance(backbone, TorchvisionBackbone)
    return backbone.eval()


def test_one_pass_gives_vector_and_maps() -> None:
    backbone = make(width_mult=0.25, num_classes=5)
    nodes = {"features.3.add": "4", "features.6.add": "8", "features.13.add": "16", "features.17.conv": "32"}
    reference = create_feature_extractor(backbone.network, nodes | {"flatten": "pooled"}).eval()
    batch = {"image": torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)}
    with torch.inference_mode():
        outputs, expected = backbone(batch), reference(backbone.pixels(batch))
        torch.testing.assert_close(backbone.logits(batch), backbone.network(backbone.pixels(batch)))
    torch.testing.assert_close(outputs["pooled"], expected["pooled"])
    for values, stride in zip(outputs["pyramid"], ("4", "8", "16", "32"), strict=True):
        torch.testing.assert_close(values, expected[stride])
        assert values.shape[2:] == (64 // int(stride), 96 // int(stride))
    assert [c for c, _ in backbone.spec.pyramid] == [values.shape[1] for values in outputs["pyramid"]]


def test_the_cards_normalisation_is_used() -> None:
    image = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    pixels = make(width_mult=0.25).pixels({"image": image})
    assert pixels[0, :, 0, 0].tolist() == pytest.approx([0.9 / 0.4, 0.8 / 0.5, 0.7 / 0.6])


def test_without_classes_there_is_no_classifier() -> None:
    with torch.device("meta"):
        bare, ten = make(width_mult=0.25, num_classes=0), make(width_mult=0.25, num_classes=10)
    assert bare.classifier is None
    assert ten.classifier is not None
    assert sum(p.numel() for p in ten.parameters()) - sum(p.numel() for p in bare.parameters()) == 10 * 1281


def test_files_of_another_width(tmp_path: Path) -> None:
    path = tmp_path / "mobilenet.pth"
    torch.save(torchvision.models.mobilenet_v2(width_mult=0.5).state_dict(), path)
    with pytest.raises(InputError, match=r"mobilenet\.pth: not the weights of MobileNetV2.*another shape"):
        make(width_mult=0.25).load_official({path.name: path})


def test_photographs_have_torchvisions_logits_and_class() -> None:
    """Resized, cropped and normalised by torchvision's own transform, and run by its own network."""
    backbone, published = official("mobilenet", "v2"), MobileNet_V2_Weights.IMAGENET1K_V1
    with or_skip():
        blobs = [blob for split in (*PHOTOGRAPHS.values(), *SOURCE_PHOTOGRAPHS.values()) for blob in split]
        pictures = [decode({"bytes": None, "path": str(fetch(blob, progress=False))}) for blob in blobs]
    assert len(pictures) >= 10
    assert len({picture.width / picture.height for picture in pictures}) >= 4
    library = torchvision.models.mobilenet_v2().eval()
    library.load_state_dict(backbone.network.state_dict())
    with torch.inference_mode():
        expected = library(torch.stack([published.transforms()(picture) for picture in pictures]))
        images = torch.stack([backbone.encode(picture)["image"] for picture in pictures])
        found = backbone.logits({"image": images})
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert found.argmax(-1).tolist() == expected.argmax(-1).tolist()
