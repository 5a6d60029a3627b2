"""Pictures of emoji as two vendors draw them, by their subgroup in Unicode (Unicode Technical Standard 51)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from tlzoo.data.dataset import Listing
from tlzoo.data.media.image import encode_png

SIDE = 64
"""Height and width of a picture, in pixels; on a sheet there is a border of one pixel around it."""
MIN_OF_CLASS, MAX_OF_CLASS = 20, 50
"""Emoji of a class: smaller classes are left out, and of larger ones the first are taken, in the order of Unicode."""

_PERSONS = ("1F468", "1F469", "1F9D1")
_VARIANTS = ("200D", "2640", "2642", "27A1", "FE0F")  # joined to the next, female, male, turned, shown as a picture


def emoji(facts: Path, google: Path, twitter: Path) -> Listing:
    """Pictures of the emoji of each subgroup, in their default skin tone, drawn by Google and by Twitter.

    An emoji is one group, whoever drew it, and so are man, woman and person who do the same.

    Args:
        facts: ``emoji.json``: the name, code points, subgroup and place on a sheet of each.
        google: Google's sheet of pictures of ``SIDE`` pixels.
        twitter: Twitter's.
    """
    entries = json.loads(facts.read_text(encoding="utf-8"))
    members: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        members[entry["subcategory"]].setdefault(without_variant(entry["unified"]))
    chosen = {name: list(codes)[:MAX_OF_CLASS] for name, codes in members.items() if len(codes) >= MIN_OF_CLASS}
    examples = Listing("image", [], [], [], groups=[])
    assert examples.groups is not None
    for vendor, path in (("google", google), ("twitter", twitter)):
        with Image.open(path) as file:
            sheet = file.convert("RGBA")
        for entry in entries:
            name, group = entry["short_name"], without_variant(entry["unified"])
            if entry[f"has_img_{vendor}"] and group in chosen.get(entry["subcategory"], ()):
                examples.inputs.append({"bytes": _picture(sheet, entry), "path": f"{vendor}-{name}.png"})
                examples.labels.append(entry["subcategory"])
                examples.names.append(f"{vendor} {name}")
                examples.groups.append(group)
    return examples


def without_variant(code_points: str) -> str:
    """An emoji without gender, direction and presentation: equal for those that differ in nothing else.

    Args:
        code_points: In hexadecimal digits, with ``-`` between them.
    """
    neutral = [
        _PERSONS[-1] if point in _PERSONS else point for point in code_points.split("-") if point not in _VARIANTS
    ]
    return "-".join(dict.fromkeys(neutral)) or code_points


def _picture(sheet: Image.Image, entry: Mapping[str, Any]) -> bytes:
    left, top = (entry[f"sheet_{axis}"] * (SIDE + 2) + 1 for axis in "xy")
    return encode_png(sheet.crop((left, top, left + SIDE, top + SIDE)))
