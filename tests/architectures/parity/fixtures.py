"""What original implementations computed: a small JSON file a card, beside this module."""

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent


def fixture(card: str) -> dict[str, Any]:
    """The fixture of a card, see ``README.md``."""
    content: dict[str, Any] = json.loads((FOLDER / f"{card}.json").read_text(encoding="utf-8"))
    return content


def difference(card: str, *computed: np.ndarray) -> float:
    """The largest difference from the original's numbers, as a share of the largest of them in each part.

    Args:
        card: Its id.
        computed: The same numbers, computed here, in the parts and the order of the fixture.
    """
    original = np.array(fixture(card)["outputs"], dtype=np.float64)
    flat = [np.asarray(part, dtype=np.float64).ravel() for part in computed]
    assert sum(map(len, flat)) == len(original)
    parts = np.split(original, np.cumsum([len(part) for part in flat])[:-1])
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(flat, parts, strict=True))
