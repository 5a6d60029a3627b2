from typing import Any

import numpy as np
import pytest

from tlzoo.data.media.clips import clip
from tlzoo.data.media.video import decode
from tlzoo.data.rendered.motion_classes import MOTIONS, WAYS, digit_motions, letter_motions, moving
from tlzoo.data.rendered.moving_mnist import bouncing, moving_digits, moving_letters
from tlzoo.errors import UnavailableError

BLOT = np.ones((8, 8), np.float32)


def available(render: Any, *arguments: Any, **named: Any) -> Any:
    try:
        return render(*arguments, **named)
    except UnavailableError as error:
        pytest.skip(str(error))


def middles(frames: np.ndarray) -> np.ndarray:
    """Where the light is, x and y, and how much of it, in each frame."""
    light = frames.astype(float).sum(-1)
    light = np.clip(light - (light.min() + light.max()) / 2, 0, None)
    ys, xs = np.mgrid[: frames.shape[1], : frames.shape[2]]
    total = light.sum((1, 2))
    return np.stack([(light * xs).sum((1, 2)) / total, (light * ys).sum((1, 2)) / total, total], 1)


@pytest.mark.parametrize("motion", [*MOTIONS, "up left"])
def test_a_motion_is_what_it_is_called(motion: str) -> None:
    for seed in range(5):
        x, y, size = middles(moving(BLOT, motion, np.random.default_rng(seed))).T
        if motion in WAYS:
            across, down = WAYS[motion]
            assert np.sign([x[-1] - x[0], y[-1] - y[0]] * np.abs([across, down])).tolist() == [across, down]
        elif motion in ("growing", "shrinking"):
            assert (size[-1] > size[0]) == (motion == "growing")
        else:
            dx, dy = np.diff(x), np.diff(y)
            turn = (dx[:-1] * dy[1:] - dy[:-1] * dx[1:]).sum()
            assert (turn > 0) == (motion == "clockwise"), "y points down"


def test_digits_bounce_within_the_frame() -> None:
    for seed in range(5):
        frames = bouncing([BLOT], np.random.default_rng(seed))
        x, y, _ = middles(frames).T
        assert frames.shape == (16, 64, 64, 3) and min(x.min(), y.min()) > 8 and max(x.max(), y.max()) < 56
        assert np.hypot(np.diff(x), np.diff(y)).max() < 5.5


def test_rows_of_moving_digits() -> None:
    data = available(moving_digits, sizes=(4, 2, 2))
    assert [len(rows) for rows in data.values()] == [4, 2, 2]
    groups = [set(rows["group"]) for rows in data.values()]
    assert not groups[0] & groups[2]
    row = data["test"][0]
    assert decode(row["video"], 16, every=1).shape == (16, 64, 64, 3) and clip(row).shape == (16, 3, 64, 64)
    assert available(moving_digits, sizes=(2, 1, 1))["train"][1] == data["train"][1], "a row depends on its index only"


def test_sources_share_no_font() -> None:
    letters = moving_letters(sizes=(4, 4))
    fonts = [{g.rsplit("-", 1)[0] for g in rows["group"]} for rows in letters.values()]
    assert not fonts[0] & fonts[1]
    motions = letter_motions(sizes=(12, 12))
    assert motions["train"].features["label"].num_classes == 12
    assert sorted(motions["train"]["label"]) == list(range(12)), "balanced"


def test_no_single_frame_tells_a_motion() -> None:
    """Of the middle frame, opposite motions have the same distribution."""
    left, right = (
        np.array([middles(moving(BLOT, motion, np.random.default_rng(seed)))[3, :2] for seed in range(40)])
        for motion in ("left", "right")
    )
    assert np.abs(left.mean(0) - right.mean(0)).max() < 4


def test_rows_of_digit_motions() -> None:
    data = available(digit_motions, sizes=(16, 8, 8))
    assert data["train"].features["label"].names == list(MOTIONS)
    assert sorted(data["test"]["label"]) == list(range(8))
