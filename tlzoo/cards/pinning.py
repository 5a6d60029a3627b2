"""Pins in the text of a card: the revision, hash and size of a file, written where the card names the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import yaml

from tlzoo.cards.reader import FENCE, parse


class Pin(Protocol):
    """What is known of a file at a place (`tlzoo.blobs.pins.Pin`)."""

    @property
    def place(self) -> str:
        """The place as the card names it."""

    @property
    def exact(self) -> str:
        """The same place at a full commit."""

    @property
    def sha256(self) -> str:
        """Hash of the file."""

    @property
    def bytes(self) -> int:
        """Its size."""


def pinned(text: str, pins: Sequence[Pin], path: Path) -> str:
    """Write pins into a card; everything else stays as it is.

    A file that has its hash already keeps it, and only its place gets the commit.

    Args:
        text: The card.
        pins: Pins by the places that the card names; others are ignored.
        path: Name of the card in errors.

    Returns:
        The text of the card.

    Raises:
        InputError: The text is not a card, before or after.
    """
    match = FENCE.match(text)
    parse(text, path)
    assert match
    known = {pin.place: pin for pin in pins}
    edits: list[tuple[int, int, str]] = []
    for file in _files(yaml.compose(match[1], yaml.SafeLoader)):
        fields = {key.value: value for key, value in file.value}
        pin = next((known[place.value] for place in fields["places"].value if place.value in known), None)
        if pin is None:
            continue
        lines = {name: match[1][v.start_mark.index : v.end_mark.index].rstrip() for name, v in fields.items()}
        lines["places"] = lines["places"].replace(pin.place, pin.exact)
        if "sha256" not in fields:
            facts = {"sha256": pin.sha256, "bytes": str(pin.bytes)}
            lines = {"name": lines.pop("name")} | facts | lines
        indent = "\n" + " " * file.start_mark.column
        gap = {"places": indent + "  "} if not fields["places"].flow_style else {}
        new = indent.join(f"{name}:{gap.get(name, ' ')}{value}" for name, value in lines.items())
        edits.append((file.start_mark.index, _end(match[1], file), new))
    front = match[1]
    for start, end, new in sorted(edits, reverse=True):
        front = front[:start] + new + front[end:]
    changed = text[: match.start(1)] + front + text[match.end(1) :]
    parse(changed, path)
    return changed


def _end(text: str, node: yaml.MappingNode) -> int:
    """Where a part ends, without the blanks after it, which belong to a block."""
    return len(text[: node.end_mark.index].rstrip())


def _files(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Every part of a card that names a file and its places."""
    if isinstance(node, yaml.MappingNode):
        if {"name", "places"} <= {key.value for key, _ in node.value}:
            yield node
        for _, value in node.value:
            yield from _files(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _files(value)
