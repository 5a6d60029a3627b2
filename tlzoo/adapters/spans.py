"""A passage in overlapping windows, with a question or without, whose tokens know the passage's characters.

As BERT reads SQuAD (Devlin 2018, 1810.04805, section 4.2, and its ``run_squad.py``): every window has the whole
question, and a passage that is too long slides through. What is ragged over tokens comes window by window.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tlzoo.core.batch import Batch, Example
from tlzoo.core.model import Backbone

if TYPE_CHECKING:
    from tlzoo.adapters.text_encoder import TextEncoder

QUESTION = 64
"""Most tokens of a question, and at most half a window; what is longer is cut."""
STRIDE = 128
"""Tokens that a window is further than the one before, and at most a third of a window."""
RAGGED = frozenset({"offsets", "target", "windows"})
"""Parts of an example that vary in their first dimension, besides the encoder's; ``target`` is over tokens."""
_TOGETHER = 64  # windows that pass through the network at once, where nothing is learnt


def encode(encoder: TextEncoder, *texts: str) -> Example:
    """Cut a passage, or a question and its passage, into windows of at most ``encoder.max_tokens`` tokens.

    Args:
        encoder: The encoder.
        texts: The passage, or the question and the passage.

    Returns:
        ``ids`` and ``segments``, int64 of shape ``(tokens,)``, of all windows one after another; ``offsets``, int64 of
        shape ``(tokens, 2)``: first character in the context and the one after the last; ``(0, 0)`` of the token
        that stands for no answer, the classifier's, and ``(-1, -1)`` of whatever else is not in the context;
        ``windows``, int64 of shape ``(windows,)``, their lengths; and the ``context``.
    """
    tokenizer = encoder.tokenizer
    *questions, context = texts
    asked = [tokenizer.encode(text, add_special_tokens=False) for text in questions]
    passage = tokenizer.encode(context, add_special_tokens=False)
    for question in asked:
        question.truncate(min(QUESTION, encoder.max_tokens // 2))
    room = encoder.max_tokens - sum(map(len, asked)) - tokenizer.num_special_tokens_to_add(bool(asked))
    passage.truncate(room, stride=max(0, room - min(STRIDE, encoder.max_tokens // 3)))
    parts = [
        tokenizer.post_process(asked[0], part) if asked else tokenizer.post_process(part)
        for part in (passage, *passage.overflowing)
    ]
    offsets: list[tuple[int, int]] = []
    for part in parts:
        found = [
            _bare(context, *span) if sequence == len(asked) else (-1, -1)
            for span, sequence in zip(part.offsets, part.sequence_ids, strict=True)
        ]
        found[-1 if encoder.family.left else 0] = (0, 0)
        offsets += found
    return {
        "ids": torch.tensor([i for part in parts for i in part.ids]),
        "segments": torch.tensor([i for part in parts for i in part.type_ids]),
        "offsets": torch.tensor(offsets),
        "windows": torch.tensor([len(part) for part in parts]),
        "context": context,
    }


def _bare(context: str, start: int, end: int) -> tuple[int, int]:
    """A token's characters without the spaces that some tokenizers give it; of one that has no others, none."""
    text = context[start:end]
    bare = text.strip()
    start += len(text) - len(text.lstrip())
    return (start, start + len(bare)) if bare else (-1, -1)


def tokens(backbone: Backbone, batch: Batch) -> Tensor:
    """The tokens of all windows of a batch, ``(tokens, dim)``; each window passes through the encoder by itself."""
    lengths: Tensor = batch["windows"]
    if torch.is_grad_enabled():
        return _tokens(backbone, batch, lengths, slice(None))
    parts = torch.split(lengths, _TOGETHER)
    ends = np.cumsum([0, *(int(part.sum()) for part in parts)]).tolist()
    return torch.cat([_tokens(backbone, batch, p, slice(*e)) for p, e in zip(parts, pairwise(ends), strict=True)])


def _tokens(backbone: Backbone, batch: Batch, lengths: Tensor, part: slice) -> Tensor:
    names = {name: batch[name][part] for name in backbone.ragged}
    found: Tensor = backbone(names | {f"{name}_lengths": lengths for name in names})["tokens"]
    return found


def chosen(batch: Batch, kept: Tensor, names: frozenset[str]) -> Batch:
    """A batch with some of its windows.

    Args:
        batch: The batch.
        kept: Which windows, bool of shape ``(windows,)``, at least one of each example.
        names: Its parts that are ragged over tokens.
    """
    windows, counts = batch["windows"], batch["windows_lengths"]
    example = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    inside = torch.repeat_interleave(kept, windows)
    left = torch.zeros_like(counts).index_add(0, example[kept], windows[kept])
    parts = {name: batch[name][inside] for name in names} | {f"{name}_lengths": left for name in names}
    return batch | parts | {"windows": windows[kept], "windows_lengths": torch.bincount(example[kept])}
