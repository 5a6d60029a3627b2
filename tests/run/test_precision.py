import os
import signal
import time
from collections.abc import Iterator

import pytest

from tlzoo.errors import InputError
from tlzoo.run import precision


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    precision._why_not.cache_clear()
    yield
    precision._why_not.cache_clear()


def illegal(*_: str) -> None:
    os.kill(os.getpid(), signal.SIGILL)


def slow(*_: str) -> None:
    time.sleep(120)


def fine(*_: str) -> None:
    pass


def test_float32_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trial_step", illegal)
    assert precision.checked("no", "cpu") == "no"


def test_a_step_that_runs_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trial_step", fine)
    assert precision.checked("bf16", "cpu") == "bf16"


def test_a_step_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trial_step", illegal)
    with pytest.raises(InputError, match=r"--precision bf16: .* on cpu \(the process died: SIGILL\)"):
        precision.checked("bf16", "cpu")


def test_a_step_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "trial_step", slow)
    monkeypatch.setattr(precision, "TRIAL_SECONDS", 1.0)
    with pytest.raises(InputError, match=r"\(the step was ended after 1 s without a result\)"):
        precision.checked("bf16", "cpu")


def test_the_real_step_is_judged() -> None:
    """Whether it runs is the processor's to say; that it cannot be done is no InputError of another kind."""
    try:
        assert precision.checked("bf16", "cpu") == "bf16"
    except InputError as error:
        assert "the process died: SIG" in str(error)
