"""How each strategy trains: plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlzoo.vocabulary import Head, Strategy

SHOTS = 5
"""Labelled examples in a few-shot prompt; each question pays for them again."""
CTC_STEPS = {"scratch": 700, "full": 700, "further": 1400, "partial": 500, "lora": 500, "probe": 300}
"""Optimizer steps of CTC heads, which predict blanks alone for hundreds of steps. A transformer takes twice as many: on
spoken numbers its word error rate is 0.50 after 700, at half the rate, and 0.24 after 1,400."""
MIN_STEPS = 60
"""Optimizer steps that a run may take, however few examples there are."""


STEPS = 600
"""Maximum number of optimizer steps of training all layers, whether they start from random values or from weights."""
TRIAL, DENSE_TRIAL = 0.2, 0.25
"""Share of the steps that each of three learning rates is tried for; more where an example is a whole map, since a
decoder that starts from random values stays on a plateau for a while."""
EXTENSIONS = 2
"""How often a grid of learning rates is extended."""
WHOLE = ("scratch", "partial", "full", "lora", "further")
"""Strategies that train more than the head, and are compared with each other."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run; part of its content key.

    Attributes:
        steps: Maximum number of optimizer steps.
        learning_rates: Peak learning rates to choose from, on validation.
        extensions: How often a further rate is tried beyond the best one, where that is the highest or the lowest.
        trial: Fraction of the steps that each learning rate is tried for.
        batch_size: Examples per step.
        accumulation: Batches per step; the batch of ``batch_size`` is cut into so many.
        warmup: Share of the steps with a rising learning rate; it falls as a cosine afterwards.
        weight_decay: AdamW's.
        looks: Number of evaluations on the validation split, over all steps.
        patience: Number of evaluations without improvement before training stops.
        awaits_learning: Whether patience counts, and validation chooses a learning rate, only once a model is better
            than a trivial predictor; until then what it scores is chance, and the training loss chooses.
        max_norm: Gradients are clipped to this norm.
        augment: Whether training batches are augmented (see ``Model.augment``).
        epochs: Maximum number of times that an example is seen, unless that is fewer than ``MIN_STEPS`` steps.
        precision: ``no`` (float32), or ``bf16`` or ``fp16`` (mixed; see ``tlzoo.run.precision``).
        metric: What chooses on validation; empty for the task's first metric.
        is_balanced: Whether every class is drawn as often as any other.
        shots: Labelled examples in the prompt of a model that is prompted instead of trained.
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
    epochs: int = 40
    precision: str = "no"
    metric: str = ""
    is_balanced: bool = False
    shots: int = 0
    extensions: int = 0
    awaits_learning: bool = False
    version: int = 1

    def for_examples(self, count: int) -> Recipe:
        """The recipe for a training set of so many."""
        epoch = -(-count // self.batch_size)
        return replace(self, steps=min(self.steps, max(MIN_STEPS, self.epochs * epoch)))

    def work(self) -> float:
        """Steps that a run is expected to take at most, those of the learning rates not chosen included.

        The grid of learning rates is mostly extended once or never.
        """
        return self.steps * (1 + self.trial * (len(self.learning_rates) + min(1, self.extensions) - 1))


@dataclass(frozen=True)
class NetworkFacts:
    """What decides how a network is trained, besides the task and the strategy.

    Attributes:
        is_native: Whether it brings its own head: a probe of it then has no cached features to train on, and every step
            runs the frozen network.
        is_transformer: Transformers learn nothing at the rates that convolutions take.
        learning_rate: The card's advice for tuning all layers with AdamW; small networks take more.
    """

    is_native: bool = False
    is_transformer: bool = False
    learning_rate: float | None = None


def _around(rate: float) -> tuple[float, float, float]:
    """Three learning rates, highest first, the middle one given."""
    return 3 * rate, rate, rate / 3


def recipe(strategy: Strategy, head: Head = "vector", network: NetworkFacts | None = None) -> Recipe:
    """The recipe of a strategy.

    From scratch and from weights, training takes the same number of steps, and brackets its learning rate alike: three
    rates, the grid extended where its highest or lowest is the best.

    Args:
        strategy: The strategy.
        head: What the task's heads read. An example with maps costs far more, and teaches more, than one class: a
            decoder that starts from random values stays on a plateau for a while, where validation is noise; so
            learning rates are tried for longer, and a native decoder's probe takes one that is known to leave it.
            Sequences are not cached either, and cost as much. Of heads that spell (CTC), validation says nothing for
            hundreds of steps, so a learning rate is chosen early, which is by the training loss, and no patience is
            lost on blanks. Where whole videos are generated, nothing costs as much a step, nor teaches as much.
        network: What is trained.
    """
    network = network or NetworkFacts()
    usual = 3e-4 if network.is_transformer else 1e-3
    tuned = network.learning_rate or usual
    chosen = {
        "probe": Recipe(600, (1e-2, 3e-3, 1e-3), trial=0.5, batch_size=32, weight_decay=1e-3),
        "scratch": Recipe(STEPS, _around(3 * usual), TRIAL),
        "partial": Recipe(400, _around(3 * tuned), TRIAL),
        "full": Recipe(STEPS, _around(3 * tuned), TRIAL),
        "lora": Recipe(400, _around(10 * tuned), TRIAL),
        "few-shot": Recipe(0, (), shots=SHOTS),
        "further": Recipe(1200, _around(3 * tuned), trial=0.1, patience=10),
    }.get(strategy, Recipe(0, ()))
    is_sequence = head in ("sequence", "ctc")
    if strategy == "probe" and head == "maps":
        chosen = Recipe(400, (1e-2,) if network.is_native else (1e-2, 3e-3), weight_decay=1e-3)
    elif strategy == "probe" and (network.is_native or is_sequence):
        chosen = Recipe(200, (1e-2, 3e-3) if is_sequence else (10 * tuned, 3 * tuned))
    if head == "maps" or is_sequence:
        trial = 0.5 if strategy == "probe" else DENSE_TRIAL
        chosen = replace(chosen, trial=trial, batch_size=8, epochs=25, looks=8, patience=4)
    if head == "frames" and chosen.steps:
        chosen = replace(
            chosen,
            steps=320 if strategy == "further" else 160,
            learning_rates=(2 * tuned,),
            batch_size=8,
            epochs=25,
            looks=4,
        )
    if head == "ctc" and strategy in CTC_STEPS:
        rates: tuple[float, ...] = (1e-2,) if strategy == "probe" else (2e-3 if network.is_transformer else 4e-3,)
        if network.learning_rate is not None:
            rates = chosen.learning_rates
        steps = CTC_STEPS[strategy] * (1 + network.is_transformer)
        chosen = replace(chosen, steps=steps, learning_rates=rates, trial=0.1, batch_size=16, patience=8)
    if strategy in WHOLE:
        chosen = replace(chosen, extensions=EXTENSIONS * (len(chosen.learning_rates) > 1), awaits_learning=True)
    return chosen
