"""Stand-in weights: nano variants that this project pretrained, read from the file that ships, or pretrained here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo import blobs, files
from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards.schema import Card
from tlzoo.transfer.pretraining import LABELS, pretrain, recipe_key, recipe_of

if TYPE_CHECKING:
    from tlzoo.core.model import Backbone, Model

WEIGHTS = "model.safetensors"


def load_standin(network: Backbone | Model, card: Card, checkpoint: Checkpoint) -> None:
    """Load a stand-in: of the file that ships, or else one that is pretrained first if it is not cached.

    Raises:
        UnavailableError: It has to be pretrained, but data are not available or the cache cannot be written.
    """
    from safetensors import safe_open

    from tlzoo.core.model import Backbone, trainable
    from tlzoo.tasks import task_type

    learner = trainable(network)
    with safe_open(path_of(card, checkpoint), "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        labels = json.loads(file.metadata()[LABELS])
    if isinstance(learner, Backbone):
        learner.drop_published_head()
    else:
        _, standin = recipe_of(card, checkpoint.variant)
        learner.for_task(task_type(standin.sources[-1].task, card.input.kind).of(labels))
    learner.stand_in_target().load_state_dict(state)


def path_of(card: Card, checkpoint: Checkpoint) -> Path:
    """The file of a stand-in's parameters: the one that ships, or one pretrained now if it is not cached."""
    shipped = list(checkpoint.paths().values())
    return shipped[0] if shipped else pretrained(card, checkpoint.variant)


def cached_path(key: str) -> Path:
    """The file of a stand-in's parameters in the cache, once they are pretrained."""
    return blobs.cache_dir() / "stand-ins" / key / WEIGHTS


def pretrained(card: Card, variant_id: str) -> Path:
    """The file of the parameters of a stand-in that is pretrained here, now if it is not cached."""
    from tlzoo.transfer.repeatable import repeatable

    def make(folder: Path) -> None:
        folder.mkdir()
        with repeatable():
            pretrain(card, variant_id, folder / WEIGHTS)

    path = cached_path(recipe_key(card, variant_id))
    files.cached(path.parent, make, f"stand-in weights of {card.id}")
    return path


def weights_sha256(card: Card, checkpoint: Checkpoint) -> str:
    """Sha256 of the file of a stand-in's parameters, which is pretrained now if it is not there."""
    return checkpoint.sha256 if checkpoint.files else blobs.sha256_of(pretrained(card, checkpoint.variant))
