"""Measure the model of a run; called in a process of its own."""

from __future__ import annotations

from typing import Any

from tlzoo.run.plan import Run
from tlzoo.vocabulary import Strategy

ROWS = 8
"""Examples to measure with, repeated in larger batches."""
LONGEST_STEP = 30.0
"""Seconds that a training step may be expected to take; of longer ones the rate is guessed, and none is tried."""


def measure_run(run: Run) -> dict[str, Any]:
    """Measure a run's model, as it is used after training, on examples of its data.

    Weights do not change speed or size, so all but published heads are measured with random parameters.

    Returns:
        The columns that a row shows; to plan with, the ``sizes`` of the splits and, for what is trained,
        ``training_rates`` in examples a second, by strategy: ``full``, ``partial`` and, where it takes more than
        seconds, ``probe`` (of a backbone, its head on cached features); and ``pretraining``, of a stand-in to come.
    """
    from dataclasses import replace

    from tlzoo.cards import catalogue
    from tlzoo.core.model import Model
    from tlzoo.measure.measure import BATCH_SIZES, measure, training_rate
    from tlzoo.run.execute import as_published, data_of, threads
    from tlzoo.tasks import task_type
    from tlzoo.tasks.head_model import HeadedModel, HeadModel
    from tlzoo.transfer import standin
    from tlzoo.transfer.adaptation import trainable
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.features import Features
    from tlzoo.transfer.strategies import apply, trains_on_cached_features

    threads()
    data, card = data_of(run.source), catalogue.get(run.checkpoint.card)
    task: Any = task_type(run.task, run.source.kind)(data.features)
    most = max(BATCH_SIZES) if getattr(task, "siamese", False) else ROWS  # what is repeated in pairs costs nothing
    rows = [data.splits["test"][i] for i in range(min(most, len(data.splits["test"])))]
    random = replace(run, checkpoint=replace(run.checkpoint, tier="none"))

    def build() -> Model:
        return trainable(assemble(random.checkpoint, task), task)

    def published() -> Model:
        return as_published(random if task.facts.untrained else run, task)

    trained: tuple[Strategy, ...] = () if run.strategy == "zero-shot" else ("full", "partial", "probe")
    found = measure(published if run.strategy == "zero-shot" else build, rows, run.device)
    found |= {"sizes": {name: len(split) for name, split in data.splits.items()}, "training_rates": {}}
    for strategy in trained:
        model = build()
        if trains_on_cached_features(card, task.facts, strategy):
            if not task.facts.is_dense:
                continue  # on cached vectors it takes seconds
            assert isinstance(model, HeadedModel)
            features = Features.of(model.backbone, task, rows, run.device)
            model = HeadModel(model.head, task, features, model.spec)
        else:
            apply(model, strategy)
        size = run.recipe.batch_size
        guess = found["throughput"] / 3  # backwards costs about twice as much as forwards
        slow = size / guess > LONGEST_STEP
        found["training_rates"][strategy] = guess if slow else training_rate(model, rows, size, run.device)
    if run.is_to_be_pretrained:
        model, _, _, source = standin.learner(card, run.checkpoint.variant)
        size = standin.training(card, run.checkpoint.variant).batch_size
        some = [source.splits["train"][i] for i in range(size)]
        found["training_rates"]["pretraining"] = training_rate(model, some, size, run.device)
    return found
