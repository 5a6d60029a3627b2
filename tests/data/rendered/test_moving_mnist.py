import numpy as np

from tests.support.prepared import available
from tlzoo.data.media.clips import clip
from tlzoo.data.media.video import decode
from tlzoo.data.rendered.moving_mnist import bouncing, moving_digits, moving_letters

BLOT = np.ones((8, 8), np.float32)


def middles(frames: np.ndarray) -> np.ndarray:
    """Where the light is, x and y, and how much of it, in each frame."""
    light = frames.astype(float).sum(-1)
    light = np.clip(light - (light.min() + light.max()) / 2, 0, None)
    ys, xs = np.mgrid[: frames.shape[1], : frames.shape[2]]
    total = light.sum((1, 2))
    return np.stack([(light * xs).sum((1, 2)) / total, (light * ys).sum((1, 2)) / total, total], 1)


def test_digits_bounce_within_the_frame() -> None:
    for seed in range(5):
        frames = bouncing([BLOT], np.random.default_rng(seed))
        x, y, _ = middles(frames).T
        assert frames.shape == (16, 64, 64, 3) and min(x.min(), y.min()) > 8 and max(x.max(), y.max()) < 56
        assert np.hypot(np.diff(x), np.diff(y)).max() < 5.5


def test_rows_of_moving_digits_and_of_letters_of_other_fonts() -> None:
    data = available(moving_digits, sizes=(4, 2, 2))
    assert [len(rows) for rows in data.values()] == [4, 2, 2]
    assert not set(data["train"]["group"]) & set(data["test"]["group"])
    row = data["test"][0]
    assert decode(row["video"], 16, every=1).shape == (16, 64, 64, 3) and clip(row).shape == (16, 3, 64, 64)
    letters = moving_letters(sizes=(4, 4))
    fonts = [{g.rsplit("-", 1)[0] for g in rows["group"]} for rows in letters.values()]
    assert not fonts[0] & fonts[1]
