"""The tasks, one module each; which class does one stands in its record, and is imported on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, get_type_hints

from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from tlzoo.core.predictions import Prediction
    from tlzoo.core.task import Task


def task_type(name: str, kind: str | None = None) -> type[Task]:
    """The class of a task.

    Args:
        name: The task.
        kind: The kind of input; by default that of the task's domain.

    Raises:
        InputError: There is no such task.
    """
    module, _, attribute = task_facts(name).code_of(kind).partition(":")
    return getattr(import_module(f"tlzoo.tasks.{module}"), attribute)  # type: ignore[no-any-return]


def prediction_type(name: str, kind: str | None = None) -> type[Prediction]:
    """The type of a task's predictions; arguments and errors as of :func:`task_type`."""
    return get_type_hints(task_type(name, kind).statistics)["prediction"]  # type: ignore[no-any-return]
