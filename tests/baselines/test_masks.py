"""Otsu's threshold."""

import numpy as np

from tlzoo.baselines.masks import otsu


def test_two_colours_are_parted() -> None:
    picture = np.full((20, 30), 60, np.uint8)
    picture[5:12, 4:20] = 180
    assert 60 <= otsu(picture) < 180


def test_one_colour_is_one_part() -> None:
    assert otsu(np.full((4, 4), 7, np.uint8)) == 7
