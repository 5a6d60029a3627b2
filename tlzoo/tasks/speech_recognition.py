"""Speech recognition: what is said, in symbols that are aligned by no one (CTC, Graves 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Audio, Features, List
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.adapters.base import Batch, Example, Row, Spec, Tokens
from tlzoo.data import transcripts
from tlzoo.errors import InputError, UnavailableError
from tlzoo.tasks.base import HeadTask

COARSEST = 0.05
"""Seconds from one token to the next, at most: people say up to some twenty letters a second."""


class SpeechRecognition(HeadTask):
    """The words of a sound.

    A row has ``text`` and ``symbols``. A prediction is ``{"text", "words"}``, each word with ``start`` and ``end`` in s.
    """

    name = "speech-recognition"
    output = "tokens"
    ragged = frozenset({"target"})
    hop_seconds = 0.02

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        if "text" not in features or not isinstance(features.get("symbols"), List):
            raise InputError(f"{self.name} needs columns 'text' and 'symbols'; columns: {', '.join(features)}")
        self._symbols = transcripts.symbols_of(features)

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """A sound and its transcript in these symbols."""
        return Features({"audio": Audio(decode=False), **transcripts.text_features(labels)})

    @property
    def labels(self) -> tuple[str, ...]:
        """The symbols, CTC's blank first."""
        return self._symbols

    def head(self, spec: Spec) -> nn.Module:
        """Standardise, then one linear layer to the symbols.

        Raises:
            UnavailableError: The backbone's tokens are too far apart for letters.
        """
        assert spec.hop_seconds, "an audio backbone says when its tokens are"
        if spec.hop_seconds > COARSEST:
            raise UnavailableError(
                f"its tokens are {spec.hop_seconds:g} s apart; letters need one every {COARSEST:g} s or more often"
            )
        return SymbolHead(spec, len(self._symbols))

    def has_target(self, row: Row) -> bool:
        """Whether the transcript is known."""
        return "symbols" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """Numbers of the symbols, ``(symbols,)``."""
        return torch.tensor(row["symbols"])

    def loss(self, output: Symbols, batch: Batch) -> Tensor:
        """CTC, the mean over sounds of a symbol's share; a sound with too few tokens for its text teaches nothing."""
        padded = nn.utils.rnn.pad_sequence(list(output.logits.values.split(output.logits.lengths.tolist())))
        return F.ctc_loss(
            padded.log_softmax(-1),
            batch["target"],
            output.logits.lengths.cpu(),
            batch["target_lengths"].cpu(),
            zero_infinity=True,
        )

    def decode(self, output: Symbols, batch: Batch) -> list[Any]:
        """The best path: greedy."""
        return transcripts.greedy(output.logits, self._symbols, output.spec)

    def statistics(self, prediction: Any, row: Row) -> dict[str, list[float]]:
        """Errors, and what there is to get right, in words and in characters, by jiwer."""
        import jiwer

        true, said = row["text"], transcripts.tidy(prediction["text"])
        words, letters = jiwer.process_words(true, said), jiwer.process_characters(true, said)
        return {name: _errors(found) for name, found in (("wer", words), ("cer", letters))}


def _errors(found: Any) -> list[float]:
    wrong = found.substitutions + found.deletions + found.insertions
    return [float(wrong), float(found.hits + found.substitutions + found.deletions)]


class Symbols:
    """What a head says of each token.

    Attributes:
        logits: Of the symbols.
        spec: Says when the tokens are.
    """

    def __init__(self, logits: Tokens, spec: Spec) -> None:  # noqa: D107
        self.logits, self.spec = logits, spec


class SymbolHead(nn.Module):
    """Symbols from tokens."""

    def __init__(self, spec: Spec, symbols: int) -> None:
        """Make a head for a number of symbols."""
        super().__init__()
        self.spec = spec
        dim = spec.outputs["tokens"]
        self.layers = nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Linear(dim, symbols))

    def forward(self, tokens: Tokens) -> Symbols:
        """Symbols of every token."""
        return Symbols(Tokens(self.layers(tokens.values), tokens.lengths), self.spec)
