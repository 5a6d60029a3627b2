"""Several texts of one row, each encoded by itself: the columns of a siamese batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from tlzoo.core.batch import Batch, Example, collate


def encode(encode_text: Callable[[Any], Example], texts: Sequence[str]) -> Example:
    """Encode each text by itself; the names of its parts end in the number of its column."""
    return {f"{name}{i}": value for i, text in enumerate(texts) for name, value in encode_text(text).items()}


def ragged_parts(ragged: frozenset[str], columns: int) -> frozenset[str]:
    """The parts of :func:`encode`'s examples that vary in their first dimension."""
    return frozenset(f"{name}{i}" for name in ragged for i in range(columns))


def vectors(embed: Callable[[Batch], Tensor], batch: Batch, ragged: frozenset[str], columns: int) -> list[Tensor]:
    """Embed every column of a batch.

    Texts that occur several times in the batch pass through the network once: pairs of few documents share them.

    Args:
        embed: Gives the vectors of a batch of single texts, ``(texts, dim)``.
        batch: Collated examples of :func:`encode`.
        ragged: The parts of one text's example that vary in their first dimension.
        columns: Number of texts in a row.

    Returns:
        The vectors of each column, ``(batch, dim)``.
    """
    texts = [_examples(_column(batch, i), ragged) for i in range(columns)]
    distinct: dict[bytes, tuple[int, Example]] = {}
    places = [
        [distinct.setdefault(_content(example), (len(distinct), example))[0] for example in column] for column in texts
    ]
    embedded = embed(collate([example for _, example in distinct.values()], ragged))
    return [embedded[place] for place in places]


def _examples(batch: Batch, ragged: frozenset[str]) -> list[Example]:
    """Split a batch of tensors into its examples."""
    parts = {
        name: list(value.split(batch[f"{name}_lengths"].tolist()) if name in ragged else value)
        for name, value in batch.items()
        if name.removesuffix("_lengths") not in ragged or name in ragged
    }
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def _content(example: Example) -> bytes:
    """The bytes of an example's tensors, which are equal where the texts are."""
    return b"".join(value.cpu().numpy().tobytes() for value in example.values())


def _column(batch: Batch, number: int) -> Batch:
    """The part of a siamese batch that belongs to one column."""
    column = {}
    for name, value in batch.items():
        whole = name.removesuffix("_lengths")
        if whole.endswith(str(number)):
            column[whole.removesuffix(str(number)) + name[len(whole) :]] = value
    return column
