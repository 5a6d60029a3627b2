"""When the next request may be sent: what headers say, and what a pace makes of it."""

import math
import threading
import time
from email.utils import formatdate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlzoo.adapters.chat_api.pacing import MAX_WAIT, Pace, backoff, duration, requested_wait
from tlzoo.errors import StoppedError, UnavailableError

NAMES = ["retry-after", "retry-after-ms"] + [
    f"x-ratelimit-{what}-{of}" for what in ("remaining", "reset") for of in ("requests", "tokens")
]
VALUES = st.one_of(st.text(max_size=20), st.sampled_from(["0", "1", "-1", "nan", "inf", "1e999", "6m0s", "12ms", "1s"]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_headers_say_a_wait_is_finite_and_not_negative(headers: dict[str, str]) -> None:
    found = requested_wait(headers)
    assert found is None or (found >= 0 and math.isfinite(found))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"retry-after": "2", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 2),
    ],
)
def test_what_endpoints_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_wait(headers) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_is_waited_for() -> None:
    found = requested_wait({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert found is not None
    assert 28 < found <= 30


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_durations_add_up(hours: int, minutes: int, seconds: int, ms: int) -> None:
    expected = 3600 * hours + 60 * minutes + seconds + ms / 1000
    assert duration(f"{hours}h{minutes}m{seconds}s{ms}ms") == pytest.approx(expected)


@given(st.integers(0, 10_000))
def test_a_wait_doubles_up_to_a_limit(attempt: int) -> None:
    assert 0 < backoff(attempt) <= MAX_WAIT
    assert backoff(attempt + 2) > backoff(attempt) or backoff(attempt) >= MAX_WAIT / 8


def test_what_would_come_too_late_is_not_waited_for() -> None:
    pace = Pace(2, seconds=5)
    pace.refused(60)
    start = time.monotonic()
    with pytest.raises(StoppedError, match="asks to wait 60 s"), pace.turn():
        pass
    assert time.monotonic() - start < 30


def test_what_was_under_way_together_counts_once_however_late_it_is_refused() -> None:
    pace = Pace(8)
    sent = time.monotonic()
    for _ in range(3):
        pace.refused(0.01, sent)
        time.sleep(0.02)
    assert pace.width == 4
    pace.refused(0.01, time.monotonic())
    assert pace.width == 2


def test_a_turn_waits_for_another_to_end_and_for_the_end_of_time() -> None:
    pace = Pace(1, seconds=0.5)
    with pace.turn(), pytest.raises(StoppedError), pace.turn():
        pass
    assert pace.left() <= 0


def test_a_failure_ends_all_waiting_at_once() -> None:
    pace = Pace(1)
    pace.refused(60)
    threading.Timer(0.1, pace.fail, [UnavailableError("broke")]).start()
    start = time.monotonic()
    with pytest.raises(UnavailableError, match="broke"), pace.turn():
        pass
    assert time.monotonic() - start < 30
