"""From a network to a model of a task: with the task's head, with the task's classes, or as it was published."""

from __future__ import annotations

from torch import nn

from tlzoo.core.model import Backbone, Model
from tlzoo.core.task import HeadTask, Task
from tlzoo.errors import InputError
from tlzoo.tasks.head_model import HeadedModel


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
