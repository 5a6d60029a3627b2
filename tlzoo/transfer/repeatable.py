"""Training and predicting so that the same machine gives the same numbers to the last digit, however many cores it has.

The order in which a sum is taken decides its last digit, and a network that is trained on makes much of it. So the
number of threads is fixed, kernels are the deterministic ones, and every random number comes from a seed. What is left
is the processor's own: other vector instructions add in another order.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

THREADS = 1
"""Threads that speed is measured with, and that small networks are trained with: a second one gives them 8 to 35% on an
idle machine of two cores, and costs 1.3 to 3.6 times on a busy one."""
PUBLISHED_THREADS = 2
"""Threads that networks of published size are trained with, on whatever machine: 1.75 times as fast as one."""


@contextmanager
def repeatable(threads: int = THREADS) -> Iterator[None]:
    """Compute inside with a fixed number of threads, and with deterministic kernels.

    Where torch has none, it says which operation that is, in a warning. Afterwards threads, kernels and the random
    numbers of the caller are as before, so that nothing depends on whether a stand-in was pretrained or found.

    Args:
        threads: Number of threads.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it matrix products on a GPU vary
    before = torch.get_num_threads()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    states = random.getstate(), np.random.get_state()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warning)
        torch.set_num_threads(before)


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Sha256 of the parameters and buffers of a model: of sorted names, each with its type, shape and bytes.

    Args:
        state: What ``state_dict()`` gives.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
