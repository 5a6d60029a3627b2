"""From a checkpoint to a network with its parameters."""

from __future__ import annotations

from torch import nn

from tlzoo.adapters import build
from tlzoo.adapters.base import Backbone, Model
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.tasks.base import HeadTask, Task
from tlzoo.tasks.headed import HeadedModel


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
    variant = variant_of(card, checkpoint.variant)
    network = build(variant, card.input_of(variant), task)
    if checkpoint.tier == "official" and checkpoint.files:
        network.load_official(checkpoint.paths())
    elif checkpoint.tier == "stand-in" and not checkpoint.served_by:
        from tlzoo.transfer.standin import load_standin

        load_standin(network, card, checkpoint)
    return network


def trainable(network: Backbone | Model, task: Task) -> Model:
    """A network that can be trained on a task: a backbone gets the task's head, a native model the task's classes.

    Raises:
        InputError: The model or the task cannot be trained so.
    """
    if isinstance(network, Backbone):
        return HeadedModel(network, headed(task))
    network.adapt(task)
    return network


def untrained(network: Backbone | Model, task: Task) -> Model | None:
    """A network as it was published, without any training: with its own head, or with none where the task needs none.

    Returns:
        The model; absent where it needs a head and was published without.
    """
    if not (isinstance(network, Backbone) and task.facts.untrained):
        return network.published()
    model = HeadedModel(network, headed(task))
    model.head = nn.Identity()
    return model


def headed(task: Task) -> HeadTask:
    """The same task, which has a head.

    Raises:
        InputError: It has none.
    """
    if not isinstance(task, HeadTask):
        raise InputError(f"{task.name} has no head that a backbone could be trained with")
    return task
