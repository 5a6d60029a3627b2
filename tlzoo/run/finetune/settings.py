"""What a person sets instead of leaving it to the recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tlzoo.errors import InputError
from tlzoo.transfer.recipe import Recipe


@dataclass(frozen=True)
class Settings:
    """Settings of training; what is absent is left to the recipe and to validation.

    Attributes:
        learning_rate: Peak learning rate.
        epochs: Maximum number of times that an example is seen.
        batch_size: Examples per step.
        metric: The metric of the task that chooses on validation.
    """

    learning_rate: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    metric: str | None = None

    def __post_init__(self) -> None:
        """Check each by itself.

        Raises:
            InputError: A number is out of range.
        """
        if self.learning_rate is not None and not (0 < self.learning_rate < math.inf):
            raise InputError(f"--lr {self.learning_rate:g}: expected more than 0")
        for option, value in (("--epochs", self.epochs), ("--batch-size", self.batch_size)):
            if value is not None and value < 1:
                raise InputError(f"{option} {value}: expected 1 or more")

    def applied(self, recipe: Recipe, examples: int) -> Recipe:
        """A recipe with these settings.

        Args:
            recipe: The recipe.
            examples: Number of training examples, which turns epochs into steps.
        """
        if self.learning_rate is not None:
            recipe = replace(recipe, learning_rates=(self.learning_rate,), extensions=0)
        if self.batch_size is not None:
            recipe = replace(recipe, batch_size=self.batch_size, accumulation=1)
        if self.epochs is not None:
            steps = self.epochs * math.ceil(examples / recipe.batch_size)
            recipe = replace(recipe, epochs=self.epochs, steps=steps, patience=recipe.looks)
        return replace(recipe, metric=self.metric or "")
