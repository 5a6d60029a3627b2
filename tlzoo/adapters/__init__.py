"""Adapters turn a card's variant into a live model: one module a library family, imported on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tlzoo.errors import InputError, UnavailableError
from tlzoo.vocabulary import ADAPTERS

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.model import Backbone, Model
    from tlzoo.core.task import Task


def is_built(variant: Variant) -> bool:
    """Whether the variant's adapter and model exist in this version."""
    if variant.adapter == "own":
        from tlzoo.adapters.builtin import exists

        return exists(variant)
    if variant.adapter == "transformers":
        from tlzoo.adapters.families import ENCODERS, FAMILIES

        return variant.model in FAMILIES or variant.model in ENCODERS
    return variant.adapter in ADAPTERS


def build(variant: Variant, given: Input, task: Task | None = None) -> Backbone | Model:
    """Build a variant with random parameters.

    Args:
        variant: The variant.
        given: Its input (``Card.input_of``): size and normalisation, where the library does not know them.
        task: The task that it is for; only some models depend on it, such as those that take prompts.

    Raises:
        UnavailableError: This version has no adapter for it yet.
        InputError: The variant cannot be built as its card says.
    """
    if not is_built(variant):
        raise UnavailableError(
            f"no adapter for {variant.adapter} {variant.model} in this version; adapters: {', '.join(sorted(ADAPTERS))}"
        )
    module = import_module(f"tlzoo.adapters.{ADAPTERS[variant.adapter]}")
    network: Backbone | Model = module.build(variant, given, task)
    if given.resize or given.interpolation:
        _crop_as(network, variant, given)
    return network


def _crop_as(network: Backbone | Model, variant: Variant, given: Input) -> None:
    """Let a network resize pictures as its card says.

    Raises:
        InputError: It does not crop pictures.
    """
    from tlzoo.core.image import ImageBackbone
    from tlzoo.data.media.geometry import Crop

    if not isinstance(network, ImageBackbone):
        raise InputError(f"variant {variant.id!r}: 'resize' and 'interpolation' are for backbones over pictures only")
    network.crop = Crop(given.resize, given.interpolation or "bilinear")
