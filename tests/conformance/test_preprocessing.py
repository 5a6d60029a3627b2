"""Preprocessing is that which the library publishes with its weights, one rule an adapter."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from tlzoo.adapters import build
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.core.image import ImageBackbone, Normalising
from tlzoo.core.model import Backbone, Model
from tlzoo.data.media.geometry import CROP


class Published(NamedTuple):
    """What a library says of a file of weights.

    Attributes:
        mean: Mean of each channel, for pixels in [0, 1].
        std: Deviation of each channel.
        size: Side of the crop, pixels; absent where pictures are not cropped, and so are the next three.
        resize: Pixels of the shorter side before that.
        interpolation: How pictures are resized.
        transform: The library's own preprocessing, from a picture to the network's input.
    """

    mean: Sequence[float]
    std: Sequence[float]
    size: int | None = None
    resize: int | None = None
    interpolation: str | None = None
    transform: Callable[[Image.Image], torch.Tensor] | None = None


AUTHORS: dict[str, dict[str, Any]] = {"tf_efficientnet_lite0": {"interpolation": "bilinear"}}
"""Where the authors of weights say otherwise than the library: tensorflow/tpu, in ``main.py`` of its
``models/official/efficientnet``: "lite or edgetpu use binlinear for easier post-quantization"."""


def of_timm(variant: Variant) -> Published:
    """Of the name with its tag, which the Hub's repository has."""
    places = [place for weights in variant.weights for file in weights.files for place in file.places]
    names = [match[1] for place in places if (match := re.match(r"hub:timm/([\w.]+)@", place))]
    name = names[0] if names else variant.model
    assert name.partition(".")[0] == variant.model
    config = timm.get_pretrained_cfg(name).to_dict() | AUTHORS.get(variant.model, {})
    own = resolve_data_config(pretrained_cfg=config)
    size = own["input_size"][-1]
    transform = create_transform(**own, is_training=False)
    return Published(own["mean"], own["std"], size, math.floor(size / own["crop_pct"]), own["interpolation"], transform)


def of_torchvision(variant: Variant) -> Published:
    kind, _, model = variant.model.rpartition(".")
    if kind == "detection":  # torchvision normalises inside of its detectors
        with torch.device("meta"):
            inside = getattr(torchvision.models.detection, model)(weights=None, weights_backbone=None).transform
        assert isinstance(inside, GeneralizedRCNNTransform)
        return Published(inside.image_mean, inside.image_std)
    known = torchvision.models.get_model_weights(model)
    files = [file.name for each in variant.weights for file in each.files]
    (weights,) = [w for w in known if w.url.rpartition("/")[2] in files]
    transform = weights.transforms()
    if kind:
        return Published(transform.mean, transform.std)
    (size,), (resize,) = transform.crop_size, transform.resize_size
    return Published(transform.mean, transform.std, size, resize, transform.interpolation.value, transform)


def of_smp(variant: Variant) -> Published:
    """Of the encoder, whose weights are torchvision's."""
    transform = torchvision.models.get_model_weights(variant.config["encoder_name"]).DEFAULT.transforms()
    return Published(transform.mean, transform.std)


LIBRARIES: dict[str, Callable[[Variant], Published]] = {
    "timm": of_timm,
    "torchvision": of_torchvision,
    "smp": of_smp,
}
CARDS = [
    pytest.param(card, variant, id=f"{card.id}-{variant.id}")
    for card in catalogue.cards()
    for variant in card.variants
    if variant.kind == "official" and variant.adapter in LIBRARIES
]


def built(card: Card, variant: Variant, monkeypatch: pytest.MonkeyPatch) -> Backbone | Model:
    """A network without parameters, but with what it normalises by."""
    set_both = Normalising.normalise_by

    def normalise_by(self: Normalising, mean: Sequence[float], std: Sequence[float]) -> None:
        with torch.device("cpu"):
            set_both(self, mean, std)

    monkeypatch.setattr(Normalising, "normalise_by", normalise_by)
    with torch.device("meta"):
        return build(variant, card.input_of(variant))


@pytest.mark.parametrize(("card", "variant"), CARDS)
def test_pixels_are_normalised_as_the_library_says(
    card: Card, variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = LIBRARIES[variant.adapter](variant)
    network = built(card, variant, monkeypatch)
    assert isinstance(network, Normalising)
    assert network.mean.flatten().tolist() == pytest.approx(list(expected.mean))
    assert network.std.flatten().tolist() == pytest.approx(list(expected.std))
    if variant == card.default:
        assert card.input.mean == pytest.approx(expected.mean) and card.input.std == pytest.approx(expected.std)


@pytest.mark.parametrize(("card", "variant"), CARDS)
def test_pictures_are_cropped_to_the_pixel_as_the_library_does(
    card: Card, variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = LIBRARIES[variant.adapter](variant)
    if expected.transform is None:
        pytest.skip("pictures are not cropped")
    network = built(card, variant, monkeypatch)
    assert isinstance(network, ImageBackbone)
    assert (network.spec.height, network.spec.width) == (expected.size, expected.size)
    assert network.crop.interpolation == expected.interpolation
    assert (network.crop.resize or round(network.spec.height / CROP)) == expected.resize
    for height, width in ((500, 375), (300, 451), (64, 48)):
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
        batch = {"image": network.encode(picture)["image"][None]}
        torch.testing.assert_close(network.pixels(batch)[0], expected.transform(picture))


def test_every_variant_that_names_a_crop_has_it() -> None:
    """Of others than these libraries nothing would check it."""
    named = [v for c in catalogue.cards() for v in c.variants if v.resize or v.interpolation or c.input.resize]
    assert named and all(v.adapter in LIBRARIES and v.kind == "official" for v in named)
