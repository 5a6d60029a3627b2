"""Architectures of the zoo's own: ``model`` is ``module:Class`` of ``tlzoo.architectures``."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlzoo.adapters.base import Backbone, Model
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.tasks.base import Task


def exists(variant: Variant) -> bool:
    """Whether the architecture's module is there, without importing it."""
    return find_spec(f"tlzoo.architectures.{variant.model.partition(':')[0]}") is not None


def build(variant: Variant, given: Input, task: Task | None = None) -> Backbone | Model:
    """Build a variant from its module, class and configuration."""
    module, _, name = variant.model.partition(":")
    network: Backbone | Model = getattr(import_module(f"tlzoo.architectures.{module}"), name)(**variant.config)
    return network
