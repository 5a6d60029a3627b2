"""The clock of an evaluation, on a clock that the test moves."""

import math

import pytest

from tlzoo.run import budget as module
from tlzoo.run.budget import HANG_FACTOR, RESERVED, SLACK, Budget


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_time_passes_and_earlier_evaluations_count(clock: Clock) -> None:
    budget = Budget(10, patience=0)
    whole = 600 * (1 - RESERVED)
    assert budget.left == whole
    clock.now += 100
    budget.charge(50)
    assert budget.left == pytest.approx(whole - 150)
    clock.now += 10_000
    assert budget.left < 0


def test_waiting_costs_nothing(clock: Clock) -> None:
    budget = Budget(10, patience=0)
    before = budget.left
    with budget.paused():
        clock.now += 3600
    assert budget.left == pytest.approx(before)
    clock.now += 5
    assert budget.lap() == pytest.approx(5)


def test_work_fits_with_what_it_takes_at_the_worst(clock: Clock) -> None:
    budget = Budget(10, patience=0)
    assert budget.fits(0) and budget.fits(budget.left / SLACK)
    assert not budget.fits(budget.left / SLACK + 1)
    assert budget.shortage(480) == "about 10.0 min needed, 9.8 min left of --budget 10"
    clock.now += 600
    assert not budget.fits(0), "nothing fits where no time is left"
    assert budget.shortage(0) == "0.0 min left of --budget 10"


def test_a_deadline_is_many_times_the_estimate_and_never_more_than_what_is_left(clock: Clock) -> None:
    budget = Budget(10, patience=30)
    assert budget.deadline(5) == 30 + HANG_FACTOR * 5
    assert budget.deadline(100) == budget.deadline() == budget.deadline(math.inf) == 30 + SLACK * budget.left
    clock.now += 600
    assert budget.deadline() == 30


def test_a_lap_is_the_time_since_the_last_one(clock: Clock) -> None:
    budget = Budget(10, patience=0)
    clock.now += 7
    assert budget.lap() == 7
    clock.now += 2
    assert budget.lap() == 2
