"""How stand-ins are made: nano variants, pretrained on rendered or packaged source data.

A stand-in is an ordinary run of the one loop: its recipe names tasks of the zoo and source data sets, and the whole
network is trained from scratch. If a task has no head for a backbone (language modeling), the objective of the
backbone's paper is used; if a source names a teacher, its vectors are learnt besides.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue, schema
from tlzoo.cards.schema import Card, StandIn, Variant
from tlzoo.data.catalogue import find, load
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError
from tlzoo.keys import changed, key
from tlzoo.transfer.recipe import Recipe
from tlzoo.vocabulary import Pretraining, task_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from tlzoo.core.batch import Example, Row
    from tlzoo.core.model import Backbone, Learner, TrainableModel
    from tlzoo.core.task import Task

RECIPE = Recipe(steps=800, learning_rates=(2e-3,), batch_size=64, looks=8, patience=8)
"""As much as a minute or so has room for; where that is not right for a task or a data set, its record says how. Text
is learnt in many small steps: in large ones, or at a higher rate, an encoder comes no further in the same time than to
know how frequent each token is, and that is a worse start than none."""
NETWORKS: Mapping[str, Pretraining] = {
    "Wav2Vec2Model": {"steps": 1000, "batch_size": 16, "looks": 4},
    "wav2vec:Wav2Vec": {"steps": 500, "batch_size": 16, "looks": 4},
}
"""How the networks are pretrained that need more than their data say, by the name that a card gives them."""
SEED = 0
NO_LIMITS = Limits(None, None, None)
LABELS = "labels"
"""What a file of parameters says of itself: the names of the last source's classes, as JSON."""
LARGEST = 60_000.0
"""Largest number that is kept in half precision."""


def recipe_of(card: Card, variant_id: str) -> tuple[Variant, StandIn]:
    """A variant and its stand-in recipe.

    Raises:
        InputError: The variant has no recipe.
    """
    variant = variant_of(card, variant_id)
    for weights in variant.weights:
        if weights.recipe is not None:
            return variant, weights.recipe
    raise InputError(f"{card.id}: variant {variant_id!r} has no stand-in recipe")


def training(card: Card, variant_id: str) -> Recipe:
    """How a variant's stand-in is trained."""
    variant, standin = recipe_of(card, variant_id)
    first = standin.sources[0]
    usual = NETWORKS.get(variant.model) or DATASETS[first.data].pretraining or task_facts(first.task).pretraining
    own: Pretraining = {}
    if standin.steps:
        own["steps"] = standin.steps
    if standin.batch_size:
        own["batch_size"] = standin.batch_size
    if standin.learning_rate:
        own["learning_rates"] = (standin.learning_rate,)
    return replace(RECIPE, **usual | own)


def recipe_key(card: Card, variant_id: str) -> str:
    """Hash of everything that decides the parameters of a stand-in that is pretrained here."""
    variant, standin = recipe_of(card, variant_id)
    sources = [part for source in standin.sources for part in _identity(source)]
    return key(card.variant_hash(variant), *sources, changed(training(card, variant_id)), SEED)


def _identity(source: schema.Source) -> list[str]:
    """What of a source decides the parameters: task, data, share, and the published files of its teacher."""
    identity = [source.task, find(source.task, source.data, NO_LIMITS).fingerprint]
    if source.share > 1:
        identity.append(str(source.share))
    if source.teacher is None:
        return identity
    weights = next(weights for weights in catalogue.get(source.teacher).default.weights if weights.tier == "official")
    return [*identity, *(file.sha256 or file.name for file in weights.files)]


@dataclass(frozen=True)
class Source:
    """A source that is learnt from.

    Attributes:
        learner: A network with a loss on its rows: a backbone with the task's head, or with the objective of its paper
            for a task that has none; a model with its own head.
        task: The task, bound to the data.
        train: Training examples.
        validation: Validation examples.
        rows: The rows of the validation examples.
        share: Batches of it to one of a source whose share is 1.
    """

    learner: Learner
    task: Task
    train: Sequence[Example]
    validation: Sequence[Example]
    rows: Sequence[Row]
    share: int


def pretrain(card: Card, variant_id: str, path: Path, progress: bool | None = None) -> None:
    """Pretrain a stand-in.

    A backbone learns all its sources together, each its share of the steps. A model with its own head learns one after
    the other, since a head is of one task.

    Args:
        card: The card.
        variant_id: The variant.
        path: The file to write: its parameters, in half precision, with the names of the last source's classes.
        progress: Whether to show progress bars; by default on a terminal.

    Raises:
        UnavailableError: Source data or a teacher's weights are not available.
    """
    import torch

    from tlzoo.adapters import build
    from tlzoo.core.model import Backbone, trainable

    torch.manual_seed(SEED)
    variant, standin = recipe_of(card, variant_id)
    network = trainable(build(variant, card.input_of(variant)))
    how, shown = training(card, variant_id), sys.stderr.isatty() if progress is None else progress
    if isinstance(network, Backbone):
        sources = [_source(network, given, card) for given in standin.sources]
        _fit(sources, how, card, shown)
    else:
        how = replace(how, steps=how.steps // len(standin.sources))
        for given in standin.sources:
            sources = [_source(network, given, card)]
            _fit(sources, how, card, shown)
    write(network.stand_in_target(), sources[-1].task.labels, path)


def _source(network: Backbone | TrainableModel, given: schema.Source, card: Card) -> Source:
    """Make a network ready for a source, and encode its rows, before another task changes how inputs are read."""
    from tlzoo.adapters.pretraining import Objective, objective_for
    from tlzoo.core.model import Backbone, HeadedModel
    from tlzoo.core.task import HeadTask
    from tlzoo.tasks import task_type
    from tlzoo.transfer.distil import distilled

    source = find(given.task, given.data, NO_LIMITS)
    data = load(source)
    task = task_type(given.task, card.input.kind)(data.features)
    splits = [data.splits["train"], data.splits["validation"]]
    learner: Learner
    if isinstance(network, Backbone) and not isinstance(task, HeadTask):
        learner = objective_for(network)
    else:
        learner = network.for_task(task)
    if given.teacher is not None:
        if not isinstance(learner, HeadedModel | Objective):
            raise InputError(f"{card.id}: brings its own head, so it cannot learn the vectors of {given.teacher}")
        vectors = task_type(f"{task_facts(given.task).domain}-classification", card.input.kind).of(("", " "))
        assert isinstance(vectors, HeadTask)
        learner = distilled(learner, given.teacher, splits, vectors, source.fingerprint)
    train, validation = ([learner.encode(row) for row in split] for split in splits)
    return Source(learner, task, train, validation, splits[1], given.share)


def _fit(sources: Sequence[Source], how: Recipe, card: Card, progress: bool) -> None:
    from tlzoo.transfer.loop import fit
    from tlzoo.transfer.sources import Together

    label = f"{card.id}: pretraining a stand-in"
    score = partial(_score, sources)
    if len(sources) == 1:
        fit(sources[0].learner, sources[0].train, score, how, SEED, progress=progress, label=label)
        return
    whole = Together([source.learner for source in sources], [source.share for source in sources])
    fit(whole, whole.joined([source.train for source in sources]), score, how, SEED, progress=progress, label=label)


def _score(sources: Sequence[Source], current: Learner) -> float:
    """Score on validation: the headline of one task that the network does, else minus the mean loss of the sources."""
    from tlzoo.core.model import Model
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.transfer.inference import predict, statistics, value

    if isinstance(current, Model):
        task, metric = sources[0].task, sources[0].task.metrics[0]
        scores = statistics(task, predict(current, sources[0].validation), sources[0].rows)
        return METRICS[metric].sign * value(metric, scores[metric])
    return -sum(_loss(source.learner, source.validation) for source in sources) / len(sources)


def _loss(model: Learner, examples: Sequence[Example]) -> float:
    """Mean loss over validation examples; the hidden tokens are the same each time."""
    import torch

    from tlzoo.transfer.inference import batched

    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        losses = [float(model.loss(model.collate(batch))) for batch in batched(examples)]
    return sum(losses) / len(losses)


def write(module: nn.Module, labels: Sequence[str], path: Path) -> None:
    """Write a module's parameters and buffers, floats in half precision where their range allows it.

    Args:
        module: The module.
        labels: Names of classes, kept with them.
        path: The file.
    """
    import torch
    from safetensors.torch import save_file

    state = {}
    for name, given in module.state_dict().items():
        value = given.detach().clone(memory_format=torch.contiguous_format)
        fits = value.is_floating_point() and float(value.abs().amax() if value.numel() else 0) < LARGEST
        state[name] = value.half() if fits else value
    save_file(state, path, {LABELS: json.dumps(list(labels))})  # of one entry: several are written in any order
