"""The picture of forecasts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tlzoo.errors import InputError
from tlzoo.forecast.compare import Forecast, Forecasts
from tlzoo.forecast.curve import Curve
from tlzoo.forecast.more import more_labels
from tlzoo.forecast.plot import plot


def forecast(model: str, errors: np.ndarray) -> Forecast:
    labels = np.geomspace(40, len(errors), errors.shape[1])
    curve = Curve(labels, errors, tuple(map(str, range(len(errors)))), np.full(errors.shape[1], 0.002))
    return Forecast(
        model, model, "v", "official", 3_500_000, curve.accuracy, None, 0, 0.8, 0.99, 0.7, 0.8, -1.0, 1.0, 2.0, curve
    )


def falling(floor: float = 0.02, size: float = 0.06, count: int = 400) -> np.ndarray:
    """Errors that fall with the square root of the labels."""
    error = floor + size * (np.geomspace(40, count, 6) / count) ** -0.5
    difficulty = np.random.default_rng(0).permutation((np.arange(count) + 0.5) / count)
    return (difficulty[:, None] < error[None, :]).astype(float)


def test_it_names_models_and_axes(tmp_path: Path) -> None:
    path = tmp_path / "forecast.svg"
    models = (forecast("bert/minilm", falling()), forecast("xlnet/nano", falling(0.1)))
    plot(Forecasts("400 rows", models, (), ()), "mine.csv", path)
    text = path.read_text()
    for shown in ("bert/minilm", "xlnet/nano", "mine.csv", "400 rows", "90% interval", "3.50 M parameters"):
        assert shown in text
    plot(Forecasts("400 rows", models, (), ()), "mine.csv", tmp_path / "forecast.png")
    assert (tmp_path / "forecast.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_suffix_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--plot .*forecast\.doc"):
        plot(Forecasts("", (forecast("a", falling()),), (), ()), "mine", tmp_path / "forecast.doc")


def test_more_labels_are_told_in_a_line() -> None:
    line = more_labels(forecast("bert/minilm", falling()))
    assert line.startswith("more labels, with bert/minilm: 400 labels: .92; 800: .9")
    assert "; 1,600: .9" in line and line.count("[.") == 2 and "hardly" not in line
    flat = more_labels(forecast("bert/minilm", falling(0.05, 1e-4)))
    assert flat.endswith("; more labels hardly help")
    few = more_labels(forecast("bert/minilm", falling(0.2, count=80)))
    assert "80 labels" in few and "160: +." in few, "the accuracy itself is too uncertain"
    none = more_labels(forecast("bert/minilm", falling()[:, -1:]))
    assert none == "more labels: the curve of bert/minilm does not say (too few labels or groups for a curve)"


def test_more_labels_are_of_the_head_where_the_whole_network_gave_more() -> None:
    tuned = replace(forecast("a", falling()), accuracy=0.99, tuned=0.99, folds=2)
    line = more_labels(tuned)
    assert line.startswith("more labels, with a and a head alone: 400 labels: .") and ": .99;" not in line
