"""What a person sets instead of leaving it to the recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tlzoo.adapters.weights import card_of, variant_of
from tlzoo.errors import InputError
from tlzoo.run.plan import Run
from tlzoo.transfer.recipe import Recipe

MIN_PIXELS, MAX_PIXELS = 16, 2048
"""Of the side of a picture."""


@dataclass(frozen=True)
class Settings:
    """Settings of training; what is absent is left to the recipe and to validation.

    Attributes:
        learning_rate: Peak learning rate.
        epochs: Maximum number of times that an example is seen.
        batch_size: Examples per step.
        metric: The metric of the task that chooses on validation.
        image_size: Height and width that pictures are read with, in pixels.
    """

    learning_rate: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    metric: str | None = None
    image_size: int | None = None

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
        if self.image_size is not None and not MIN_PIXELS <= self.image_size <= MAX_PIXELS:
            raise InputError(f"--image-size {self.image_size}: expected {MIN_PIXELS} to {MAX_PIXELS:,} pixels")

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

    def resized(self, run: Run) -> Run:
        """A run whose model reads pictures of the size that was set.

        Raises:
            InputError: It reads none.
        """
        if self.image_size is None:
            return run
        card = card_of(run.checkpoint)
        old = variant_of(card, run.checkpoint.variant)
        given = card.input_of(old)
        if given.kind != "image":
            raise InputError(f"--image-size {self.image_size}: is for models of pictures; {card.id} reads {given.kind}")
        changes = {"size": self.image_size}
        if given.resize and given.height:
            changes["resize"] = round(given.resize * self.image_size / given.height)
        new = old.model_copy(update=changes)
        card = card.model_copy(update={"variants": [new if each is old else each for each in card.variants]})
        return replace(run, checkpoint=replace(run.checkpoint, drafted=card), card_hash=card.variant_hash(new))


def check_size(run: Run) -> None:
    """Read a picture of the size of a run's model.

    Raises:
        InputError: It cannot, as it was not made for this size.
    """
    import torch

    from tlzoo.core.image import ImageBackbone
    from tlzoo.transfer.assemble import assemble

    name, size = run.checkpoint.name, variant_of(card_of(run.checkpoint), run.checkpoint.variant).size
    assert size is not None, "it was set"
    try:
        network = assemble(run.checkpoint)
        if not isinstance(network, ImageBackbone):
            raise InputError(f"--image-size {size}: {name} reads pictures in its own size only")
        with torch.inference_mode():
            network.eval()({"image": torch.zeros(1, 3, size, size, dtype=torch.uint8)})
    except (AssertionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"--image-size {size}: {name} cannot read pictures of that size ({reason})") from None
