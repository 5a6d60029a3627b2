import numpy as np
import pytest

from tlzoo.leaderboard.metrics import Reducer
from tlzoo.leaderboard.segmentation_metrics import mean_dice, mean_iou


def pictures(classes: int, n: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        true = rng.integers(0, classes, rng.integers(20, 200))
        found = np.where(rng.random(len(true)) < 0.6, true, rng.integers(0, classes, len(true)))
        made.append((found, true))
    return made


def statistic(found: np.ndarray, true: np.ndarray, classes: int) -> list[float]:
    counts = [(found == true) & (true == c) for c in range(classes)]
    counts += [found == c for c in range(classes)] + [true == c for c in range(classes)]
    return [float(c.sum()) for c in counts]


@pytest.mark.parametrize(("classes", "used"), [(2, 2), (5, 5), (9, 4)])
def test_equals_scikit_learn(classes: int, used: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = pictures(used, 12)
    statistics = [statistic(found, true, classes) for found, true in pairs]
    found, true = (np.concatenate(side) for side in zip(*pairs, strict=True))
    once = np.ones((1, 12))
    assert mean_iou(statistics, once)[0] == pytest.approx(metrics.jaccard_score(true, found, average="macro"))
    assert mean_dice(statistics, once)[0] == pytest.approx(metrics.f1_score(true, found, average="macro"))


@pytest.mark.parametrize("reduce", [mean_iou, mean_dice])
def test_a_weight_is_a_repetition(reduce: Reducer) -> None:
    statistics = [statistic(*pair, 6) for pair in pictures(6, 10)]
    weights = np.random.default_rng(0).multinomial(10, np.ones(10) / 10, size=5).astype(float)
    repeated = [[s for s, k in zip(statistics, w, strict=True) for _ in range(int(k))] for w in weights]
    wanted = [reduce(r, np.ones((1, 10)))[0] for r in repeated]
    np.testing.assert_allclose(reduce(statistics, weights), wanted)


def test_absent_classes_are_left_out_and_nothing_is_zero() -> None:
    perfect, other = [3.0, 0, 3, 0, 3, 0], [0.0, 0, 4, 0, 0, 4]  # of class 0 alone; of class 1, all taken for class 0
    assert mean_iou([perfect, other], np.eye(2)).tolist() == [1, 0]
    assert mean_dice([perfect, other], np.array([[1.0, 1.0]]))[0] == pytest.approx((6 / 10 + 0) / 2)
    assert mean_iou([[0.0] * 6], np.ones((1, 1))).tolist() == [0]
