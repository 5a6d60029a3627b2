"""Embedding: texts become vectors whose cosine says how similar the texts are (Reimers 2019, 1908.10084)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from datasets import Features, Value
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Similarity
from tlzoo.core.task import HeadTask

SCALE = 20.0
"""Factor of differences between cosines in the loss (Su 2022)."""


class TextEmbedding(HeadTask):
    """How similar two texts are, from one vector of each.

    Without a head, a prediction is the cosine of the backbone's own vectors; a new head changes none of them, so that
    all training starts from there.
    """

    name = "text-embedding"
    inputs = ("sentence1", "sentence2")
    siamese = True

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        self.need_strings(*self.inputs)

    @classmethod
    def features_of(cls, labels: Sequence[str] = ()) -> Features:
        """Two texts and their score; there are no classes."""
        return Features({name: Value("string") for name in cls.inputs} | {"score": Value("float64")})

    def head(self, spec: Spec) -> nn.Module:
        """A linear map of the vectors that starts as the identity."""
        return ResidualMap(spec.outputs[self.output])

    def has_target(self, row: Row) -> bool:
        """Whether the pair has a score."""
        return "score" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """The score."""
        return torch.tensor(row["score"], dtype=torch.float32)

    def loss(self, output: Sequence[Tensor], batch: Batch) -> Tensor:
        """CoSENT (Su 2022, https://kexue.fm/archives/8847): the loss of pairs in the wrong order.

        Unlike the regression of the cosine on the score (Reimers 2019, section 3), it asks for no particular cosine,
        as Spearman does; so it does not first unlearn the level that a backbone's cosines have. On validation it was
        ahead of regression on frozen vectors of MiniLM, .597 to .595 on Lee and .737 to .724 on WordSim-353 (mean of 4
        draws of the splits).
        """
        cosine, score = _cosine(output), batch["target"]
        wrong = (cosine[:, None] - cosine[None, :])[score[:, None] < score[None, :]]
        return torch.cat([cosine.new_zeros(1), SCALE * wrong]).logsumexp(0)

    def decode(self, output: Sequence[Tensor], batch: Batch) -> list[Similarity]:
        """Cosines."""
        return [Similarity(cosine) for cosine in _cosine(output).tolist()]

    def statistics(self, prediction: Similarity, row: Row) -> dict[str, list[float]]:
        """Predicted and true score."""
        return {"spearman": [prediction.score, row["score"]]}


class ResidualMap(nn.Module):
    """A linear map of vectors, ``x + W x``, where ``W`` starts at zero."""

    def __init__(self, dim: int) -> None:
        """Make a map that changes nothing."""
        super().__init__()
        self.change = nn.Parameter(torch.zeros(dim, dim))

    def forward(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """Map batches of vectors, each ``(batch, dim)``."""
        return [x + F.linear(x, self.change) / x.shape[-1] ** 0.5 for x in vectors]


def _cosine(vectors: Sequence[Tensor]) -> Tensor:
    first, second = vectors
    return F.cosine_similarity(first, second)
