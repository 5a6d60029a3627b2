"""Learning curves whose law is known, and such as say nothing."""

import numpy as np
import pytest

from tlzoo.forecast.curve import HARDLY, Abstention, Curve, Gain, Prediction, measured
from tlzoo.forecast.resampling import resampled

LABELS = np.array([60.0, 90, 140, 210, 320, 480])


def planted(floor: float, size: float, rate: float, count: int = 480, seed: int = 0) -> Curve:
    """A curve of examples that are judged wrong as a power law says, each with a difficulty of its own."""
    error = floor + size * (LABELS / LABELS[-1]) ** -rate
    difficulty = np.random.default_rng(seed).permutation((np.arange(count) + 0.5) / count)
    errors = (difficulty[:, None] < error[None, :]).astype(float)
    return Curve(LABELS, errors, tuple(str(i) for i in range(count)), np.full(len(LABELS), 0.003))


def test_a_power_law_is_continued() -> None:
    curve = planted(0.02, 0.08, 0.5)
    for factor in (2, 4):
        predicted = curve.at(480 * factor)
        assert isinstance(predicted, Prediction)
        truth = 1 - 0.02 - 0.08 * factor**-0.5
        assert predicted.accuracy == pytest.approx(truth, abs=0.015)
        assert predicted.low < truth < predicted.high
        gain = curve.gain(480 * factor)
        assert isinstance(gain, Gain) and not gain.is_small
        assert gain.high - gain.low < predicted.high - predicted.low, "the same examples judge both"


def test_the_interval_grows_with_the_distance_and_with_what_other_data_showed() -> None:
    curve = planted(0.02, 0.08, 0.5)
    near, far = curve.gain(960), curve.gain(1920)
    assert isinstance(near, Gain) and isinstance(far, Gain)
    assert far.high - far.low > near.high - near.low
    wider = Curve(curve.labels, curve.errors, curve.groups, curve.noise, extra=0.01**2).gain(960)
    assert isinstance(wider, Gain) and wider.high > near.high


def test_a_plateau_is_told() -> None:
    gain = planted(0.1, 1e-4, 1.0).gain(960)
    assert isinstance(gain, Gain) and gain.is_small and gain.high < HARDLY


def test_it_abstains_far_away_and_of_few_groups_and_of_noise() -> None:
    curve = planted(0.02, 0.08, 0.5)
    assert isinstance(curve.at(480 * 5), Abstention)
    few = Curve(LABELS, curve.errors, tuple(str(i % 5) for i in range(480)), curve.noise)
    assert few.at(960) == Abstention("too few labels or groups for a curve")
    noisy = Curve(LABELS, planted(0.2, 0.03, 0.5).errors, curve.groups, np.full(6, 0.05))
    assert noisy.gain(960) == Abstention("its noise hides whether it rises")


def test_an_accuracy_that_is_too_uncertain_is_not_told_but_what_labels_add_is() -> None:
    curve = planted(0.2, 0.2, 0.5, count=120)
    assert curve.at(960) == Abstention("too uncertain to be of use")
    assert isinstance(curve.gain(960), Gain)


def test_a_curve_of_vectors_rises_and_its_prediction_holds() -> None:
    """Classes in 40 dimensions of noise: twice the labels are drawn, and what they give is predicted from half."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(2_000) % 4)
    vectors = rng.normal(size=(2_000, 40)) + 2.5 * np.eye(4, 40)[labels]
    names = [str(i) for i in range(2_000)]
    half = measured(vectors[:500], labels[:500], names[:500])
    assert half.labels[-1] == 500 and len(half.labels) == 6
    assert half.errors.mean(axis=0)[0] > half.errors.mean(axis=0)[-1] + 0.03
    whole = measured(vectors, labels, names)
    predicted = half.at(2_000)
    assert isinstance(predicted, Prediction)
    assert predicted.low < whole.accuracy < predicted.high
    assert abs(predicted.accuracy - whole.accuracy) < 0.03


def test_parts_hold_whole_groups_and_few_labels_have_no_curve() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    groups = [str(i // 10) for i in range(200)]
    curve = measured(rng.normal(size=(200, 5)), labels, groups)
    assert curve.labels[-1] == 200 and (np.diff(curve.labels) > 0).all()
    short = measured(rng.normal(size=(20, 5)), labels[:20], [str(i) for i in range(20)])
    assert short.gain(40) == Abstention("too few labels or groups for a curve")


def test_resamples_keep_groups_together() -> None:
    values = np.array([[1.0]] * 10 + [[0.0]] * 10)
    drawn = resampled(values, ["a"] * 10 + ["b"] * 10)
    assert set(np.unique(drawn)) == {0.0, 0.5, 1.0}
