"""Distillation: a small network learns to give the vectors of a published one, besides a task of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.adapters import build
from tlzoo.adapters.pretraining import Objective
from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.core.batch import Batch, Example, Row
from tlzoo.core.model import Backbone, HeadedModel, Learner
from tlzoo.core.task import HeadTask
from tlzoo.errors import InputError
from tlzoo.transfer.features import Features, frozen

WEIGHT = 10.0
"""Weight of distillation beside the task's loss."""


class Distilled(Learner):
    """A learner whose network also learns a teacher's vectors.

    The loss adds the cosine distance of a projection of the network's vectors from the teacher's (of features, Romero
    2014, 1412.6550), and the squared difference of the similarities between the examples of a batch (Tung & Mori 2019,
    1907.09682), which the network's own vectors are to have.

    Attributes:
        learner: What is learnt besides: a task with a head on vectors, or the objective of an encoder's paper.
    """

    mean: Tensor

    def __init__(self, learner: HeadedModel | Objective, features: Features, mean: Tensor) -> None:
        """Give a learner a teacher.

        Args:
            learner: The learner.
            features: The teacher's vectors.
            mean: Their mean over the training examples, ``(dim,)``, which tells no example from another.
        """
        super().__init__()
        self.learner, self.features = learner, features
        self.spec, self.ragged = learner.spec, learner.ragged
        self.project = nn.Linear(learner.spec.outputs["pooled"], len(mean))
        self.register_buffer("mean", mean, persistent=False)

    def encode(self, row: Row) -> Example:
        """The learner's example, with the teacher's vector."""
        return self.learner.encode(row) | {"teacher": self.features(row)["features"]}

    def augment(self, batch: Batch) -> Batch:
        """As the learner varies it."""
        return self.learner.augment(batch)

    def loss(self, batch: Batch) -> Tensor:
        """The learner's loss and the distance from the teacher."""
        if isinstance(self.learner, HeadedModel):
            vectors = self.learner.backbone.output_for(batch, self.learner.task)
            own = self.learner.task.loss(self.learner.head(vectors), batch)
        else:
            own, vectors = self.learner.loss(batch), self.learner.backbone(batch)["pooled"]
        assert isinstance(vectors, Tensor)
        teacher = batch["teacher"]
        projected = F.normalize(self.project(vectors), dim=1)
        distance = 1 - (projected * F.normalize(teacher - self.mean, dim=1)).sum(1).mean()
        return own + WEIGHT * (distance + F.mse_loss(_similarities(vectors), _similarities(teacher)))


def _similarities(vectors: Tensor) -> Tensor:
    """Cosine of each pair of a batch, ``(batch, batch)``."""
    unit = F.normalize(vectors, dim=1)
    return unit @ unit.T


def distilled(
    learner: HeadedModel | Objective, teacher: str, splits: Sequence[Dataset], task: HeadTask, fingerprint: str
) -> Distilled:
    """Give a learner a published teacher, whose vectors of all examples are computed now or read from the cache.

    Args:
        learner: The learner.
        teacher: Id of the teacher's card.
        splits: Training and validation examples.
        task: A task whose heads read one vector an example.
        fingerprint: Of the data.

    Raises:
        UnavailableError: The teacher's weights are not available.
        InputError: The teacher gives no vectors of such inputs.
    """
    card = catalogue.get(teacher)
    variant = card.default
    checkpoint = resolve(card, "official", variant.id)
    network = build(variant, card.input_of(variant))
    if not isinstance(network, Backbone) or network.spec.input != learner.spec.input:
        raise InputError(f"{teacher} gives no vectors of {learner.spec.input} to learn from")
    network.load_official(checkpoint.paths())
    network.drop_published_head()
    key = ("teacher", card.variant_hash(variant), checkpoint.sha256, fingerprint)
    features = frozen(network, task, splits, key)
    train = torch.stack([features(row)["features"] for row in splits[0].select_columns("id")])
    return Distilled(learner, features, train.mean(0))
