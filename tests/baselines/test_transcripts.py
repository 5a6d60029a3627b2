"""Dynamic time warping."""

import numpy as np

from tlzoo.baselines.transcripts import warped


def test_the_distance_is_that_of_the_best_path() -> None:
    one = np.array([[0.0], [1.0], [3.0]])
    slower, another = np.array([[0.0], [0.0], [1.0], [3.0]]), np.array([[0.0], [1.0], [1.0], [5.0]])
    assert warped(one, np.stack([slower, another])).tolist() == [0.0, 2.0]
