"""The resize as a computation on tensors gives Pillow's pixels, whatever the size."""

import numpy as np
import pytest
import torch
from PIL import Image

from tlzoo.data.media.geometry import Crop, framed
from tlzoo.export.resize import Cropping

SIZES = ((1, 1), (1, 9), (7, 1), (31, 33), (32, 32), (64, 64), (73, 64), (64, 300), (255, 256), (256, 341), (601, 223))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("crop", [Crop(), Crop(None, "bicubic"), Crop(72, "bicubic"), Crop(64)], ids=str)
def test_pixels_are_those_of_pillow(size: tuple[int, int], crop: Crop) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for height, width in ((64, 64), (64, 96), (224, 224))[: 2 if crop.resize else 3]:
        expected, _ = framed(Image.fromarray(pixels), height, width, "crop", crop)
        actual = Cropping(height, width, crop)(torch.from_numpy(pixels))
        assert torch.equal(actual, expected.float())


def test_extremes_are_clipped_as_pillow_clips_them() -> None:
    """A bicubic filter goes beyond the values of its pixels."""
    pixels = np.zeros((50, 40, 3), np.uint8)
    pixels[10:30, 5:25] = 255
    expected, _ = framed(Image.fromarray(pixels), 96, 96, "crop", Crop(None, "bicubic"))
    assert expected.min() == 0 and expected.max() == 255
    assert torch.equal(Cropping(96, 96, Crop(None, "bicubic"))(torch.from_numpy(pixels)), expected.float())
