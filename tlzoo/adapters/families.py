"""Facts about architectures of transformers besides their class; plain data, so that planning is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["wordpiece", "unigram", "bytes"]


@dataclass(frozen=True)
class Family:
    """An architecture.

    Attributes:
        kind: Its tokenizer: lower-cased WordPiece, cased unigram, or byte-level BPE.
        objective: The pretraining objective of its paper, a class of :mod:`tlzoo.adapters.pretraining`.
        left: Whether padding goes to the left, since the special tokens are at the end.
    """

    kind: Kind
    objective: str
    left: bool = False


NANO_PIECES = 4096
"""Size of the vocabulary of nano variants."""


def nano_tokenizer(kind: Kind) -> str:
    """Name of the file of the tokenizer of nano variants that ships with the cards."""
    return f"{kind}-{NANO_PIECES}.json"


ENCODERS: dict[str, str] = {
    "Wav2Vec2Model": "tlzoo.adapters.wav2vec2:SpeechEncoder",
    "VideoMAEModel": "tlzoo.adapters.video:VideoEncoder",
    "VivitModel": "tlzoo.adapters.video:VideoEncoder",
}
"""Classes that build the models of transformers for other inputs than text, ``module:Class``, by the class that a card
names; each takes a variant and its input."""
FAMILIES: dict[str, Family] = {
    "BertModel": Family("wordpiece", "Masked"),
    "ElectraModel": Family("wordpiece", "Replaced"),
    "ErnieModel": Family("wordpiece", "MaskedPhrases"),
    "XLNetModel": Family("unigram", "Permuted", left=True),
    "RobertaForCausalLM": Family("bytes", "Causal"),
    "RobertaModel": Family("bytes", "Masked"),
    "XLMRobertaModel": Family("unigram", "Masked"),
    "CamembertModel": Family("unigram", "Masked"),
    "DistilBertModel": Family("wordpiece", "Masked"),
    "MPNetModel": Family("wordpiece", "Masked"),
    "AlbertModel": Family("unigram", "Masked"),
    "DebertaV2Model": Family("unigram", "Masked"),
    "ModernBertModel": Family("bytes", "Masked"),
}
"""By the class that a card's variant names."""
