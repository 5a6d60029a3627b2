"""The state of a training that takes long, kept so that a killed one goes on from there with the same result."""

from __future__ import annotations

import glob
import hashlib
import math
import os
import pickle
import random
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from tlzoo.errors import TlzooError
from tlzoo.files import sha256_of

SECONDS = 20.0
"""Minimum time between two states, and before the first one, so that a short training writes nothing."""

MIN_RATIO = 20.0
"""Minimum time between two states, in units of what writing one took."""


class SavedState:
    """The latest state of one training, in a file whose name ends in its own sha256.

    As a context it forgets the state when the work inside has ended, be it with a :class:`TlzooError`; not when it is
    interrupted or killed.
    """

    def __init__(self, folder: Path, name: str, seconds: float | None = None) -> None:
        """Write nothing yet.

        Args:
            folder: Where the file is; made when something is written.
            name: Identifies the training.
            seconds: Minimum time between two states; by default ``SECONDS``.
        """
        self.folder, self.name, self.seconds = folder, name, SECONDS if seconds is None else seconds
        self.is_written = False
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the state where the work has ended."""
        if error is None or isinstance(error, TlzooError):
            self.forget()

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next state."""
        return time.monotonic() - self._last >= self.seconds

    def read(self, key: Callable[[], str]) -> dict[str, Any] | None:
        """The latest state, on the CPU; none where there is none of this training.

        Args:
            key: Gives what the state depends on; called where there is a state.
        """
        for path in self._paths():
            reason = "differs from its checksum"
            try:
                checksum = sha256_of(path)
            except FileNotFoundError:  # of another process that does the same, and has ended
                continue
            if checksum == path.name.split(".")[-2]:
                try:
                    content = torch.load(path, map_location="cpu", weights_only=True)
                except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
                    reason = f"cannot be read ({str(error).splitlines()[0]})"
                else:
                    if content["key"] == key():
                        state: dict[str, Any] = content["state"]
                        return state
                    continue
            print(f"{path}: {reason}; training begins anew", file=sys.stderr)
        return None

    def write(self, key: str, state: dict[str, Any]) -> None:
        """Put a state in the place of the one before; a disk that is full ends that with a line, not the training."""
        began = time.monotonic()
        part = self.folder / f".{secrets.token_hex(4)}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                torch.save({"key": key, "state": state}, part)
                path = self.folder / f"{self.name}.{sha256_of(part)}.state"
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
            self.is_written = True
            for earlier in self._paths():
                if earlier != path:
                    earlier.unlink(missing_ok=True)
        except (OSError, RuntimeError) as error:  # torch raises the latter where it cannot write
            print(f"{self.folder}: the state of training cannot be kept ({error})", file=sys.stderr)
            self.seconds = math.inf
        self._last = time.monotonic()
        self.seconds = max(self.seconds, MIN_RATIO * (self._last - began))

    def forget(self) -> None:
        """Delete the state."""
        for path in self._paths():
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return list(self.folder.glob(f"{glob.escape(self.name)}.*.state"))


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of all generators that training draws from, but for its own of the order of examples."""
    numbers = np.random.get_state(legacy=False)
    assert isinstance(numbers, dict)
    key = torch.from_numpy(numbers["state"]["key"].astype(np.int64))
    return {
        "python": random.getstate(),
        "numpy": numbers | {"state": numbers["state"] | {"key": key}},
        "torch": torch.get_rng_state(),
        "device": None if device.type == "cpu" else torch.get_device_module(device).get_rng_state(),
    }


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Set what :func:`random_state` gave."""
    random.setstate(state["python"])
    numbers = state["numpy"]
    key = numbers["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state(numbers | {"state": numbers["state"] | {"key": key}})
    torch.set_rng_state(state["torch"])
    if state["device"] is not None:
        torch.get_device_module(device).set_rng_state(state["device"])


def key_of(*parts: object) -> str:
    """What identifies a training: a hash of values whose ``repr`` says all of them."""
    return hashlib.sha256(repr((torch.__version__, *parts)).encode()).hexdigest()
