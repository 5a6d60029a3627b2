"""Front matter: the YAML at the head of a README.md that the Hub reads."""

from __future__ import annotations

from collections.abc import Mapping

import yaml


def dump(value: object) -> str:
    """YAML as a person writes it: keys in their order, lines of at most 120 characters, no aliases."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def document(front: Mapping[str, object], body: str) -> bytes:
    """A README.md: front matter, then Markdown."""
    return f"---\n{dump(dict(front))}---\n{body.strip()}\n".encode()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True
