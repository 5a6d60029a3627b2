"""Readers of the layouts that people have their data in: folders, tables, annotations, the Hub."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def named(dotted: str) -> Any:
    """A reader by its name, ``module:function`` of this package."""
    module, _, function = dotted.partition(":")
    return getattr(import_module(f"tlzoo.data.files.{module}"), function)
