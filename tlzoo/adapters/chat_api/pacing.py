"""When to send the next request to an endpoint: not too many at a time, and not before the endpoint allows it.

The ``openai`` client waits and retries by itself, but inside one request: other requests do not know of the wait, and a
time limit does not end it. So the client tries once only, and the waiting is done here.
"""

from __future__ import annotations

import math
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from tlzoo.errors import StoppedError, TlzooError

FIRST_WAIT = 0.5
MAX_WAIT = 30.0
"""Seconds before the first retry, and before any retry."""
RECOVERY = 20
"""Consecutive answers after which one more request is sent at a time."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Pace:
    """The pace of requests to one endpoint, shared by the threads that send them.

    Attributes:
        width: Requests at a time; halved when the endpoint limits the rate, then slowly raised again.
    """

    def __init__(self, max_width: int, seconds: float = math.inf) -> None:
        """Start the clock.

        Args:
            max_width: Maximum number of requests at a time.
            seconds: Time after which no more requests are sent.
        """
        self.max_width = self.width = max_width
        self._until = time.monotonic() + seconds
        self._not_before = self._narrowed = 0.0
        self._busy = self._streak = 0
        self._failure: TlzooError | None = None
        self._changed = threading.Condition()

    def left(self) -> float:
        """Seconds left."""
        return self._until - time.monotonic()

    @contextmanager
    def turn(self, wait: float = 0.0) -> Iterator[None]:
        """Wait until one request may be sent; the context lasts as long as the request.

        Args:
            wait: Minimum wait of this request in seconds.

        Raises:
            StoppedError: The time is over, or will be before the request may be sent.
            TlzooError: The failure that :meth:`fail` was given.
        """
        own = time.monotonic() + wait
        with self._changed:
            while True:
                now, start = time.monotonic(), max(own, self._not_before)
                if self._failure is not None:
                    raise self._failure
                if max(now, start) >= self._until:
                    wanted = f"the endpoint asks to wait {start - now:.0f} s, but " if start > now else ""
                    raise StoppedError(f"{wanted}only {max(0.0, self._until - now):.0f} s of --budget remain")
                if now >= start and self._busy < self.width:
                    break
                pause = min(start, self._until) - now if now < start else self._until - now
                self._changed.wait(min(pause, threading.TIMEOUT_MAX))
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def answered(self, headers: Mapping[str, str]) -> None:
        """Record an answer: an exhausted rate limit is waited for, and a long streak raises the width."""
        with self._changed:
            self._streak += 1
            if self._streak % RECOVERY == 0:
                self.width = min(self.max_width, self.width + 1)
            self._not_before = max(self._not_before, time.monotonic() + exhausted(headers))

    def refused(self, wait: float, sent: float = math.inf) -> None:
        """Record that the endpoint limits the rate: all requests wait, and then fewer go at a time.

        Requests that were sent together are refused together, which counts once.

        Args:
            wait: Seconds to wait.
            sent: When the request was sent (``time.monotonic``).
        """
        with self._changed:
            now = time.monotonic()
            if sent >= self._narrowed:
                self.width, self._narrowed = max(1, self.width // 2), now
            self._streak = 0
            self._not_before = max(self._not_before, now + wait)

    def fail(self, failure: TlzooError) -> None:
        """End all waiting with an error, the first one given; no request is sent until :meth:`resume`."""
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    def resume(self) -> None:
        """Allow requests after a failure."""
        with self._changed:
            self._failure = None


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a refusal asks to wait, if it says so.

    Args:
        headers: ``Retry-After-Ms``, ``Retry-After`` (seconds or a date: RFC 9110, section 10.2.3), or OpenAI's
            ``x-ratelimit-remaining-*`` and ``x-ratelimit-reset-*`` of requests and tokens. Names in lower case.
    """
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return factor * seconds
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return exhausted(headers) or None


def exhausted(headers: Mapping[str, str]) -> float:
    """Seconds until an exhausted rate limit is reset; 0 if no limit is exhausted."""
    waits = [
        duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if _number(headers.get(f"x-ratelimit-remaining-{what}", "")) == 0
    ]
    return max(waits, default=0.0)


def duration(text: str) -> float:
    """Read a duration such as ``6m0s``, ``12ms`` or ``1.5`` (seconds); 0 if it cannot be read."""
    text = text.strip().lower()
    if (seconds := _number(text)) is not None:
        return seconds
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text, re.ASCII)
    whole = "".join(number + unit for number, unit in parts) == text
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return total if whole and math.isfinite(total) else 0.0


def backoff(attempt: int) -> float:
    """Seconds before a retry: doubled each time, less up to half at random."""
    return min(MAX_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 30)) * random.uniform(0.5, 1)  # noqa: S311


def _number(text: str) -> float | None:
    """A number of seconds from 0 to a year."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 366 * 86400 else None
