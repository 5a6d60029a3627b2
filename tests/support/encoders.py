"""Text encoders with random parameters."""

import torch

from tests.support.published import or_skip
from tlzoo.adapters import build
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue

CARDS = ("bert", "electra", "ernie", "xlnet", "roberta")


def encoder(card_id: str, variant: str = "nano", max_tokens: int | None = None) -> TextEncoder:
    """A text encoder with random parameters, and its tokenizer."""
    card = catalogue.get(card_id)
    chosen = variant_of(card, variant)
    torch.manual_seed(0)
    with torch.device("cpu" if variant == "nano" else "meta"):
        made = build(chosen, card.input_of(chosen))
    assert isinstance(made, TextEncoder)
    made.max_tokens = max_tokens or made.max_tokens
    with or_skip():
        assert made.tokenizer
    return made.eval()
