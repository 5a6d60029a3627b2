import numpy as np
import pytest

from tlzoo.data.rendered.patterns import KINDS, kind_of_pattern, pattern


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_lies_between_two_colours_and_is_new_each_time(kind: str) -> None:
    made = [kind_of_pattern(np.random.default_rng(seed), kind, 40, 60) for seed in (0, 0, 1)]
    assert all(m.shape == (40, 60, 3) and m.dtype == np.float32 and m.min() >= 0 and m.max() <= 255 for m in made)
    assert (made[0] == made[1]).all() and (made[0] != made[2]).any()
    for picture in made:
        strengths = np.linalg.svd(picture.reshape(-1, 3) - picture.mean((0, 1)), compute_uv=False)
        assert strengths[0] > 20 and strengths[1] < 1e-3 * strengths[0]  # a line in the space of colours


def test_patterns_are_known_and_stay_as_they_are() -> None:
    """Grounds of other data sets, whose rows would change with them."""
    made = [pattern(np.random.default_rng(seed), 4, 6).mean() for seed in range(6)]
    assert made == pytest.approx([108.324, 107.467, 173.23, 135.242, 131.215, 52.641], abs=1e-3)


def test_kinds_look_as_they_are_called() -> None:
    for seed in range(8):
        tone = {k: kind_of_pattern(np.random.default_rng(seed), k, 96, 96) for k in ("slope", "patches", "bars")}
        edges = {k: float((np.abs(np.diff(p, axis=1)).max(-1) > 6).mean()) for k, p in tone.items()}
        assert edges["slope"] == 0 or edges["slope"] < 0.01
        assert 0 < edges["patches"] < 0.3 and edges["bars"] < 0.3
