"""Pictures for image backbones."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from tlzoo.adapters.imagenet import ImageNetBackbone
from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.errors import UnavailableError
from tlzoo.transfer.assemble import assemble


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Sixteen blurred mosaics, none like another."""
    rng = np.random.default_rng(0)
    mosaics = rng.integers(0, 256, (16, 4, 4, 3)).astype(np.uint8)
    return [Image.fromarray(m).resize((80, 70), Image.Resampling.BILINEAR) for m in mosaics]


@pytest.fixture(scope="session")
def labels() -> Callable[[ImageNetBackbone], list[str]]:
    """The top class of a photograph of an espresso, and of one of a cat."""
    data = pytest.importorskip("skimage.data")
    rows = [{"image": Image.fromarray(photograph)} for photograph in (data.coffee(), data.chelsea())]

    def top(backbone: ImageNetBackbone) -> list[str]:
        model = backbone.eval().published_model()
        assert model is not None
        predictions = model.predict(model.preprocess(rows))
        for prediction in predictions:
            assert len(prediction.scores) == 5
            assert prediction.score == max(prediction.scores.values()) == prediction.scores[prediction.label]
        return [prediction.label for prediction in predictions]

    return top


@pytest.fixture(scope="session")
def official() -> Callable[[str, str], ImageNetBackbone]:
    """A card's variant with its published weights; skips, with the reason, where they are not available."""

    def load(card: str, variant: str) -> ImageNetBackbone:
        try:
            backbone = assemble(resolve(catalogue.get(card), "official", variant))
        except UnavailableError as error:
            pytest.skip(str(error))
        assert isinstance(backbone, ImageNetBackbone)
        torch.manual_seed(0)
        return backbone

    return load
