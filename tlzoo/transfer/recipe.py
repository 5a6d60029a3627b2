"""How each strategy trains: plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlzoo.cards.vocabulary import Strategy


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run; part of its content key.

    Attributes:
        steps: Most optimizer steps.
        learning_rates: Peak learning rates to choose from, on validation.
        trial: Share of the steps that each learning rate is tried for.
        batch_size: Examples a step.
        accumulation: Batches a step; the batch of ``batch_size`` is cut into so many.
        warmup: Share of the steps with a rising learning rate; it falls as a cosine afterwards.
        weight_decay: AdamW's.
        looks: Times that validation is looked at, over all steps.
        patience: Looks without improvement before training stops.
        max_norm: Gradients are clipped to this norm.
        augment: Whether training batches are varied (see ``Model.augment``).
        precision: ``no`` (float32) or ``bf16`` (mixed; see ``tlzoo.transfer.precision``).
        version: Raised when the loop changes what a recipe means.
    """

    steps: int
    learning_rates: tuple[float, ...]
    trial: float = 0.25
    batch_size: int = 16
    accumulation: int = 1
    warmup: float = 0.1
    weight_decay: float = 0.01
    looks: int = 16
    patience: int = 5
    max_norm: float = 1.0
    augment: bool = True
    precision: str = "no"
    version: int = 1

    def for_examples(self, count: int) -> Recipe:
        """The recipe for a training set: at most 40 epochs, but never fewer than 60 steps."""
        epoch = -(-count // self.batch_size)
        return replace(self, steps=min(self.steps, max(60, 40 * epoch)))

    def work(self) -> float:
        """Steps that a run may take, those of the learning rates not chosen included."""
        return self.steps * (1 + self.trial * (len(self.learning_rates) - 1))


def recipe(strategy: Strategy, learning_rate: float | None = None, native: bool = False, dense: bool = False) -> Recipe:
    """The recipe of a strategy.

    Args:
        strategy: The strategy.
        learning_rate: The card's advice for tuning all layers with AdamW; small networks take more.
        native: Whether the model brings its own head: a probe of it then has no cached features to train on, and every
            step runs the frozen network.
        dense: Whether the task's heads read maps: a step of a probe then costs far more than one on a vector.
    """
    tuned = learning_rate or 1e-3
    if native and strategy == "probe":
        return Recipe(200, (10 * tuned, 3 * tuned))
    if dense and strategy == "probe":
        return Recipe(200, (1e-2, 3e-3), weight_decay=1e-3)
    return {
        "probe": Recipe(600, (1e-2, 3e-3, 1e-3), trial=0.5, batch_size=32, weight_decay=1e-3),
        "scratch": Recipe(600, (3e-3, 1e-3), trial=0.5),
        "partial": Recipe(400, (3 * tuned, tuned)),
        "full": Recipe(400, (3 * tuned, tuned)),
        "lora": Recipe(400, (10 * tuned, 3 * tuned)),
        "further": Recipe(1200, (3 * tuned, tuned), trial=0.1, patience=10),
    }.get(strategy, Recipe(0, ()))
