"""Embedding of sounds: vectors whose neighbours, or a linear classifier, tell the class of a sound.

Measured as in HEAR (Turian 2022, 2203.03022, section 3): the network that gives the vectors stays as it is, and a
shallow classifier is fitted to the vectors of the training examples.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Row, Spec
from tlzoo.core.predictions import Embedding
from tlzoo.core.task import ReferenceTask
from tlzoo.tasks.classification import LabelledTask
from tlzoo.tasks.text_embedding import ResidualMap

NEIGHBOURS = 5
SCALE = 16.0
"""Factor of cosines in the loss (Wang 2017, 1704.06369, section 3.3)."""


class Embedded(NamedTuple):
    """The output of a head.

    Attributes:
        vectors: ``(batch, dim)``.
        cosines: With the middle of each class, ``(batch, classes)``.
    """

    vectors: Tensor
    cosines: Tensor


class AudioEmbedding(LabelledTask, ReferenceTask):
    """A vector for each sound.

    Vectors are judged by those of the training examples, each value standardised over them: by the label of the nearest
    ones by cosine, and by a linear classifier. Without training, vectors are the backbone's own.
    """

    name = "audio-embedding"
    _near: Any = None
    _linear: Any = None

    def head(self, spec: Spec) -> nn.Module:
        """Standardise, then a linear map that starts as the identity."""
        return EmbeddingHead(spec.outputs[self.output], len(self.labels))

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Normalised softmax: cross-entropy of scaled cosines with the classes' middles (Wang 2017, equation 5)."""
        return F.cross_entropy(SCALE * output.cosines, batch["target"])

    def decode(self, output: Embedded | Tensor, batch: Batch) -> list[Embedding]:
        """The vectors."""
        vectors = output.vectors if isinstance(output, Embedded) else output
        return [Embedding(vector) for vector in vectors.float().cpu().tolist()]

    def fit_reference(self, train_predictions: Sequence[Embedding], rows: Sequence[Row]) -> None:
        """Fit the shallow classifiers to the vectors of the training examples."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        vectors = np.array([prediction.embedding for prediction in train_predictions])
        labels = [row["label"] for row in rows]
        count = min(NEIGHBOURS, len(labels))
        near = KNeighborsClassifier(count, metric="cosine", weights="distance", algorithm="brute")
        self._near = make_pipeline(StandardScaler(), near).fit(vectors, labels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # separable classes have no best weights
            self._linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(vectors, labels)

    def statistics(self, prediction: Embedding, row: Row) -> dict[str, list[float]]:
        """Whether the neighbours, and the linear classifier, are right."""
        assert self._near is not None, "fit_reference comes first"
        vector = np.array([prediction.embedding])
        judges = {"knn_accuracy": self._near, "linear_accuracy": self._linear}
        return {name: [float(judge.predict(vector)[0] == row["label"])] for name, judge in judges.items()}


class EmbeddingHead(nn.Module):
    """Vectors, and their cosines with a learnt middle of each class."""

    def __init__(self, dim: int, classes: int) -> None:
        """Make a head whose vectors are at first the standardised ones."""
        super().__init__()
        self.norm = nn.BatchNorm1d(dim, affine=False)
        self.map = ResidualMap(dim)
        self.middles = nn.Parameter(torch.randn(classes, dim))

    def forward(self, vectors: Tensor) -> Embedded:
        """``(batch, dim)``."""
        (mapped,) = self.map([self.norm(vectors)])
        return Embedded(mapped, F.linear(F.normalize(mapped), F.normalize(self.middles)))
