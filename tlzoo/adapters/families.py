"""What the zoo knows of an architecture of transformers besides its class; plain data, so that planning is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wordpiece", "unigram", "bytes"]


@dataclass(frozen=True)
class Family:
    """An architecture.

    Attributes:
        kind: How its tokenizer cuts text: lower-cased WordPiece, cased unigram, or byte-level BPE.
        objective: Class of :mod:`tlzoo.adapters.pretraining` that its paper pretrains it by.
        left: Whether padding goes to the left, since the special tokens stand at the end.
    """

    kind: Kind
    objective: str
    left: bool = False


ENCODERS: dict[str, str] = {
    "Wav2Vec2Model": "tlzoo.adapters.wav2vec2:SpeechEncoder",
    "VideoMAEModel": "tlzoo.adapters.video:VideoEncoder",
    "VivitModel": "tlzoo.adapters.video:VideoEncoder",
}
"""What builds the models of transformers that take no text: ``module:Class`` by the class that a card names; the class
takes a variant and its input."""
FAMILIES: dict[str, Family] = {
    "BertModel": Family("wordpiece", "Masked"),
    "ElectraModel": Family("wordpiece", "Replaced"),
    "ErnieModel": Family("wordpiece", "MaskedPhrases"),
    "XLNetModel": Family("unigram", "Permuted", left=True),
    "RobertaForCausalLM": Family("bytes", "Causal"),
}
"""By the class that a card's variant names."""
