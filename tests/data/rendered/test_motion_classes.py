import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import share_nothing
from tlzoo.data.media.video import decode
from tlzoo.data.rendered.motion_classes import (
    MOTION_FRAMES,
    MOTION_SIDE,
    MOTIONS,
    WAYS,
    digit_motions,
    letter_motions,
    moving,
)

INK = np.zeros((8, 8), np.float32)
INK[1:7, 2:6] = 1


@pytest.fixture(scope="module")
def rows() -> DatasetDict:
    return digit_motions(sizes=(24, 8, 16))


def centre(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle in x and y, and area, of what is warm, in each frame."""
    light = frames[..., 0].astype(float) - frames[..., 2] > 60
    y, x = np.mgrid[: light.shape[1], : light.shape[2]]
    area = light.sum((1, 2))
    return (light * x).sum((1, 2)) / area, (light * y).sum((1, 2)) / area, area


OPPOSITES = {"left": "right", "up": "down", "clockwise": "counterclockwise", "growing": "shrinking"}
OPPOSITES |= {other: one for one, other in OPPOSITES.items()}


@pytest.mark.parametrize("motion", sorted({*MOTIONS, *WAYS}))
def test_a_class_is_how_it_moves_and_reversed_its_opposite(motion: str) -> None:
    for seed in range(5):
        frames = moving(INK, INK, motion, (*MOTIONS, *WAYS), np.random.default_rng(seed))
        assert said(frames) == motion and said(frames[::-1]) == " ".join(OPPOSITES[word] for word in motion.split())


def said(frames: np.ndarray) -> str:
    x, y, area = centre(frames)
    if area.max() > 1.4 * area.min():
        return "growing" if area[-1] > area[0] else "shrinking"
    turn = np.cross(np.diff(np.stack([x, y, 0 * x], 1), axis=0)[:-1], np.diff(np.stack([x, y, 0 * x], 1), axis=0)[1:])
    if np.abs(turn[:, 2].sum()) > 20:
        return "clockwise" if turn[:, 2].sum() > 0 else "counterclockwise"  # y points down
    across, down = x[-1] - x[0], y[-1] - y[0]
    words = {"down" if down > 0 else "up": abs(down), "right" if across > 0 else "left": abs(across)}
    return " ".join(word for word, far in words.items() if far > max(words.values()) / 2)


def test_splits_share_no_digit_and_labels_are_balanced(rows: DatasetDict) -> None:
    assert share_nothing(rows) and rows["train"].features["label"].names == list(MOTIONS)
    assert decode(rows["test"][0]["video"], MOTION_FRAMES).shape == (MOTION_FRAMES, MOTION_SIDE, MOTION_SIDE, 3)
    assert np.bincount(rows["train"]["label"]).tolist() == [3] * len(MOTIONS)


def test_letters_of_validation_are_of_other_fonts() -> None:
    found = letter_motions(sizes=(24, 12))
    fonts = [{group.rsplit("-", 1)[0] for group in part["group"]} for part in found.values()]
    assert not fonts[0] & fonts[1]
    assert [np.bincount(part["label"]).tolist() for part in found.values()] == [[2] * 12, [1] * 12]


def test_no_single_frame_tells() -> None:
    """Where a thing is and how large, in one frame, is as likely for each motion as for its opposite."""
    rng = np.random.default_rng(0)
    for one, other in zip(MOTIONS[::2], MOTIONS[1::2], strict=True):
        seen = []
        for motion in (one, other):
            frames = [
                moving(INK, INK, motion, MOTIONS, rng)[int(rng.integers(MOTION_FRAMES))][None] for _ in range(150)
            ]
            seen.append(np.array([[float(v[0]) for v in centre(f)] for f in frames]))
        gap = np.abs(seen[0].mean(0) - seen[1].mean(0)) / np.sqrt(seen[0].var(0) / 150 + seen[1].var(0) / 150)
        assert (gap < 4).all(), (one, other, gap)


def test_the_other_shape_does_another_motion_and_is_as_light() -> None:
    """What is cold, seen as if it was warm, moves otherwise in all of twenty videos."""
    lightness = []
    for seed in range(20):
        frames = moving(INK, INK, MOTIONS[seed % len(MOTIONS)], MOTIONS, np.random.default_rng(seed))
        cold = frames[..., ::-1]
        shown = (cold[..., 0].astype(float) - cold[..., 2] > 60).sum((1, 2))
        assert shown.max() > 20
        if shown.min() > 0.6 * shown.max():  # never below the warm one
            assert said(cold) != MOTIONS[seed % len(MOTIONS)]
        warm = frames[..., 0].astype(float) - frames[..., 2] > 60
        lightness.append(frames[warm].mean() - frames[frames[..., 2].astype(float) - frames[..., 0] > 60].mean())
    assert abs(np.mean(lightness)) < 15


def test_the_ground_drifts() -> None:
    moved = [moving(0 * INK, 0 * INK, "up", MOTIONS, np.random.default_rng(seed)) for seed in range(5)]
    for frames in moved:
        assert np.ptp(frames.astype(float).mean(-1), axis=0).mean() > 3
        assert np.array_equal(frames.mean((0, 1, 2)).round(-1), np.full(3, frames.mean()).round(-1))
