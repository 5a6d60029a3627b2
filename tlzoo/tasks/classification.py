"""Classification of anything that has one vector an example: image, text, audio or video."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from datasets import ClassLabel, Features
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import ClassScores
from tlzoo.core.task import HeadTask
from tlzoo.data.media.augmentation import varied
from tlzoo.errors import InputError


class LabelledTask(HeadTask):
    """A task whose examples each have one label of a fixed set."""

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        label = features.get("label")
        if not isinstance(label, ClassLabel):
            raise InputError(f"{self.name} needs a column 'label' of classes; columns: {', '.join(features)}")
        if label.num_classes < 2:
            raise InputError(f"{self.name} needs at least two classes; found only {label.names}")
        self._label = label

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """A column of classes."""
        return Features({"label": ClassLabel(names=list(labels))})

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return tuple(self._label.names)

    def target(self, row: Row, example: Example) -> Tensor:
        """Class index."""
        return torch.tensor(row["label"])


class Classification(LabelledTask):
    """One label of a fixed set for each example."""

    def head(self, spec: Spec) -> nn.Module:
        """Standardise (as linear probes do, e.g. He 2022, 2111.06377, appendix A.1), then one linear layer."""
        dim = spec.outputs[self.output]
        return nn.Sequential(nn.BatchNorm1d(dim, affine=False), nn.Linear(dim, len(self.labels)))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of logits."""
        return F.cross_entropy(output, batch["target"])

    def decode(self, output: Tensor, batch: Batch) -> list[ClassScores]:
        """Probabilities by softmax of logits, and the top class."""
        names = self.labels
        return [
            ClassScores(names[best], scores[best], dict(zip(names, scores, strict=True)))
            for best, scores in zip(output.argmax(-1).tolist(), output.softmax(-1).tolist(), strict=True)
        ]

    def statistics(self, prediction: ClassScores, row: Row) -> dict[str, list[float]]:
        """Right or wrong; predicted and true class."""
        names = self.labels
        predicted = float(names.index(prediction.label) if prediction.label in names else -1)  # -1: none of them
        return {"accuracy": [float(predicted == row["label"])], "macro_f1": [predicted, float(row["label"])]}


class AudioClassification(Classification):
    """Classification of sounds."""

    name = "audio-classification"


class ImageClassification(Classification):
    """Classification of pictures."""

    name = "image-classification"

    def augment(self, batch: Batch) -> Batch:
        """Moved and scaled a little, coloured; never mirrored, which would make another sign of a sign."""
        return varied(batch, shift=0.08, scale=0.15, fill=None)


class VideoClassification(Classification):
    """Classification of videos."""

    name = "video-classification"


class TextClassification(Classification):
    """Classification of texts."""

    name = "text-classification"
