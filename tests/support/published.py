"""What needs published files; a test is skipped, with the reason, where they are not available."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from tlzoo.adapters.weights import resolve
from tlzoo.blobs import Blob, fetch
from tlzoo.cards import catalogue
from tlzoo.errors import UnavailableError
from tlzoo.transfer.assemble import assemble

PHOTOGRAPHS = {
    "astronaut": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "camera": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
}
"""Of scikit-image: Eileen Collins, sitting (NASA, public domain); a man who stands behind a camera; a cat."""


@contextmanager
def or_skip() -> Iterator[None]:
    """Also a decorator."""
    try:
        yield
    except UnavailableError as error:
        pytest.skip(str(error))


@or_skip()
def official(card: str, variant: str) -> Any:
    """A card's variant with its published weights."""
    return assemble(resolve(catalogue.get(card), "official", variant)).eval()


@or_skip()
def photograph(name: str) -> Image.Image:
    """One of `PHOTOGRAPHS`."""
    place = f"pypi:scikit-image==0.25.2/skimage/data/{name}.png"
    return Image.open(fetch(Blob(f"{name}.png", (place,), PHOTOGRAPHS[name]), progress=False)).convert("RGB")
