"""What is unlike all that a fine-tuned model learnt from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from tlzoo.core.predictions import ClassScores

UNKNOWN = "unknown"
"""The label of an input that is unlike all that a model was trained on."""
FILE = "novelty.safetensors"
"""Its file, in the folder of its model."""
NEIGHBOURS = 3
"""An input is as far from the training examples as its third nearest."""

SMALLEST = 1e-3
"""Cosine distance below which vectors are the same: they are kept in half precision."""


@dataclass(frozen=True)
class Novelty:
    """The training examples of a model, and how far from them an input may be.

    The distance is the cosine's, between the vectors that the model's head reads (Sun 2022, 2204.06507).

    Attributes:
        neighbours: Unit vectors of training examples, ``(examples, dim)``.
        threshold: Largest distance from the third nearest of them at which an input gets a class, 0 to 2.
        false_alarms: Share of the training examples that lie farther from others of them, 0 to 1.
    """

    neighbours: Tensor
    threshold: float
    false_alarms: float

    def judged(self, predictions: Sequence[ClassScores], vectors: Tensor) -> list[ClassScores]:
        """The predictions, with ``unknown`` in the place of the class of what is too far away.

        Args:
            predictions: Scores of each example.
            vectors: Vector of each, ``(examples, dim)``.
        """
        far = distances(vectors, self.neighbours.to(vectors)) > self.threshold
        return [
            replace(each, label=UNKNOWN, nearest=each.label) if is_far else each
            for each, is_far in zip(predictions, far.tolist(), strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write it beside its model."""
        numbers = {"threshold": self.threshold, "false_alarms": self.false_alarms}
        save_file({"neighbours": self.neighbours.half().contiguous()}, folder / FILE, {"novelty": json.dumps(numbers)})

    @classmethod
    def load(cls, folder: Path) -> Novelty | None:
        """What :meth:`save` wrote; absent where the folder has none."""
        if not (folder / FILE).exists():
            return None
        with safe_open(folder / FILE, "pt") as file:
            numbers = json.loads(file.metadata()["novelty"])
            return cls(file.get_tensor("neighbours").float(), numbers["threshold"], numbers["false_alarms"])


def distances(vectors: Tensor, neighbours: Tensor) -> Tensor:
    """Cosine distance of each vector from its third nearest neighbour, or the last where there are fewer.

    Args:
        vectors: Shape ``(examples, dim)``.
        neighbours: Unit vectors, ``(neighbours, dim)``.

    Returns:
        Shape ``(examples,)``; 0 to 2.
    """
    similarities = F.normalize(vectors.float(), dim=1) @ neighbours.float().T
    return 1 - torch.topk(similarities, min(NEIGHBOURS, len(neighbours)), dim=1).values[:, -1]


def spread(vectors: Tensor) -> float:
    """How far apart a model's own examples lie: the median distance of each from its third nearest other, 0 to 2.

    Args:
        vectors: Unit vectors, ``(examples, dim)``, of a few thousand examples at most.
    """
    similarities = vectors @ vectors.T
    similarities.fill_diagonal_(-torch.inf)
    nearest = torch.topk(similarities, max(1, min(NEIGHBOURS, len(vectors) - 1)), dim=1).values[:, -1]
    return max(float((1 - nearest).median()), torch.finfo(torch.float32).eps)
