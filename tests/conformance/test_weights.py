"""No card promises a file that nothing reads, and a card without files says why.

A file of the listed name is written in the format that the card names, but with the content of nothing: what reads it
has to come so far as to say that in one line, which names it. Networks are built without memory.
"""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tlzoo.adapters import build
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant, Weights
from tlzoo.core.model import OfficialWeights
from tlzoo.errors import InputError, UnavailableError

pytestmark = pytest.mark.usefixtures("one_thread")


def of_torch(path: Path) -> None:
    torch.save({"nothing": torch.zeros(1)}, path)


def of_safetensors(path: Path) -> None:
    save_file({"nothing": torch.zeros(1)}, path)


def of_arrays(path: Path) -> None:
    path.write_bytes(pickle.dumps({"model": {"nothing": np.zeros(1)}}))


def of_words(path: Path) -> None:
    path.write_text(json.dumps({}), encoding="utf-8")


def damaged(path: Path) -> None:
    path.write_bytes(b"nothing")


WRITERS: dict[str, Callable[[Path], None]] = {
    ".bin": of_torch,
    ".json": of_words,
    ".pkl": of_arrays,
    ".pt": of_torch,
    ".pth": of_torch,
    ".safetensors": of_safetensors,
}
"""By ending; a file with another one is damaged."""


LISTED = [
    (card, variant, weights)
    for card in catalogue.cards()
    for variant in card.variants
    for weights in variant.weights
    if weights.tier == "official"
]


@pytest.mark.parametrize(
    ("card", "variant", "weights"), LISTED, ids=lambda each: each.format if isinstance(each, Weights) else each.id
)
def test_each_listed_file_has_a_reader(card: Card, variant: Variant, weights: Weights, tmp_path: Path) -> None:
    if variant.is_api_model:
        pytest.skip("another program serves its file")
    try:
        with torch.device("meta"):
            network = build(variant, card.input_of(variant))
    except UnavailableError as error:
        pytest.skip(str(error))
    assert isinstance(network, OfficialWeights)
    files = {file.name: tmp_path / file.name for file in weights.files}
    for name, path in files.items():
        WRITERS.get(Path(name).suffix, damaged)(path)
    with pytest.raises(InputError) as error:
        network.load_official(files)
    message = str(error.value)
    assert any(str(path) in message for path in files.values()), message
    assert "\n" not in message


TFJS = {".json", ".bin"}
"""Endings of the files of TensorFlow.js."""


def test_a_format_is_the_ending_of_a_file() -> None:
    for _, variant, weights in LISTED:
        names = [file.name for file in weights.files]
        is_tfjs = weights.format == "tfjs" and {Path(name).suffix for name in names} == TFJS
        assert is_tfjs or any(name.endswith(f".{weights.format}") for name in names), variant.id


@pytest.mark.parametrize("card", catalogue.cards(), ids=lambda card: card.id)
def test_an_official_variant_without_files_says_why(card: Card) -> None:
    for variant in card.variants:
        is_bare = variant.kind == "official" and not variant.is_api_model and not variant.weights
        assert bool(variant.without_weights) == is_bare, variant.id
