"""From a checkpoint to a network with its parameters."""

from __future__ import annotations

from tlzoo.adapters import build
from tlzoo.adapters.base import Backbone, Model
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.tasks.base import Task


def assemble(checkpoint: Checkpoint, task: Task | None = None) -> Backbone | Model:
    """Build a variant and load its weights; of tier ``none``, parameters are random.

    Args:
        checkpoint: Variant and weights.
        task: The task that it is for.

    Raises:
        UnavailableError: No adapter, or a part of a stand-in's source cannot be had.
        InputError: The weights do not fit the network.
    """
    card = catalogue.get(checkpoint.card)
    network = build(variant_of(card, checkpoint.variant), task)
    if checkpoint.tier == "official" and checkpoint.files:
        network.load_official(checkpoint.paths())
    elif checkpoint.tier == "stand-in" and not checkpoint.served_by:
        if not isinstance(network, Backbone):
            raise InputError(f"{checkpoint.card}: only backbones have stand-in weights")
        from tlzoo.transfer.standin import load_standin

        load_standin(network, card, checkpoint)
    return network


def backbone(checkpoint: Checkpoint) -> Backbone:
    """The same, for what must be a backbone."""
    network = assemble(checkpoint)
    if not isinstance(network, Backbone):
        raise InputError(f"{checkpoint.card} brings its own head and cannot take a task's")
    return network
