"""A passage in overlapping windows, with a question or without, whose tokens know the passage's characters.

As BERT reads SQuAD (Devlin 2018, 1810.04805, section 4.2, and its ``run_squad.py``): every window has the whole
question, and a long passage slides through. Parts that are ragged over tokens are ordered window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from tlzoo.core.batch import Batch, Example, Outputs
from tlzoo.core.model import Backbone

MAX_QUESTION_TOKENS = 64
"""Maximum tokens of a question, and at most half a window; longer ones are cut."""
STRIDE = 128
"""Tokens from one window to the next, and at most a third of a window."""
RAGGED = frozenset({"offsets", "target", "windows"})
"""Parts of an example that vary in their first dimension, besides the encoder's; ``target`` is over tokens."""
_TOGETHER = 64  # windows that pass through the network at once in evaluation


def encode(tokenizer: Tokenizer, max_tokens: int, texts: Sequence[str], left: bool) -> Example:
    """Cut a passage, or a question and its passage, into windows.

    Args:
        tokenizer: Without padding or truncation.
        max_tokens: Maximum length of a window.
        texts: The passage, or the question and the passage.
        left: Whether padding goes to the left and the classifier's token stands at the end.

    Returns:
        ``ids`` and ``segments``, int64 of shape ``(tokens,)``, of all windows concatenated; ``offsets``, int64 of shape
        ``(tokens, 2)``: first character in the context and the one after the last; ``(0, 0)`` for the classifier's
        token, which stands for no answer, and ``(-1, -1)`` for all others that are not in the context; ``windows``,
        int64 of shape ``(windows,)``, their lengths; and the ``context``.
    """
    *questions, context = texts
    before = [tokenizer.encode(text, add_special_tokens=False) for text in questions]
    passage = tokenizer.encode(context, add_special_tokens=False)
    for question in before:
        question.truncate(min(MAX_QUESTION_TOKENS, max_tokens // 2))
    room = max_tokens - sum(map(len, before)) - tokenizer.num_special_tokens_to_add(bool(before))
    passage.truncate(room, stride=max(0, room - min(STRIDE, max_tokens // 3)))
    parts = (passage, *passage.overflowing)
    windows = [tokenizer.post_process(before[0], part) if before else tokenizer.post_process(part) for part in parts]
    offsets: list[tuple[int, int]] = []
    for window in windows:
        places = [
            _bare(context, *span) if sequence == len(before) else (-1, -1)
            for span, sequence in zip(window.offsets, window.sequence_ids, strict=True)
        ]
        places[-1 if left else 0] = (0, 0)
        offsets += places
    return {
        "ids": torch.tensor([i for window in windows for i in window.ids]),
        "segments": torch.tensor([i for window in windows for i in window.type_ids]),
        "offsets": torch.tensor(offsets),
        "windows": torch.tensor([len(window) for window in windows]),
        "context": context,
    }


def _bare(context: str, start: int, end: int) -> tuple[int, int]:
    """The span of a token without the spaces that some tokenizers include; (-1, -1) if it has only spaces."""
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
    outputs: Outputs = backbone(names | {f"{name}_lengths": lengths for name in names})
    return outputs["tokens"]


def select_windows(batch: Batch, mask: Tensor, names: frozenset[str]) -> Batch:
    """A batch with some of its windows.

    Args:
        batch: The batch.
        mask: Which windows to select, bool of shape ``(windows,)``, at least one of each example.
        names: Parts of the batch that are ragged over tokens.
    """
    windows, counts = batch["windows"], batch["windows_lengths"]
    example = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    inside = torch.repeat_interleave(mask, windows)
    left = torch.zeros_like(counts).index_add(0, example[mask], windows[mask])
    parts = {name: batch[name][inside] for name in names} | {f"{name}_lengths": left for name in names}
    return batch | parts | {"windows": windows[mask], "windows_lengths": torch.bincount(example[mask])}
