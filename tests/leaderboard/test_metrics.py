import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import mean_among, mean_pearson, metric, moments, ratio


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    predicted, true = zip(*pairs, strict=True)
    ours = metric("macro_f1").reduce([[float(p), float(t)] for p, t in pairs], np.ones((1, len(pairs))))[0]
    assert ours == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_weights_count_as_repeats(name: str) -> None:
    statistics = [[1.0], [0.0], [1.0]] if name == "accuracy" else [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    weighted = metric(name).reduce(statistics, np.array([[2.0, 1.0, 0.0]]))
    repeated = metric(name).reduce([statistics[0], statistics[0], statistics[1]], np.ones((1, 3)))
    assert weighted == pytest.approx(repeated)


def test_a_ratio_sums_before_it_divides() -> None:
    weights = np.array([[1.0, 1, 1], [0, 2, 1], [0, 0, 3]])
    assert ratio([[3, 4], [1, 1], [0, 0]], weights).tolist() == [0.8, 1, 0]


def test_an_answer_that_is_none_of_the_classes_is_a_miss_and_no_class() -> None:
    predicted, true = [0, 1, -1, -1], [0, 1, 1, 0]
    ours = metric("macro_f1").reduce(
        [[float(p), float(t)] for p, t in zip(predicted, true, strict=True)], np.ones((1, 4))
    )
    assert ours[0] == pytest.approx(f1_score(true, predicted, labels=[0, 1], average="macro")) == pytest.approx(2 / 3)


def test_a_mean_among_some_is_theirs_and_nothing_without_any() -> None:
    weights = np.array([[1.0, 1, 1], [3, 1, 0], [0, 0, 2]])
    found = mean_among([[0.5, 1], [1, 1], [0, 0]], weights)
    assert found[:2] == pytest.approx([0.75, 0.625]) and np.isnan(found[2])


def test_accuracy_is_the_mean_and_an_unknown_metric_names_the_closest() -> None:
    assert metric("accuracy").reduce([[1.0], [0.0], [1.0], [1.0]], np.ones((1, 4))) == pytest.approx([0.75])
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        metric("acuracy")


def test_pearson_is_numpys_of_each_series_and_nothing_where_one_does_not_vary() -> None:
    rng = np.random.default_rng(0)
    true = rng.poisson(4, (6, 16, 3)).astype(float)
    predicted = true + rng.normal(0, [0.1, 2, 20], true.shape)
    statistics = [moments(p, t) for p, t in zip(predicted, true, strict=True)]
    weights = np.array([[1.0] * 6, [0, 2, 1, 0, 1, 2]])
    for row, found in zip(weights, mean_pearson(statistics, weights), strict=True):
        x, y = (np.repeat(v, row.astype(int), axis=0).reshape(-1, 3) for v in (predicted, true))
        expected = [np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(3)]
        assert found == pytest.approx(np.mean(expected), abs=1e-9)
        assert not np.isclose(found, np.corrcoef(x.ravel(), y.ravel())[0, 1], atol=1e-3)
    true = rng.random((1, 8, 2))
    predicted = np.stack([true[..., 0], np.full((1, 8), 0.7)], axis=-1)
    assert mean_pearson([moments(predicted[0], true[0])], np.ones((1, 1)))[0] == pytest.approx(0.5)
    predicted[0, 0, 1] = np.nan
    statistics = [moments(predicted[0], true[0])]
    assert np.isnan(mean_pearson(statistics, np.ones((1, 1)))[0]), "what is predicted as NaN is not without variation"
