"""Content keys: they identify runs, data sets and variants independently of the names of files and modules."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def key(*parts: object) -> str:
    """SHA-256, in hexadecimal digits, of values that JSON takes; the order of a mapping's names does not matter."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def changed(settings: DataclassInstance) -> dict[str, object]:
    """Fields of a dataclass that differ from their defaults, and those that have none.

    A new field whose default has no effect does not change any key.
    """
    values = dataclasses.asdict(settings)
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    return {name: value for name, value in values.items() if value != defaults[name]}
