"""The time of an evaluation: what is spent, what is left, and when work is taken to hang."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESERVED = 0.025
"""Share of the budget for what is not a run: starting, tables, and an estimate that was a little low."""
SLACK = 1.25
"""What a run takes over its estimate at the worst: measured rates are the best of a few steps, on prepared inputs."""
HANG_FACTOR = 10.0
"""How many times its estimate work may take, and the patience besides, before it is taken to hang."""


class Budget:
    """A clock that starts when it is made."""

    def __init__(self, minutes: float, patience: float) -> None:
        """Start the clock.

        Args:
            minutes: Time for all runs, those of earlier evaluations included.
            patience: Seconds that work may take beyond what is planned before it is taken to hang.
        """
        self.minutes, self.patience = minutes, patience
        self._began = time.monotonic()
        self._laps: dict[int, float] = {}
        self._earlier = 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock, such as while another evaluation is waited for."""
        stopped = time.monotonic()
        try:
            yield
        finally:
            pause = time.monotonic() - stopped
            self._began += pause
            self._laps = {thread: lap + pause for thread, lap in self._laps.items()}

    def charge(self, seconds: float) -> None:
        """Count what earlier evaluations spent."""
        self._earlier += seconds

    @property
    def left(self) -> float:
        """Seconds that are left; negative where more was spent."""
        return 60 * self.minutes * (1 - RESERVED) - self._earlier - (time.monotonic() - self._began)

    def deadline(self, expected: float = math.inf) -> float:
        """Seconds after which work that is expected to take some is taken to hang."""
        return self.patience + min(HANG_FACTOR * expected, SLACK * max(0.0, self.left))

    def fits(self, expected: float) -> bool:
        """Whether there is time for work that is expected to take some seconds."""
        left = self.left
        return left > 0 and SLACK * expected <= left

    def shortage(self, expected: float) -> str:
        """Why work does not fit, for a person."""
        needed = f"about {SLACK * expected / 60:.1f} min needed, " if expected else ""
        return f"{needed}{max(0.0, self.left) / 60:.1f} min left of --budget {self.minutes:g}"

    def lap(self) -> float:
        """Seconds since the last call of this thread, or since the start."""
        now, thread = time.monotonic(), threading.get_ident()
        began, self._laps[thread] = self._laps.get(thread, self._began), now
        return now - began
