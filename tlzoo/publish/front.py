"""Front matter: the YAML at the head of a README.md that the Hub reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def dump(value: Any) -> str:
    """YAML as a person writes it: keys in their order, lines of at most 120 characters, no aliases."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def document(front: Mapping[str, Any], body: str) -> bytes:
    """A README.md: front matter, then Markdown."""
    return f"---\n{dump(dict(front))}---\n{body.strip()}\n".encode()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
