"""Published heads: the classifier that came with a backbone, and its classes under the names of a data set."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Model
from tlzoo.core.predictions import Boxes, ClassScores, Mask, Poses, Prediction
from tlzoo.data.media.inputs import read_input


class ClassifierBackbone(Protocol):
    """A backbone whose published parameters include a classifier."""

    spec: Spec
    ragged: frozenset[str]

    @property
    def classifier(self) -> nn.Module | None:
        """The layers from the backbone's outputs to the logits; ``None`` once they are dropped."""

    @abstractmethod
    def scores(self, batch: Batch) -> Tensor:
        """Scores in [0, 1] of the published classes, ``(batch, classes)``."""

    @abstractmethod
    def encode(self, source: Any) -> Example:
        """Preprocess one decoded input."""

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """Parts from input to output."""


class PublishedClassifier(Model):
    """A backbone with the classifier that was published with it."""

    def __init__(self, backbone: ClassifierBackbone, names: Mapping[str, str] | None = None) -> None:
        """Wrap a backbone.

        Args:
            backbone: With official weights and its classifier, and the classifier's classes in its spec.
            names: Of the published classes to choose from, what each is called; by default all, as published.
        """
        super().__init__()
        self.backbone, self.spec, self.ragged = backbone, backbone.spec, backbone.ragged
        published = backbone.spec.labels
        self.places = [i for i, label in enumerate(published) if names is None or label in names]
        if names is not None:
            labels = tuple(names[published[i]] for i in self.places)
            self.spec = replace(backbone.spec, labels=labels, synonyms=())

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the row's input."""
        spec = self.spec
        return self.backbone.encode(read_input(row, spec.input, spec.sample_rate, spec.frames))

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[ClassScores]:
        """For each input the top class, ``label``, its ``score``, and the ``scores`` of the top five by name."""
        return [ClassScores.best(scores[self.places], self.spec.labels) for scores in self.backbone.scores(batch)]

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the classifier."""
        assert self.backbone.classifier is not None, "the published head was dropped"
        return [*self.backbone.stages(), self.backbone.classifier]


class Renamed(Model):
    """A published model some of whose classes are called otherwise."""

    def __init__(self, model: Model, names: Mapping[str, str]) -> None:
        """Wrap a model.

        Args:
            model: The model.
            names: What a published class is called; the others are called as published.
        """
        super().__init__()
        self.model, self.names, self.ragged, self.task = model, dict(names), model.ragged, model.task
        self.spec = replace(model.spec, labels=self._called(model.spec.labels), synonyms=())

    def encode(self, row: Row) -> Example:
        """Decode and preprocess a row."""
        return self.model.encode(row)

    def predict(self, batch: Batch) -> list[Prediction]:
        """The model's predictions; boxes, masks and points under the other names."""
        return [self._renamed(prediction) for prediction in self.model.predict(batch)]

    def _renamed(self, prediction: Prediction) -> Prediction:
        if isinstance(prediction, Boxes | Mask):
            return replace(prediction, labels=self._called(prediction.labels))
        if isinstance(prediction, Poses):
            return replace(prediction, names=self._called(prediction.names))
        return prediction

    def _called(self, labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.names.get(label, label) for label in labels)


def answering(model: Model, classes: Sequence[str]) -> Model | None:
    """A published model that answers with a data set's classes, where they meet its own.

    Args:
        model: The model, with classes.
        classes: The data set's.

    Returns:
        The model; a classifier chooses among the classes that meet only. None if none does.
    """
    names = meeting(model.spec, classes)
    if not names:
        return None
    if isinstance(model, PublishedClassifier):
        return PublishedClassifier(model.backbone, names)
    return model if all(name == label for label, name in names.items()) else Renamed(model, names)


def meeting(spec: Spec, classes: Sequence[str]) -> dict[str, str]:
    """Find the published classes that a data set has, too.

    A class is found by the published name itself; else by a name or synonym, letter by letter without case, blanks and
    punctuation, if it is one of a single published class and of no other class of the data set.

    Args:
        spec: Of the published model, with labels and perhaps synonyms of them.
        classes: The data set's.

    Returns:
        The data set's class by the published one.
    """
    names = {label: label for label in spec.labels if label in classes}
    published: dict[str, set[str]] = defaultdict(set)
    for label, synonyms in zip(spec.labels, spec.synonyms or spec.labels, strict=True):
        for name in (label, *synonyms.split(",")):
            published[_bare(name)].add(label)
    others = {name: published.get(_bare(name), set()) for name in classes if name not in names and _bare(name)}
    for name, labels in others.items():
        label = next(iter(labels), "")
        rivals = [other for other, theirs in others.items() if label in theirs]
        if len(labels) == 1 and label not in names and rivals == [name]:
            names[label] = name
    return names


def _bare(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
