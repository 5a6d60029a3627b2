"""Pitch extraction: the fundamental frequency of a single voice, and where there is one.

Heads are CREPE's last layer, on the tokens of any audio backbone (Kim 2018, 1802.06182, section 2.2).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datasets import Features
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.crepe import BINS, bin_cents, frequency, to_cents
from tlzoo.core.batch import Batch, Example, Row, Spec, Tokens
from tlzoo.core.predictions import PitchTrack
from tlzoo.core.task import HeadTask
from tlzoo.data.schemas import HOP, pitch_features
from tlzoo.errors import InputError

BLUR = 25.0
"""Standard deviation of a target about the true pitch, cents (1802.06182, section 2.2)."""
VOICED = 0.5
"""Confidence from which on a frame counts as voiced: the middle of its range."""
TOLERANCE = 50.0
"""Maximum error of a right pitch, cents."""


class PitchExtraction(HeadTask):
    """The pitch of each moment of a sound.

    A row has ``f0``: ``time`` in s and ``hz``, 0 where there is no pitch.
    """

    name = "pitch-extraction"
    output = "tokens"
    ragged = frozenset({"target"})
    hop_seconds = 0.025  # CREPE's own 10 ms cost two and a half times as much, in training too

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        track = features.get("f0")
        if not isinstance(track, dict) or not {"time", "hz"} <= set(track):
            raise InputError(f"{self.name} needs a column 'f0' with 'time' and 'hz'; columns: {', '.join(features)}")

    @classmethod
    def features_of(cls, labels: Sequence[str] = ()) -> Features:
        """A sound and its pitch track; there are no classes."""
        return pitch_features()

    def head(self, spec: Spec) -> nn.Module:
        """Standardise, then one linear layer to 360 pitch bins."""
        return PitchHead(spec)

    def has_target(self, row: Row) -> bool:
        """Whether the pitch is known."""
        return "f0" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """f0 in Hz every 10 ms, ``(times,)``, 0 where there is no pitch."""
        time, hz = (np.asarray(row["f0"][name], np.float64) for name in ("time", "hz"))
        wanted = np.arange(0, time[-1] + HOP / 2, HOP)
        after = np.searchsorted(time, wanted).clip(1, len(time) - 1)
        near = after - (wanted - time[after - 1] <= time[after] - wanted)
        return torch.tensor(hz[near], dtype=torch.float32)

    def loss(self, output: Pitches, batch: Batch) -> Tensor:
        """Binary cross-entropy of blurred pitch bins, summed over bins, the mean over frames whose pitch is known."""
        tracks = batch["target"].split(batch["target_lengths"].tolist())
        places = [(time / HOP).round().long().to(batch["target"].device) for time in output.times()]
        at = [track[place.clamp(max=len(track) - 1)] for track, place in zip(tracks, places, strict=True)]
        known = torch.cat([place <= len(track) for track, place in zip(tracks, places, strict=True)])
        wanted = _blurred(torch.cat(at)[known])
        entropy = F.binary_cross_entropy_with_logits(output.logits[known], wanted, reduction="sum")
        return entropy / max(len(wanted), 1)

    def decode(self, output: Pitches, batch: Batch) -> list[PitchTrack]:
        """Pitch as the weighted mean about the likeliest bin, and that bin's probability."""
        activations = torch.split(output.logits.float().sigmoid(), output.lengths.tolist())
        return [
            PitchTrack(time.tolist(), frequency(bins).tolist(), bins.amax(-1).tolist())
            for time, bins in zip(output.times(), activations, strict=True)
        ]

    def statistics(self, prediction: PitchTrack, row: Row) -> dict[str, list[float]]:
        """Right frames and all frames of each metric, by mir_eval (Poliner 2007, section II)."""
        from mir_eval import melody

        time, hz = (np.asarray(row["f0"][name], np.float64) for name in ("time", "hz"))
        with warnings.catch_warnings():
            # a sound without a pitch, or one whose pitch is never predicted, counts like any other
            warnings.filterwarnings("ignore", message=r"(Estimated|Reference) melody has no voiced frames")
            # silences are negative here, never missing, so that interpolation across them does no harm
            warnings.filterwarnings("ignore", message="Non-uniform timescale")
            voiced, cents, predicted_voiced, predicted_cents = melody.to_cent_voicing(
                time, hz, *estimated(prediction, float(time[-1]))
            )
            recall, false_alarm = melody.voicing_measures(voiced, predicted_voiced)
            arguments = (voiced, cents, predicted_voiced, predicted_cents, TOLERANCE)
            pitch, chroma = melody.raw_pitch_accuracy(*arguments), melody.raw_chroma_accuracy(*arguments)
        with_pitch = float(voiced.sum())
        without = len(voiced) - with_pitch
        return {
            "rpa": [pitch * with_pitch, with_pitch],
            "rca": [chroma * with_pitch, with_pitch],
            "voicing_recall": [recall * with_pitch, with_pitch],
            "voicing_false_alarm": [false_alarm * without, without],
        }


def estimated(prediction: PitchTrack, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and Hz as mir_eval takes them; Hz are negative where the prediction is unvoiced.

    Args:
        prediction: The prediction of one sound.
        end: The end of the reference, s; times before the first and after the last frame get the nearest frame.
    """
    columns = (prediction.time, prediction.frequency, prediction.confidence)
    time, hz, sure = (np.asarray(column, np.float64) for column in columns)
    signed = np.where(sure >= VOICED, hz, -hz)
    if time[0] > 0:
        time, signed = np.r_[0.0, time], np.r_[signed[0], signed]
    if time[-1] < end:
        time, signed = np.r_[time, end], np.r_[signed, signed[-1]]
    return time, signed


@dataclass
class Pitches:
    """The output of a head for each token.

    Attributes:
        logits: Of the pitch bins, ``(sum of lengths, 360)``.
        lengths: Tokens of each sound, ``(batch,)``.
        start: Of the first token, s.
        hop: From one token to the next, s.
    """

    logits: Tensor
    lengths: Tensor
    start: float
    hop: float

    def times(self) -> list[Tensor]:
        """When each token is, s."""
        return [self.start + self.hop * torch.arange(int(n)) for n in self.lengths]


class PitchHead(nn.Module):
    """Pitch bins from tokens."""

    def __init__(self, spec: Spec) -> None:
        """Make a head for a backbone's tokens."""
        super().__init__()
        assert spec.hop_seconds, "an audio backbone says when its tokens are"
        dim = spec.outputs["tokens"]
        self.start, self.hop = spec.start_seconds, spec.hop_seconds
        self.layers = nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Linear(dim, BINS))
        last = self.layers[1]
        assert isinstance(last, nn.Linear)
        nn.init.constant_(last.bias, -5.0)  # of 360 bins, a few sound at a time

    def forward(self, tokens: Tokens) -> Pitches:
        """Bins of every token."""
        return Pitches(self.layers(tokens.values), tokens.lengths, self.start, self.hop)


def _blurred(hz: Tensor) -> Tensor:
    """Target probabilities of the bins, ``(frames, 360)``; zeros where there is no pitch."""
    cents = to_cents(hz.clamp(min=1.0))
    near = torch.exp(-((bin_cents(hz.device) - cents[:, None]) ** 2) / (2 * BLUR**2))
    return near * (hz > 0)[:, None]
