"""What travels between data, tasks and models: rows, examples, batches, and the inputs and outputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor

Row = Mapping[str, Any]
"""One example of a data set, in the task's features."""
Example = dict[str, Any]
"""One example, preprocessed: tensors without a batch dimension."""
Batch = dict[str, Any]
"""Examples together: tensors with a batch dimension; ragged ones concatenated, with ``<name>_lengths`` beside them."""


class Outputs(TypedDict, total=False):
    """Named outputs of a backbone for a batch, those of ``Spec.outputs``.

    ``pooled`` is ``(batch, dim)``; ``tokens`` are ``(sum of lengths, dim)``, with ``tokens_lengths``, ``(batch,)``;
    ``pyramid`` is a list of maps ``(batch, channels, height, width)``, finest first, as ``Spec.pyramid`` says;
    ``activations`` are those of a published pitch tracker, ``(sum of lengths, bins)``.
    """

    pooled: Tensor
    tokens: Tensor
    tokens_lengths: Tensor
    pyramid: list[Tensor]
    activations: Tensor


class Tokens(NamedTuple):
    """Vectors along the time of several examples, concatenated.

    Attributes:
        values: ``(sum of lengths, dim)``.
        lengths: Number of vectors of each example, ``(batch,)``.
    """

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Spec:
    """Inputs and outputs of a network.

    Attributes:
        input: Kind of the input, such as ``"audio"``.
        outputs: Size of each named output that a head can use: its last dimension, or the number of a pyramid's maps.
        sample_rate: Sample rate of audio in Hz.
        hop_seconds: Time from one of the ``tokens`` to the next, for audio.
        start_seconds: Time in the sound at the centre of the first of the ``tokens``.
        frames: Number of frames that are taken from a video.
        height: Pixels, where fixed.
        width: Pixels, where fixed.
        labels: Class names of the published head, if there is one.
        synonyms: Of each of these names all that mean the same, separated by commas; empty where there are no others.
        pyramid: Channels and stride, in pixels of the input, of each map of the pyramid, finest first.
    """

    input: str
    outputs: Mapping[str, int] = field(default_factory=dict)
    sample_rate: int | None = None
    hop_seconds: float | None = None
    start_seconds: float = 0.0
    frames: int | None = None
    height: int | None = None
    width: int | None = None
    labels: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    pyramid: tuple[tuple[int, int], ...] = ()


SAMPLES = "samples"
"""Part of an example that is raw sound, ``(samples,)``. Networks run sounds of equal length together, without padding,
so training draws its batches by length."""


def collate(examples: Sequence[Example], ragged: frozenset[str] = frozenset()) -> Batch:
    """Put examples together.

    Args:
        examples: Examples with the same keys.
        ragged: Names whose first dimension varies. They are concatenated along it and never padded, so that the size
            of a batch cannot change a score.

    Returns:
        Stacked tensors; for each ragged name also ``<name>_lengths``, shape ``(batch,)``. Other values become lists.
    """
    batch: Batch = {}
    for name, first in examples[0].items():
        values = [example[name] for example in examples]
        if name in ragged:
            batch[name] = torch.cat(values)
            batch[f"{name}_lengths"] = torch.tensor([len(v) for v in values])
        else:
            batch[name] = torch.stack(values) if isinstance(first, Tensor) else values
    return batch


def to_device(batch: Batch, device: str) -> Batch:
    """Move a batch's tensors."""
    return {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}


def segment_mean(values: Tensor, lengths: Tensor) -> Tensor:
    """Mean of consecutive segments: ``(sum(lengths), dim)`` to ``(len(lengths), dim)``."""
    index = torch.repeat_interleave(torch.arange(len(lengths), device=values.device), lengths)
    total = values.new_zeros(len(lengths), values.shape[-1]).index_add(0, index, values)
    return total / lengths[:, None].to(values.dtype)
