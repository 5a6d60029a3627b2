"""Models of the library transformers: the class that builds what a card names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tlzoo.adapters.decoding import CausalDecoder
from tlzoo.adapters.families import ENCODERS
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.core.model import Backbone
from tlzoo.core.task import HeadTask

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.model import Model
    from tlzoo.core.task import Task


def build(variant: Variant, given: Input, task: Task | None = None) -> Backbone | Model:
    """Build a variant with random parameters, float32.

    Args:
        variant: ``model`` is a class of transformers, ``config`` the arguments of its configuration.
        given: Its input, with the maximum number of tokens.
        task: The task that it is for.

    Raises:
        InputError: The architecture is not one of ``tlzoo.adapters.families``.
    """
    if variant.model in ENCODERS:
        module, _, name = ENCODERS[variant.model].partition(":")
        network: Backbone = getattr(import_module(module), name)(variant, given)
        return network
    if task is None or isinstance(task, HeadTask) or not variant.model.endswith("ForCausalLM"):
        return TextEncoder(variant, given)
    return CausalDecoder(TextEncoder(variant, given, causal=True), task)
