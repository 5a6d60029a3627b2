"""ProjectionNet: it learns ten pairs, ranks whatever it is given, and says what it cannot do."""

from typing import Any

import numpy as np
import pytest
import torch

from tlzoo.architectures.projection_net import ProjectionNet
from tlzoo.errors import InputError
from tlzoo.tasks.language_modeling import Cloze
from tlzoo.transfer.strategies import apply


@pytest.fixture
def net() -> ProjectionNet:
    torch.manual_seed(0)
    return ProjectionNet().eval()


def test_an_untrained_one_ranks_by_likeness(net: ProjectionNet) -> None:
    row = {"text": "the red house on the hill", "candidates": ["my cat sleeps", "the red house over there", "no"]}
    (prediction,) = net.predict(net.preprocess([row]))
    assert prediction.text == "the red house over there"


def test_a_reply_that_is_right_twice_is_no_wrong_answer(net: ProjectionNet) -> None:
    same = [{"text": m, "candidates": ["Yes"], "target": 0} for m in ("Are you here?", "Do you hear me now?")]
    assert net.loss(net.preprocess(same)).item() == 0


def test_strategies_find_their_layers(net: ProjectionNet) -> None:
    sizes: dict[str, Any] = {}
    for strategy in ("probe", "full", "lora"):
        apply(model := ProjectionNet(), strategy)  # type: ignore[arg-type]
        sizes[strategy] = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert 0 < sizes["probe"] < sizes["lora"] < sizes["full"]


def test_random_unicode_never_breaks_it(net: ProjectionNet) -> None:
    rng = np.random.default_rng(0)
    points = [int(p) for p in rng.integers(1, 0x110000, 2000) if not 0xD800 <= p < 0xE000]
    texts = ["".join(chr(p) for p in points[i : i + 20]) for i in range(0, len(points) - 20, 20)]
    texts += ["", "\0", "👩‍👩‍👧", "e\u0301\u0301", "שלום עולם", "a" * 100_000]
    for prediction in net.predict(net.preprocess([{"text": text, "candidates": texts[:5]} for text in texts])):
        assert np.isfinite(prediction.candidate_scores).all()


def test_what_it_cannot_do_is_said(net: ProjectionNet) -> None:
    with pytest.raises(InputError, match="ranks given replies and does not write any"):
        net.encode({"text": "Hi"})
    with pytest.raises(InputError, match="half of a surrogate pair"):
        net.encode({"text": "Hi\ud83d", "candidates": ["Yes"]})
    with pytest.raises(InputError, match="cannot be trained on language-modeling"):
        net.for_task(Cloze.of([]))
