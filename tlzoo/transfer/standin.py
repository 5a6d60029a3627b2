"""Stand-in weights: nano variants pretrained here, on rendered or packaged source data, in a minute or so.

A stand-in is an ordinary run: the recipe names a task of the zoo and a source data set, the one loop trains the whole
network from scratch, and the backbone's parameters are cached under the hash of everything that decides them. If the
task has no head for a backbone (language modeling), the objective of the backbone's paper is used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo import blobs, files
from tlzoo.adapters.weights import Checkpoint, variant_of
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

    from tlzoo.core.batch import Example
    from tlzoo.core.model import Backbone, Learner, Model
    from tlzoo.core.task import Task
    from tlzoo.data.dataset import Prepared

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
WEIGHTS, LABELS = "model.safetensors", "labels.json"


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
    changes = NETWORKS.get(variant.model) or DATASETS[standin.data].pretraining or task_facts(standin.task).pretraining
    return replace(RECIPE, **changes)


def recipe_key(card: Card, variant_id: str) -> str:
    """Hash of everything that decides a stand-in's parameters."""
    variant, standin = recipe_of(card, variant_id)
    source = find(standin.task, standin.data, Limits(None, None, None))
    how = changed(training(card, variant_id))
    return key(card.variant_hash(variant), standin.task, source.fingerprint, how, SEED)


def load_standin(network: Backbone | Model, card: Card, checkpoint: Checkpoint) -> None:
    """Load a stand-in; pretrain it first if it is not cached.

    Raises:
        UnavailableError: It has to be pretrained, but data are not available or the cache cannot be written.
    """
    from safetensors.torch import load_file

    from tlzoo.core.model import Backbone, trainable
    from tlzoo.tasks import task_type

    path = pretrained(card, checkpoint.variant)
    learner = trainable(network)
    if isinstance(learner, Backbone):
        learner.drop_published_head()
    else:
        _, standin = recipe_of(card, checkpoint.variant)
        learner.for_task(task_type(standin.task, card.input.kind).of(json.loads((path.parent / LABELS).read_text())))
    learner.stand_in_target().load_state_dict(load_file(path))


def cached_path(key: str) -> Path:
    """The file of a stand-in's parameters in the cache, once they are pretrained."""
    return blobs.cache_dir() / "stand-ins" / key / WEIGHTS


def pretrained(card: Card, variant_id: str) -> Path:
    """The file of a stand-in's parameters, pretrained now if it is not cached."""
    from tlzoo.transfer.repeatable import repeatable

    def make(folder: Path) -> None:
        folder.mkdir()
        with repeatable():
            _pretrain(card, variant_id, folder)

    path = cached_path(recipe_key(card, variant_id))
    files.cached(path.parent, make, f"stand-in weights of {card.id}")
    return path


def weights_sha256(card: Card, variant_id: str) -> str:
    """Sha256 of the file of a stand-in's parameters, which is pretrained now if it is not there."""
    return blobs.sha256_of(pretrained(card, variant_id))


def learner(card: Card, variant_id: str) -> tuple[Learner, nn.Module, Task, Prepared]:
    """Build what pretrains a stand-in.

    Returns:
        A network with a loss (a backbone gets the task's head, or the objective of its paper if the task has none),
        the module in it whose parameters are the stand-in, the task, and the source data.
    """
    from tlzoo.adapters import build
    from tlzoo.adapters.pretraining import objective_for
    from tlzoo.core.model import Backbone, trainable
    from tlzoo.core.task import HeadTask
    from tlzoo.tasks import task_type

    variant, standin = recipe_of(card, variant_id)
    data = load(find(standin.task, standin.data, Limits(None, None, None)))
    task = task_type(standin.task, card.input.kind)(data.features)
    network = trainable(build(variant, card.input_of(variant)))
    if isinstance(network, Backbone) and not isinstance(task, HeadTask):
        return objective_for(network), network, task, data
    return network.for_task(task), network.stand_in_target(), task, data


def _pretrain(card: Card, variant_id: str, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from tlzoo.core.model import Model
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.transfer.inference import predict, statistics, value
    from tlzoo.transfer.loop import fit

    torch.manual_seed(SEED)
    model, target, task, data = learner(card, variant_id)
    train, validation = ([model.encode(row) for row in data.splits[s]] for s in ("train", "validation"))

    def score(current: Learner) -> float:
        if not isinstance(current, Model):
            return -_loss(current, validation)
        scores = statistics(task, predict(current, validation), data.splits["validation"])
        metric = task.metrics[0]
        return METRICS[metric].sign * value(metric, scores[metric])

    fit(
        model,
        train,
        score,
        training(card, variant_id),
        SEED,
        progress=sys.stderr.isatty(),
        label=f"{card.id}: pretraining a stand-in on {recipe_of(card, variant_id)[1].data}",
    )
    whole = torch.contiguous_format
    save_file({k: v.clone(memory_format=whole) for k, v in target.state_dict().items()}, folder / WEIGHTS)
    (folder / LABELS).write_text(json.dumps(task.labels))


def _loss(model: Learner, examples: Sequence[Example]) -> float:
    """Mean loss over validation examples; the hidden tokens are the same each time."""
    import torch

    from tlzoo.transfer.inference import batched

    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        losses = [float(model.loss(model.collate(batch))) for batch in batched(examples)]
    return sum(losses) / len(losses)
