"""Oriented gradients."""

import numpy as np

from tlzoo.baselines.pictures import CELL, ORIENTATIONS, blocks


def test_an_edge_has_the_orientation_of_its_gradient() -> None:
    picture = np.zeros((3 * CELL, 3 * CELL, 3))
    picture[:, 3 * CELL // 2 :] = 1
    values = blocks(picture)
    assert values.shape == (2, 2, 4 * ORIENTATIONS)
    middle = values[0, 0].reshape(4, ORIENTATIONS)[1]  # the cell to the right of the first
    assert middle[[0, ORIENTATIONS - 1]].sum() > 0.99 * middle.sum(), "horizontal lies between the first and the last"
    upright = blocks(picture.transpose(1, 0, 2))[0, 0].reshape(4, ORIENTATIONS)[2]
    assert upright[ORIENTATIONS // 2] > 0.99 * upright.sum()
    assert np.allclose(blocks(picture * 0.5), values, atol=1e-3), "contrast is normalised"
