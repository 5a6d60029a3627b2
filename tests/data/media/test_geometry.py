import numpy as np
import pytest
import torch
from PIL import Image

from tlzoo.data.media.geometry import (
    CROP,
    GREY,
    IGNORED,
    Framing,
    boxes_from_input,
    boxes_to_input,
    framed,
    mask_to_input,
    points_from_input,
    points_to_input,
    scores_from_input,
)

SIZES = [(70, 110), (300, 90), (40, 31), (96, 64), (1, 7), (7, 1000)]
"""Height and width of pictures."""


def plain(high: int, wide: int, value: int = 200) -> Image.Image:
    return Image.fromarray(np.full((high, wide, 3), value, np.uint8))


@pytest.mark.parametrize(("high", "wide"), SIZES)
def test_a_letterbox_keeps_all_of_the_picture_in_the_middle(high: int, wide: int) -> None:
    pixels, frame = framed(plain(high, wide), 64, 96, "letterbox")
    assert pixels.dtype == torch.uint8 and pixels.shape == (3, 64, 96)
    assert frame.dtype == torch.float32 and frame[4:].tolist() == [wide, high]
    corners = points_to_input(torch.tensor([[0.0, 0], [wide, high]]), frame)
    (left, top), (right, bottom) = corners.round().int().tolist()
    torch.testing.assert_close(corners, corners.round(), atol=1e-4, rtol=0)
    assert 0 <= left < right <= 96 and 0 <= top < bottom <= 64
    assert (left, right) == (0, 96) or (top, bottom) == (0, 64)
    assert abs(left - (96 - right)) <= 1 and abs(top - (64 - bottom)) <= 1
    assert (pixels[:, top:bottom, left:right] == 200).all()
    assert int((pixels == GREY).sum()) == 3 * (64 * 96 - (bottom - top) * (right - left))


@pytest.mark.parametrize(("high", "wide"), SIZES)
def test_a_crop_is_filled_and_keeps_the_middle(high: int, wide: int) -> None:
    pixels, frame = framed(plain(high, wide), 64, 96, "crop")
    assert pixels.shape == (3, 64, 96) and (pixels == 200).all()
    middle = points_to_input(torch.tensor([wide / 2, high / 2]), frame)
    torch.testing.assert_close(middle, torch.tensor([48.0, 32.0]), atol=0.51, rtol=0)


def test_a_crop_of_a_square_keeps_its_share() -> None:
    _, frame = framed(plain(200, 200), 224, 224, "crop")
    seen = points_from_input(torch.tensor([[0.0, 0], [224, 224]]), frame)
    assert (seen[1] - seen[0]).tolist() == pytest.approx([200 * CROP] * 2, abs=0.5)


def test_colours_keep_their_channel_and_place() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :, 0], image[:, 30:, 2] = 255, 255
    pixels, _ = framed(Image.fromarray(image), 40, 60, "letterbox")
    assert torch.equal(pixels, torch.from_numpy(image).permute(2, 0, 1))


@pytest.mark.parametrize("framing", ["crop", "letterbox"])
@pytest.mark.parametrize(("high", "wide"), SIZES)
def test_points_and_boxes_come_back(high: int, wide: int, framing: Framing) -> None:
    _, frame = framed(plain(high, wide), 96, 128, framing)
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(50, 2, generator=generator) * torch.tensor([wide, high])
    back = points_from_input(points_to_input(points, frame), frame)
    torch.testing.assert_close(back, points, atol=1e-3, rtol=1e-4)
    boxes = torch.cat([points[:25].minimum(points[25:]), points[:25].maximum(points[25:])], 1)
    torch.testing.assert_close(boxes_from_input(boxes_to_input(boxes, frame), frame), boxes, atol=1e-3, rtol=1e-4)
    assert boxes_to_input(torch.zeros(0, 4), frame).shape == boxes_from_input(torch.zeros(0, 4), frame).shape == (0, 4)


def test_what_lies_outside_the_picture_is_brought_to_its_edge() -> None:
    _, frame = framed(plain(70, 110), 96, 96, "letterbox")
    assert points_from_input(torch.tensor([[-5.0, 0], [96, 96]]), frame).tolist() == [[0, 0], [110, 70]]
    assert boxes_from_input(torch.tensor([[-9.0, -9, 200, 200]]), frame).tolist() == [[0, 0, 110, 70]]


@pytest.mark.parametrize("framing", ["crop", "letterbox"])
@pytest.mark.parametrize(("high", "wide"), SIZES)
def test_a_mask_lies_as_its_picture_does(high: int, wide: int, framing: Framing) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 4, (-(-high // 10), -(-wide // 10)), dtype=np.uint8)
    mask = np.repeat(np.repeat(coarse, 10, 0), 10, 1)[:high, :wide]
    image = Image.fromarray(np.repeat((mask * 60)[..., None], 3, 2))
    pixels, frame = framed(image, 96, 128, framing)
    there = mask_to_input(np.ascontiguousarray(mask), frame, 96, 128)
    assert there.dtype == torch.uint8 and there.shape == (96, 128)
    counted = there != IGNORED
    painted = pixels[0].int() - torch.where(counted, there, 0).int() * 60
    assert ((painted.abs() < 31) | ~counted).float().mean() > 0.8
    assert (pixels[:, ~counted] == GREY).all()
    if framing == "crop":
        assert counted.all()


@pytest.mark.parametrize(("high", "wide"), [(70, 110), (300, 90), (40, 31), (96, 128)])
def test_masks_come_back(high: int, wide: int) -> None:
    y, x = np.mgrid[:high, :wide]
    mask = ((y >= high // 2) * 2 + (x >= wide // 3)).astype(np.uint8)
    _, frame = framed(plain(high, wide), 96, 128, "letterbox")
    there = mask_to_input(mask, frame, 96, 128).long()
    scores = torch.nn.functional.one_hot(there.clamp(max=3), 4).movedim(-1, 0)
    back = scores_from_input(scores, frame)
    assert back.shape == (4, high, wide) and back.dtype == torch.float32
    classes = back.argmax(0).numpy()
    wrong = classes != mask
    assert wrong.mean() < 0.03
    near = (abs(y - high // 2) < high / 48 + 2) | (abs(x - wide // 3) < wide / 48 + 2)
    assert not wrong[~near & (y < high - 4) & (x < wide - 4) & (y > 3) & (x > 3)].any()


def test_scores_as_large_as_the_picture_are_unchanged_and_others_grow_linearly() -> None:
    scores = torch.randn(3, 20, 30, generator=torch.Generator().manual_seed(0))
    _, frame = framed(plain(20, 30), 20, 30, "letterbox")
    torch.testing.assert_close(scores_from_input(scores, frame), scores, atol=1e-4, rtol=1e-4)
    assert scores_from_input(scores.bfloat16(), frame).dtype == torch.float32
    ramp = torch.arange(8.0).repeat(8, 1)[None]
    _, frame = framed(plain(32, 32), 8, 8, "letterbox")
    back = scores_from_input(ramp, frame)[0, 5]
    torch.testing.assert_close(back[2:-2], torch.arange(2, 30) / 4 - 0.375)
