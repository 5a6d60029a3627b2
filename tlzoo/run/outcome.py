"""What a run gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlzoo.core.model import Model, Usage
    from tlzoo.core.predictions import Prediction


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    Attributes:
        n_train: Training examples.
        n_validation: Validation examples.
        history: ``seconds`` of training, ``step``, ``loss`` and validation ``score`` (more is better) of each
            validation.
        train_seconds: Of the chosen learning rate, frozen features included.
        search_seconds: Of the other learning rates.
        learning_rate: The one chosen on validation.
        steps: Optimizer steps at the chosen learning rate.
        rate_at_edge: Whether that is the highest or the lowest of those tried; absent if one was tried.
        trivial_score: Validation score of the trivial predictor (more is better); absent if it is not known.
    """

    n_train: int
    n_validation: int
    history: tuple[Mapping[str, float], ...]
    train_seconds: float
    search_seconds: float
    learning_rate: float
    steps: int
    rate_at_edge: bool | None = None
    trivial_score: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes:
        values: Each metric that is a number on the test examples, headline first.
        statistics: Of each metric, what its reducer takes of each test example.
        example_ids: The test examples.
        groups: What the bootstrap resamples, one name a test example.
        n_train: Training examples; of few-shot, those in the prompt.
        device: What the run was computed on.
        threads: Threads that speed is measured with.
        weights_sha256: Sha256 of the file of weights that was loaded; absent if none was.
        trained_sha256: Sha256 of the trained model's parameters and buffers; absent if nothing was trained.
        training: How the model was trained, if it was.
        validation_score: Score on validation (more is better) of a model that is not trained; absent behind an API.
        usage: What the model was asked, if it is behind an API.
        description: What it is, of a baseline.
        model: The model with its head; absent where it stayed in a process of its own.
        predictions: Of the test examples; none where they stayed in a process of its own.
    """

    values: Mapping[str, float]
    statistics: Mapping[str, Sequence[Sequence[float]]]
    example_ids: Sequence[str]
    groups: Sequence[str]
    n_train: int
    device: str
    threads: int
    weights_sha256: str | None = None
    trained_sha256: str | None = None
    training: Training | None = None
    validation_score: float | None = None
    usage: Usage | None = None
    description: str | None = None
    model: Model | None = field(default=None, repr=False, compare=False)
    predictions: Sequence[Prediction] = field(default=(), repr=False, compare=False)

    @property
    def n_test(self) -> int:
        """Test examples."""
        return len(self.example_ids)
