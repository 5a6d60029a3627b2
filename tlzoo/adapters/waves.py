"""Networks that read the waveform itself: what each of a batch gives must not depend on the others.

Their first layers are normalised over the time of a sound, so that one that is padded to another's length would come out
otherwise. Sounds go through such layers with those of their own length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tlzoo.adapters.base import Example


def encoded(source: np.ndarray, least: int, standardise: bool) -> Example:
    """The samples of a sound.

    Args:
        source: Mono, ``(samples,)``.
        least: Samples that a network needs to give one token; what is shorter is padded with silence.
        standardise: Whether to shift to mean 0 and scale to variance 1.

    Returns:
        ``wave``, float32 of shape ``(samples,)``.
    """
    wave = torch.as_tensor(source, dtype=torch.float32)
    if standardise:
        wave = (wave - wave.mean()) / torch.sqrt(wave.var(unbiased=False) + 1e-7)
    return {"wave": nn.functional.pad(wave, (0, max(0, least - len(wave))))}


def by_length(run: Callable[[Tensor], Tensor], waves: Tensor, lengths: Tensor) -> list[Tensor]:
    """Run sounds with those of the same length.

    Args:
        run: From ``(batch, samples)`` to ``(batch, tokens, dim)``.
        waves: All sounds, one after another, ``(sum of lengths,)``.
        lengths: Their lengths, ``(batch,)``.

    Returns:
        Tokens of each sound, ``(tokens, dim)``, in order.
    """
    sounds = waves.split(lengths.tolist())
    found: list[Tensor | None] = [None] * len(sounds)
    for length in sorted(set(lengths.tolist())):
        places = [i for i, sound in enumerate(sounds) if len(sound) == length]
        for place, tokens in zip(places, run(torch.stack([sounds[i] for i in places])), strict=True):
            found[place] = tokens
    return [tokens for tokens in found if tokens is not None]


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """What stacked convolutions see: samples that one token is made of, and samples from one token to the next."""
    field, hop = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * hop
        hop *= stride
    return field, hop
