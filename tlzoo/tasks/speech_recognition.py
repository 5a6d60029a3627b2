"""Speech recognition: transcripts by connectionist temporal classification (CTC) on a backbone's tokens.

Source: Graves 2006, "Connectionist temporal classification" (loss, section 4; greedy decoding, section 3.1). Decoding
is greedy: torchaudio's beam search needs flashlight-text, and a language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from datasets import ClassLabel, Features, List
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tlzoo.core.batch import Batch, Example, Row, Spec, Tokens
from tlzoo.core.predictions import Transcript
from tlzoo.core.task import HeadTask
from tlzoo.data.media.spelling import read_back
from tlzoo.data.schemas import speech_features
from tlzoo.errors import InputError

BLANK = 0
"""Place of CTC's blank; the characters follow it."""


class SpeechRecognition(HeadTask):
    """The transcript of a sound.

    A row has ``text`` and ``letters``, the same as places of the data's characters (``tlzoo.data.files.transcripts``).
    """

    name = "speech-recognition"
    output = "tokens"
    ragged = frozenset({"target"})
    hop_seconds = 0.02

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        self.need_strings("text")
        letters = features.get("letters")
        if not isinstance(letters, List) or not isinstance(letters.feature, ClassLabel):
            raise InputError(f"{self.name} needs a column 'letters', a list of classes; columns: {', '.join(features)}")
        self._characters = tuple(letters.feature.names)

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """A sound and its transcript in these characters."""
        return speech_features(labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """The characters."""
        return self._characters

    def head(self, spec: Spec) -> nn.Module:
        """Standardise, then one linear layer to the blank and the characters.

        Raises:
            InputError: Tokens are too far apart to spell with.
        """
        max_hop = self.facts.longest_hop
        if max_hop and spec.hop_seconds and spec.hop_seconds > max_hop:
            raise InputError(
                f"a vector every {spec.hop_seconds:g} s cannot spell speech; {self.name} needs one every {max_hop:g} s "
                "or more often"
            )
        return CTCHead(spec, 1 + len(self.labels))

    def has_target(self, row: Row) -> bool:
        """Whether the row has a transcript."""
        return "letters" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """The transcript, int64 of shape ``(characters,)``, each from 1."""
        return torch.tensor(row["letters"]) + 1

    def loss(self, output: Symbols, batch: Batch) -> Tensor:
        """CTC's loss a character of the transcript, mean over sounds.

        A sound with fewer tokens than its transcript needs has no alignment, and adds nothing to the loss.

        Raises:
            InputError: Most sounds of the batch have too few tokens.
        """
        targets, lengths = batch["target"], batch["target_lengths"]
        fits = _needed(targets, lengths) <= output.lengths
        if 2 * int(fits.sum()) < len(fits):
            raise InputError(
                f"{len(fits) - int(fits.sum())} of {len(fits)} sounds are too short for their transcripts: CTC needs a "
                f"vector for each letter, and there is one every {output.hop:g} s; shorten the transcripts, or check "
                "that they are those of the sounds"
            )
        scores = pad_sequence(list(torch.split(output.logits.float().log_softmax(-1), output.lengths.tolist())))
        losses = F.ctc_loss(scores, targets, output.lengths, lengths, BLANK, reduction="none", zero_infinity=True)
        loss: Tensor = (losses / lengths).sum() / fits.sum()
        return loss

    def decode(self, output: Symbols, batch: Batch) -> list[Transcript]:
        """The best character of each moment, repeats and blanks taken out."""
        best = torch.split(output.logits.argmax(-1), output.lengths.tolist())
        symbols = ("", *self.labels)
        timing = output.start, output.hop
        return [Transcript.of(read_back(places.tolist(), symbols, BLANK, *timing)) for places in best]

    def statistics(self, prediction: Transcript, row: Row) -> dict[str, list[float]]:
        """Word and character errors (substitutions, deletions, insertions) and the transcript's length, by jiwer."""
        from jiwer import process_characters, process_words

        words, characters = (compare(row["text"], prediction.text) for compare in (process_words, process_characters))
        return {
            name: [float(o.substitutions + o.deletions + o.insertions), float(o.hits + o.substitutions + o.deletions)]
            for name, o in (("wer", words), ("cer", characters))
        }

    def is_right(self, prediction: Transcript, row: Row, statistic: Sequence[float]) -> bool:
        """Whether every word is right."""
        return statistic[0] == 0


@dataclass
class Symbols:
    """The output of a head for each token.

    Attributes:
        logits: Of the blank and the characters, ``(sum of lengths, 1 + characters)``.
        lengths: Tokens of each sound, ``(batch,)``.
        start: When the first token is, s.
        hop: From one token to the next, s.
    """

    logits: Tensor
    lengths: Tensor
    start: float
    hop: float


class CTCHead(nn.Module):
    """The blank and the characters from tokens."""

    def __init__(self, spec: Spec, classes: int) -> None:
        """Make a head for a backbone's tokens."""
        super().__init__()
        assert spec.hop_seconds, "an audio backbone says when its tokens are"
        dim = spec.outputs["tokens"]
        self.start, self.hop = spec.start_seconds, spec.hop_seconds
        self.layers = nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Linear(dim, classes))

    def forward(self, tokens: Tokens) -> Symbols:
        """Symbols of every token."""
        return Symbols(self.layers(tokens.values), tokens.lengths, self.start, self.hop)


def _needed(targets: Tensor, lengths: Tensor) -> Tensor:
    """Minimum number of tokens of each transcript: one a letter, and a blank between two equal letters."""
    parts = torch.split(targets, lengths.tolist())
    return torch.stack([len(part) + (part[1:] == part[:-1]).sum() for part in parts])
