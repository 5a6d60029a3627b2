"""Which device to compute on, and how many cores this process may use; torch is imported only where it may have one."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

from tlzoo.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
"""What can be asked for; ``cuda`` is an NVIDIA or AMD GPU, ``mps`` an Apple one, ``xpu`` an Intel one."""
_DRIVERS = ("libcuda.so.1", "libze_loader.so.1")
"""Libraries of which torch needs one on Linux to use a GPU of NVIDIA or Intel."""
_AMD = Path("/dev/kfd")
"""Where Linux shows GPUs of AMD that compute."""
_CGROUPS = Path("/sys/fs/cgroup")


def choose_device(device: str) -> str:
    """The device that ``--device`` names; ``auto`` is the accelerator that torch can use, else the CPU.

    Raises:
        InputError: This machine has no such device.
    """
    if device == "cpu":
        return device
    available = accelerator() or "cpu"
    if device in ("auto", available):
        return available
    others = " or ".join(f"--device {each}" for each in dict.fromkeys((available, "cpu")))
    raise InputError(f"--device {device}: torch can use no such device here; use {others}")


def accelerator() -> str | None:
    """Kind of the accelerator that torch can use here, one of :data:`DEVICES`; absent where there is none."""
    if sys.platform == "linux" and not _AMD.exists() and not any(map(_loads, _DRIVERS)):
        return None  # torch takes seconds to say so
    import torch

    device = torch.accelerator.current_accelerator(check_available=True)
    return device.type if device is not None and device.type in DEVICES else None


def device_name(device: str) -> str:
    """``cpu``, or the name of the accelerator, such as ``NVIDIA L4``."""
    import torch

    if device == "cpu":
        return device
    name = torch.backends.mps.get_name() if device == "mps" else torch.get_device_module(device).get_device_name()
    return str(name)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def cores() -> int:
    """Cores that this process may use: those it may run on, or fewer where its control group has a quota of time."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(_CGROUPS)
    return allowed if quota is None else max(1, min(allowed, int(quota)))


@cache
def thread_count() -> int:
    """Threads to compute with: ``OMP_NUM_THREADS``, else one for each of :func:`cores`."""
    return int(os.environ.get("OMP_NUM_THREADS") or cores())


def _quota(root: Path) -> float | None:
    """Cores' worth of time that a control group has, by its files of version 2 or 1; absent where it is not limited."""
    try:
        limit, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return None
    return None if limit == "max" or int(limit) <= 0 else int(limit) / int(period)
