"""Mixed precision only where it is proven to run: processors advertise what virtual machines then refuse."""

from __future__ import annotations

from functools import cache

from tlzoo.errors import InputError
from tlzoo.run.worker import Worker, WorkFailedError

SECONDS = 120.0
"""Seconds that the trial may take, the import of torch included."""


def checked(precision: str, device: str) -> str:
    """The precision, if it is ``no`` or proven to run on the device.

    Raises:
        InputError: It is not.
    """
    if precision != "no" and (reason := _why_not(precision, device)):
        raise InputError(f"--precision {precision}: a trial step failed on {device} ({reason}); use --precision no")
    return precision


@cache
def _why_not(precision: str, device: str) -> str:
    """What ended a trial step in a process of its own; empty where nothing did."""
    try:
        with Worker() as worker:
            worker.call(trial_step, precision, device, seconds=SECONDS, doing="the step")
    except WorkFailedError as error:
        return error.reason
    return ""


def trial_step(precision: str, device: str) -> None:
    """Take a small training step in mixed precision."""
    import torch

    dtype = {"bf16": torch.bfloat16}[precision]
    net = torch.nn.Sequential(torch.nn.Conv2d(8, 16, 3), torch.nn.Flatten(), torch.nn.LazyLinear(64)).to(device)
    with torch.autocast(device, dtype):
        loss = net(torch.randn(16, 8, 16, 16, device=device)).square().mean()
    loss.backward()
    if not torch.isfinite(loss):
        raise ArithmeticError("the loss is not finite")
