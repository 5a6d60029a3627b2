"""Mixed precision, used only after a trial: processors advertise instructions that virtual machines refuse."""

from __future__ import annotations

from functools import cache

from tlzoo.errors import InputError
from tlzoo.run.worker import Worker, WorkFailedError

TRIAL_SECONDS = 120.0
"""Maximum time of the trial, including the import of torch."""


def checked(precision: str, device: str) -> str:
    """The precision, if it is ``no`` or a trial step runs on the device.

    Raises:
        InputError: The trial step failed.
    """
    if precision != "no" and (reason := _why_not(precision, device)):
        raise InputError(f"--precision {precision}: a trial step failed on {device} ({reason}); use --precision no")
    return precision


@cache
def _why_not(precision: str, device: str) -> str:
    """Why a trial step in a separate process failed; empty if it did not."""
    try:
        with Worker() as worker:
            worker.call(trial_step, precision, device, seconds=TRIAL_SECONDS, doing="the step")
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
