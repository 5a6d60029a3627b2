"""Mixed precision, used only after a trial: processors advertise instructions that virtual machines refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tlzoo.errors import DivergedError, InputError
from tlzoo.run.worker import Needs, Worker, WorkFailedError

PRECISIONS = ("no", "auto", "bf16", "fp16")
"""``no`` is float32; ``auto`` is the first mixed one that passes the trial on a GPU, and float32 on a CPU."""
TRIAL_SECONDS = 120.0
"""Maximum time of the trial, including the import of torch."""
MAX_DIFFERENCE = 0.05
"""By which the loss (in nats) and the accuracy of the trial may differ from those of float32."""


def checked(precision: str, device: str, apart: Callable[..., Any] | None = None) -> str:
    """The precision to train with; a mixed one only after a trial.

    Args:
        precision: One of :data:`PRECISIONS`.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``.
        apart: Calls a function in a process of its own, as :meth:`~tlzoo.run.worker.Worker.apart` does, where the runs
            will be; by default on this machine.

    Raises:
        InputError: The trial failed, or did not learn what float32 does.
    """
    if precision == "auto":
        mixed = () if device == "cpu" else PRECISIONS[2:]
        return next((each for each in mixed if not _why_not(each, device, apart)), "no")
    if precision != "no" and (reason := _why_not(precision, device, apart)):
        raise InputError(f"--precision {precision}: a trial failed on {device} ({reason}); use --precision no")
    return precision


@cache
def _why_not(precision: str, device: str, apart: Callable[..., Any] | None) -> str:
    """Why a trial in a separate process failed; empty if it did not."""
    call, needs = apart or Worker().apart, Needs(gpus=int(device != "cpu"))
    try:
        plain, mixed = call(try_both, precision, device, seconds=TRIAL_SECONDS, doing="the trial", needs=needs)
    except (WorkFailedError, DivergedError) as error:
        return str(error)
    for name, expected, value in zip(("loss", "accuracy"), plain, mixed, strict=True):
        if not abs(value - expected) <= MAX_DIFFERENCE:
            return f"its {name} is {value:.3f}, and {expected:.3f} with float32"
    return ""


def try_both(precision: str, device: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Train the same with float32, and with mixed precision."""
    from tlzoo.transfer.trial import train

    return train("no", device), train(precision, device)
