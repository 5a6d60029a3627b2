"""Constants of preprocessing are those that the library publishes with its weights, one rule an adapter."""

from collections.abc import Callable, Sequence

import pytest
import timm
import torch
import torchvision
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from tlzoo.adapters import build
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.core.image import Normalising
from tlzoo.core.model import Backbone, Model

Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation of each channel, for pixels in [0, 1]."""


def of_timm(name: str, variant: Variant) -> Normalisation:
    config = timm.get_pretrained_cfg(name)
    return config.mean, config.std


def of_torchvision(name: str, variant: Variant) -> Normalisation:
    kind, _, model = name.rpartition(".")
    if kind == "detection":  # torchvision normalises inside of its detectors
        inside = getattr(torchvision.models.detection, model)(weights=None, weights_backbone=None).transform
        assert isinstance(inside, GeneralizedRCNNTransform)
        return inside.image_mean, inside.image_std
    transforms = torchvision.models.get_model_weights(model).DEFAULT.transforms()
    return transforms.mean, transforms.std


def of_smp(name: str, variant: Variant) -> Normalisation:
    """Of the encoder, whose weights are torchvision's."""
    return of_torchvision(variant.config["encoder_name"], variant)


LIBRARIES: dict[str, Callable[[str, Variant], Normalisation]] = {
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
    with torch.device("meta"):
        mean, std = LIBRARIES[variant.adapter](variant.model, variant)
    network = built(card, variant, monkeypatch)
    assert isinstance(network, Normalising)
    assert network.mean.flatten().tolist() == pytest.approx(list(mean))
    assert network.std.flatten().tolist() == pytest.approx(list(std))
    if variant == card.default:
        assert card.input.mean == pytest.approx(mean) and card.input.std == pytest.approx(std)
