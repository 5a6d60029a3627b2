"""Which device there is, asked of the driver, without importing a deep-learning library."""

from __future__ import annotations

import ctypes


def cuda_available() -> bool:
    """Whether an NVIDIA driver is loaded and shows at least one device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
