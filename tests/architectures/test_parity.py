"""Every fixture of an original says what it is, and is compared with what is computed here."""

import json
from pathlib import Path

import pytest

from tests.architectures.parity.fixtures import FOLDER
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue

FIXTURES = sorted(FOLDER.glob("*.json"))
WORDS = {"card", "variant", "original", "how", "inputs"}
NUMBERS = {"seed", "tolerance", "largest_difference", "outputs"}
MOST = 1000
"""Numbers of a fixture."""


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_fixture_says_how_it_was_made(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.keys() >= WORDS | NUMBERS
    assert all(content[key] for key in WORDS)
    assert content["card"] == path.stem
    assert variant_of(catalogue.get(content["card"]), content["variant"]).kind == "official"
    assert content["largest_difference"] < content["tolerance"] <= 1e-4
    assert 0 < len(content["outputs"]) <= MOST


def test_each_fixture_is_compared() -> None:
    modules = Path(__file__).parent.glob("test_parity_*.py")
    text = "".join(module.read_text(encoding="utf-8") for module in modules)
    assert [path.stem for path in FIXTURES if f'"{path.stem}"' not in text] == []
