"""The page of predictions says what the types give."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlzoo.core.predictions import Prediction

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predictions.md"
OPEN = {"ClassScores": "scores", "Reply": "usage"}
"""Fields whose keys are data and not names: of classes, of tokens that an endpoint counts."""


def keys(value: Any, above: str = "") -> Iterator[str]:
    """The names in a JSON line, as the page writes them."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield above + name
            yield from keys(part, f"{above}{name}.")
    elif isinstance(value, list):
        for part in value:
            yield from keys(part, above.removesuffix(".") + "[].")


def test_the_examples_have_documented_fields_only() -> None:
    sections = re.findall(
        r"^## (\w+)\n(.*?)```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert {name for name, *_ in sections} == {kind.__name__ for kind in Prediction.__subclasses__()}
    for name, text, line in sections:
        assert "\nTasks: " in text and "Tasks: ." not in text, name
        documented = set(re.findall(r"^\| `([^`]+)` \|", text.split("In Python only")[0], re.MULTILINE))
        given = {key for key in keys(json.loads(line)) if not key.startswith(f"{OPEN.get(name)}.")}
        assert given and given <= documented, (name, given - documented)
