import numpy as np

from tests.support.prepared import available
from tlzoo.data.media.clips import clip
from tlzoo.data.media.video import decode
from tlzoo.data.rendered.moving_mnist import bouncing, moving_digits, moving_letters
from tlzoo.tasks.video_generation import naive, psnr

BLOT = np.ones((8, 8), np.float32)
RING = np.pad(np.pad(np.zeros((2, 2), np.float32), 2, constant_values=1), 1)


def middles(frames: np.ndarray) -> np.ndarray:
    """Where the shape is, which is lighter than the ground, x and y, and how much of it, in each frame."""
    light = (frames.astype(float).sum(-1) > 0.9 * frames.astype(float).sum(-1).max()).astype(float)
    ys, xs = np.mgrid[: frames.shape[1], : frames.shape[2]]
    total = light.sum((1, 2))
    return np.stack([(light * xs).sum((1, 2)) / total, (light * ys).sum((1, 2)) / total, total], 1)


def test_digits_bounce_within_the_frame() -> None:
    for seed in range(5):
        frames = bouncing(BLOT, np.random.default_rng(seed))
        x, y, _ = middles(frames).T
        assert frames.shape == (16, 64, 64, 3) and min(x.min(), y.min()) > 8 and max(x.max(), y.max()) < 56
        assert np.hypot(np.diff(x), np.diff(y)).max() < 4.5


def test_what_moves_has_to_be_foretold() -> None:
    """No frame of one colour is near; a shape in place to within a pixel beats the still frame and the blend by far."""
    for given in ((0, 1, 2), (0, 15)):
        places = [place for place in range(16) if place not in given]
        gaps = []
        for seed in range(20):
            frames = bouncing(RING, np.random.default_rng(seed))
            reached = {name: psnr(frames[places], made) for name, made in naive(frames, places, given).items()}
            near = psnr(frames[places], np.roll(frames[places], 1, axis=2))
            gaps.append((near - reached["blended"], reached["blended"] - reached["mean"]))
        assert np.mean(gaps, 0)[0] > 4 and np.mean(gaps, 0)[1] > 0.5


def test_rows_of_moving_digits_and_of_letters_of_other_fonts() -> None:
    data = available(moving_digits, sizes=(4, 2, 2))
    assert [len(rows) for rows in data.values()] == [4, 2, 2]
    assert not set(data["train"]["group"]) & set(data["test"]["group"])
    row = data["test"][0]
    assert decode(row["video"], 16, every=1).shape == (16, 64, 64, 3) and clip(row).shape == (16, 3, 64, 64)
    letters = moving_letters(sizes=(4, 4))
    fonts = [{g.rsplit("-", 1)[0] for g in rows["group"]} for rows in letters.values()]
    assert not fonts[0] & fonts[1]
