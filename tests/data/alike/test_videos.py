import numpy as np

from tests.data.alike.test_pictures import drawn
from tlzoo.data.alike.videos import FRAMES, describe, is_same, shrink


def filmed(seed: int, blank: int = 0) -> np.ndarray:
    frames = [np.asarray(drawn(seed + 10 * i)) for i in range(FRAMES)]
    return np.stack([np.full_like(frame, 30) if i < blank else frame for i, frame in enumerate(frames)])


def test_all_frames_decide() -> None:
    one, cropped, other = filmed(0), filmed(0)[:, 2:, 3:], filmed(0)
    other[-1] = filmed(1)[-1]
    assert is_same(shrink(one), shrink(cropped))
    assert not is_same(shrink(one), shrink(other))


def test_blank_frames_count_by_their_colour_but_are_not_all() -> None:
    assert is_same(shrink(filmed(0, blank=1)), shrink(filmed(0, blank=1)))
    darker = filmed(0, blank=1)
    darker[0] = 60
    assert not is_same(shrink(filmed(0, blank=1)), shrink(darker))
    assert describe(shrink(filmed(0, blank=1))) is not None
    assert describe(shrink(filmed(0, blank=FRAMES - 1))) is None
