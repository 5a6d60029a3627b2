"""A projection network that ranks replies: Smart Reply's hashing, followed by layers that can be trained.

Sources: Ravi 2017, arXiv 1708.00630, sections 3.2 and 3.3 (bits of hashed skip-grams feed a small dense network);
Henderson et al. 2017, arXiv 1705.00652, section 4 (two towers whose product scores a reply to a message, trained
against the other replies of a batch). Neither published weights.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.smartreply.text import features, normalise, project, sentences, skip_grams, utf8
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import Reply
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task


class ProjectionNet(TrainableModel):
    """Two dense towers over the bits of a message and of a reply; the cosine of their vectors ranks replies.

    Both towers begin with the same values, so that an untrained network ranks by likeness, which is where learning from
    little starts best; the bits tell likeness alone, since texts that share words share bits.

    A row has ``text``, the message, and ``candidates``, the replies to choose from; to be trained on also ``target``,
    the place of the right one.
    """

    ragged = frozenset({"candidates"})

    def __init__(
        self,
        hashes: int = 60,
        bits: int = 12,
        ngram: int = 1,
        max_skip: int = 0,
        hidden: int = 256,
        dim: int = 64,
        dropout: float = 0.5,
    ) -> None:
        """Build the network.

        Args:
            hashes: Hash functions.
            bits: Bits of a hash code.
            ngram: Maximum number of words of a skip-gram.
            max_skip: Maximum number of words left out between two words of a skip-gram.
            hidden: Width of a tower's first layer.
            dim: Size of the vectors that are multiplied.
            dropout: Share of the bits, and of the first layer's values, that training leaves out.
        """
        super().__init__()
        self.hashing = (hashes, bits, ngram, max_skip)
        self.first = nn.ModuleList(_first(hashes * bits, hidden, dropout) for _ in range(2))
        self.last = nn.ModuleList(nn.Linear(hidden, dim) for _ in range(2))
        for layers in (self.first, self.last):
            layers[1].load_state_dict(layers[0].state_dict())
        self.scale = nn.Parameter(torch.tensor(2.7))
        self.spec = Spec("text")

    def for_task(self, task: Task) -> Self:
        """Nothing depends on the data.

        Raises:
            InputError: The task is no choice between replies.
        """
        if "candidates" not in task.facts.columns:
            raise InputError(f"ProjectionNet ranks replies; it cannot be trained on {task.name}")
        return self

    def encode(self, row: Row) -> Example:
        """Hash a message and its candidates.

        Returns:
            Bits, int8, 0 or 1: ``message`` ``(bits,)`` and ``candidates`` ``(candidates, bits)``; the replies,
            ``texts``; and ``target`` where the row has one.

        Raises:
            InputError: There are no candidates, or a text holds half of a surrogate pair.
        """
        if not row.get("candidates"):
            raise InputError("no candidates: this model ranks given replies and does not write any")
        texts = list(row["candidates"])
        example: Example = {
            "message": _hashed(row["text"], *self.hashing),
            "candidates": torch.stack([_hashed(text, *self.hashing) for text in texts]),
            "texts": texts,
        }
        return example | ({"target": torch.tensor(row["target"])} if "target" in row else {})

    def forward(self, messages: Tensor, replies: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors ``(batch, dim)`` of messages and of replies, given their bits ``(batch, bits)``."""
        one, other = (
            F.normalize(last(first(2.0 * bits - 1.0)), dim=-1)
            for bits, first, last in zip((messages, replies), self.first, self.last, strict=True)
        )
        return one, other

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the right reply among all right replies of the batch, without equal ones."""
        begins = batch["candidates_lengths"].cumsum(0) - batch["candidates_lengths"]
        right = batch["candidates"][begins + batch["target"]]
        messages, replies = self(batch["message"], right)
        same = _equal(right) | _equal(batch["message"])
        same.fill_diagonal_(False)
        scores = self.scale.exp() * messages @ replies.T
        return F.cross_entropy(scores.masked_fill(same, -torch.inf), torch.arange(len(right), device=scores.device))

    def predict(self, batch: Batch) -> list[Reply]:
        """Rank the candidates of each message."""
        messages, replies = self(batch["message"], batch["candidates"])
        scores = (messages.repeat_interleave(batch["candidates_lengths"], 0) * replies).sum(-1)
        by_message = [part.tolist() for part in scores.split(batch["candidates_lengths"].tolist())]
        return [
            Reply(texts[ranked.index(max(ranked))], candidate_scores=ranked)
            for texts, ranked in zip(batch["texts"], by_message, strict=True)
        ]

    def stages(self) -> list[nn.Module]:
        """The first layers of both towers, then the last."""
        return [self.first, self.last]


def _first(bits: int, hidden: int, dropout: float) -> nn.Module:
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(bits, hidden), nn.Tanh(), nn.Dropout(dropout))


def _equal(bits: Tensor) -> Tensor:
    """Which of ``(batch, bits)`` are the same, ``(batch, batch)``."""
    return (bits[:, None] == bits[None]).all(-1)


@lru_cache(maxsize=1 << 14)
def _hashed(text: str, hashes: int, bits: int, ngram: int, max_skip: int) -> Tensor:
    """Bits of a text, int8, ``(hashes * bits,)``; the index of a hash function is its seed."""
    seeds = np.arange(1, hashes * bits + 1, dtype=np.float32).reshape(hashes, bits)
    grams = [gram for sentence in sentences(utf8(text)) for gram in skip_grams(normalise(sentence), ngram, max_skip)]
    return torch.from_numpy(project(*features(grams), seeds).reshape(-1).astype(np.int8))
