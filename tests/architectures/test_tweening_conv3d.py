"""Frames between two given ones."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.support.published import or_skip
from tlzoo.architectures.tweening_conv3d import TweeningConv3D
from tlzoo.data.rendered.moving_mnist import moving_digits
from tlzoo.tasks.video_generation import VideoGeneration


@pytest.fixture(scope="module")
@or_skip()
def rows() -> Any:
    return moving_digits(sizes=(8, 1, 1))["train"]


def small() -> TweeningConv3D:
    torch.manual_seed(0)
    return TweeningConv3D(channels=8, fusion_blocks=3, noise_dim=4, halvings=2)


def test_between_lie_all_frames_but_the_ends(rows: Any) -> None:
    model = small().eval()
    found = model.predict(model.preprocess(rows.select(range(2))))
    assert found[0].frames.shape == (14, 64, 64, 3) and found[0].frames.dtype == np.uint8
    assert found[0].places == list(range(1, 15)) and found[0].given == [0, 15]
    statistics = VideoGeneration(rows.features).statistics(found[0], rows[0])
    assert set(statistics) == {"psnr", "ssim", "psnr_gain"}, "no likelihood"


def test_only_the_ends_are_seen(rows: Any) -> None:
    model = small().eval()
    batch = model.preprocess(rows.select(range(1)))
    hidden = {"clip": batch["clip"].clone()}
    hidden["clip"][:, 1:-1] = 0
    assert np.array_equal(model.predict(batch)[0].frames, model.predict(hidden)[0].frames)


def test_noise_is_another_course(rows: Any) -> None:
    model = small().eval()
    ends = model.preprocess(rows.select(range(1)))["clip"][:, [0, -1]].float() / 127.5 - 1
    assert not torch.equal(model(ends, torch.zeros(1, 4)), model(ends, torch.ones(1, 4)))
