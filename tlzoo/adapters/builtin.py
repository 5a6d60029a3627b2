"""Architectures of the zoo's own: ``model`` is ``module:Class`` of ``tlzoo.architectures``."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from tlzoo.errors import unknown

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.model import Backbone, Model
    from tlzoo.core.task import Task


def exists(variant: Variant) -> bool:
    """Whether the architecture's module is there, without importing it."""
    module = variant.model.partition(":")[0]
    return module.isidentifier() and find_spec(f"tlzoo.architectures.{module}") is not None


def build(variant: Variant, given: Input, task: Task | None = None) -> Backbone | Model:
    """Build a variant from its module, class and configuration.

    Raises:
        InputError: The module does not define the network; imported names do not count.
    """
    from torch import nn

    module, _, name = variant.model.partition(":")
    home = import_module(f"tlzoo.architectures.{module}")
    networks = {
        kind.__name__: kind
        for kind in vars(home).values()
        if isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == home.__name__
    }
    if name not in networks:
        raise unknown(f"network of {module}", name, networks, f"variant {variant.id!r}")
    return cast("Backbone | Model", networks[name](**variant.config))
