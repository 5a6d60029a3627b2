"""The time that is left goes into fine-tuning: what it changes of a forecast, and which models go on."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.texts import table_of_texts
from tlzoo.check import ALL
from tlzoo.check.views import Data, probes
from tlzoo.data.catalogue import find, load
from tlzoo.forecast import halving
from tlzoo.forecast.halving import Tuned, halve

TASK = "text-classification"


def test_what_was_judged_corrects_what_was_not() -> None:
    """Fine-tuning judges both of the first two examples right, of which the head judges one: half more is expected."""
    probe = np.array([1.0, 0.0, 1.0, 0.0])
    half = Tuned(np.array([1.0, 1.0, math.nan, math.nan]), 1)
    assert half.corrected(probe).mean() == pytest.approx(1.0)
    same = Tuned(np.array([1.0, 0.0, math.nan, math.nan]), 1)
    assert same.corrected(probe).mean() == pytest.approx(probe.mean())
    whole = Tuned(np.array([0.0, 1.0, 0.0, 0.0]), 2)
    assert whole.corrected(probe).tolist() == [0, 1, 0, 0], "results replace the forecast"


def test_models_are_fine_tuned_on_folds_and_the_better_half_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(halving, "ROUNDS", (1, 2))
    table_of_texts(tmp_path / "mine.csv", 60, 3)
    source = find(TASK, str(tmp_path / "mine.csv"), ALL)
    prepared = load(source)
    data = Data.of(source, prepared)
    two = probes(data)[:2]
    chance = {run: np.full(60, 0.5) for run in two}
    lines: list[str] = []
    done = halve(chance, data, prepared, time.monotonic() + 600, lines.append)
    assert sorted(each.folds for each in done.tuned.values()) == [1, 2] and len(lines) == 3, "one of two goes on"
    winner = max(done.tuned.values(), key=lambda each: each.folds)
    assert winner.right.mean() > 0.9, "it judged all examples, none of which it had learnt from"
    none = halve(chance, data, prepared, time.monotonic() - 1)
    assert not none.tuned and len(none.notes) == 2 and all("0 s are left" in line for line in none.notes)
