"""Mixed precision only where it is proven to run: processors advertise what virtual machines then refuse."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from tlzoo.errors import InputError

_PROBE = """
import sys, torch
device, dtype = sys.argv[1], {"bf16": torch.bfloat16}[sys.argv[2]]
net = torch.nn.Sequential(torch.nn.Conv2d(8, 16, 3), torch.nn.Flatten(), torch.nn.LazyLinear(64)).to(device)
with torch.autocast(device, dtype):
    loss = net(torch.randn(16, 8, 16, 16, device=device)).square().mean()
loss.backward()
assert torch.isfinite(loss)
"""


@cache
def runs(precision: str, device: str) -> bool:
    """Whether a small training step in mixed precision survives, tried in a child process."""
    command = [sys.executable, "-c", _PROBE, device, precision]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


def checked(precision: str, device: str) -> str:
    """The precision, if it is proven to run on the device.

    Raises:
        InputError: It is not.
    """
    if precision != "no" and not runs(precision, device):
        raise InputError(f"--precision {precision}: a trial step died on {device}; use --precision no (float32)")
    return precision
