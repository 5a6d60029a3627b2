import math
import os
import signal
import time
from collections.abc import Iterator

import pytest

from tlzoo.errors import InputError
from tlzoo.run import precision

Trials = tuple[tuple[float, float], tuple[float, float]]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    precision._why_not.cache_clear()
    yield
    precision._why_not.cache_clear()


def illegal(*_: str) -> None:
    os.kill(os.getpid(), signal.SIGILL)


def only_fp16(name: str, _: str) -> Trials:
    return fine() if name == "fp16" else other()


def slow(*_: str) -> None:
    time.sleep(120)


def fine(*_: str) -> Trials:
    return (0.3, 0.9), (0.32, 0.9)


def other(*_: str) -> Trials:
    return (0.3, 0.9), (math.nan, 0.25)


@pytest.mark.parametrize("name", ["no", "auto"])
def test_float32_needs_no_trial_and_a_cpu_keeps_to_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(precision, "try_both", illegal)
    assert precision.checked(name, "cpu") == "no"


def test_what_agrees_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "try_both", fine)
    assert precision.checked("bf16", "cpu") == "bf16"


def test_what_learns_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "try_both", other)
    with pytest.raises(InputError, match=r"on cpu \(its loss is nan, and 0.300 with float32\); use --precision no"):
        precision.checked("bf16", "cpu")


def test_of_several_the_first_that_agrees_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a device does in a trial is not asked here, but the order."""
    monkeypatch.setattr(precision, "try_both", only_fp16)
    assert precision.checked("auto", "cuda") == "fp16"


def test_a_trial_that_dies_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "try_both", illegal)
    with pytest.raises(InputError, match=r"--precision bf16: .* on cpu \(the process died: SIGILL\)"):
        precision.checked("bf16", "cpu")


def test_a_trial_that_hangs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "try_both", slow)
    monkeypatch.setattr(precision, "TRIAL_SECONDS", 1.0)
    with pytest.raises(InputError, match=r"\(the trial was ended after 1 s without a result\)"):
        precision.checked("bf16", "cpu")


def test_what_the_device_does_not_compute_in_is_refused() -> None:
    with pytest.raises(InputError, match=r"fp16: a trial failed on cpu \(.* was computed in torch.float32 there\)"):
        precision.checked("fp16", "cpu")


def test_the_real_trial_is_judged() -> None:
    """Whether it runs is the processor's to say; that it cannot be done is no InputError of another kind."""
    try:
        assert precision.checked("bf16", "cpu") == "bf16"
    except InputError as error:
        assert "the process died: SIG" in str(error)
