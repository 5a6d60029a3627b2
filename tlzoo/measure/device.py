"""Which device there is, and how many cores this process may use, without importing a deep-learning library."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def cuda_available() -> bool:
    """Whether an NVIDIA driver is loaded and shows at least one device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


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
