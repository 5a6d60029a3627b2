import numpy as np
import pytest
from PIL import Image, ImageDraw

from tlzoo.data.media.pasting import Cutout, box_of, cut, finished, ground, paste, recoloured, resized, take, turned


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def drawing() -> Image.Image:
    """A red cross with transparent margins that are black underneath."""
    image = Image.new("RGBA", (60, 90))
    pen = ImageDraw.Draw(image)
    pen.rectangle((25, 10, 35, 80), "red")
    pen.rectangle((10, 30, 50, 40), "red")
    return image


@pytest.mark.parametrize("side", [7, 40, 100])
def test_a_cutout_has_its_size_and_no_margins(drawing: Image.Image, side: int) -> None:
    for seed in range(5):
        cutout = turned(rng(seed), drawing, side)
        assert cutout.colour.shape == (*cutout.size, 3)
        assert side - 2 <= max(cutout.size) <= side
        assert box_of(cutout.alpha >= 0.5) == [0, 0, cutout.size[1], cutout.size[0]]
        solid = cutout.colour[cutout.alpha > 0.99]
        assert solid[:, 0].min(initial=255) > 240 and solid[:, 1:].max(initial=0) < 15  # no fringe of what was hidden


def test_turning_and_mirroring(drawing: Image.Image) -> None:
    ImageDraw.Draw(drawing).rectangle((35, 70, 55, 80), "red")  # now it has a left and a right
    upright = [turned(rng(seed), drawing, 90, degrees=0).alpha for seed in range(8)]
    left = [alpha[:, : alpha.shape[1] // 2].sum() > alpha[:, alpha.shape[1] // 2 :].sum() for alpha in upright]
    assert set(left) == {True, False}
    same = [turned(rng(seed), drawing, 90, degrees=0, mirrored=False).alpha for seed in range(8)]
    assert all(np.array_equal(alpha, same[0]) for alpha in same)
    assert turned(rng(), drawing, 90).size != turned(rng(1), drawing, 90).size


def test_paste_covers_exactly_what_is_solid() -> None:
    canvas = np.full((20, 30, 3), 100, np.float32)
    alpha = np.zeros((4, 6), np.float32)
    alpha[1:, 2:] = 1
    alpha[0, 2:] = 0.4
    mask = paste(canvas, Cutout(np.full((4, 6, 3), 200, np.float32), alpha), x=5, y=7)
    assert box_of(mask) == [7, 8, 4, 3] and mask.sum() == 12
    assert np.all(canvas[mask] == 200)
    assert np.all(canvas[7, 7:11] == 140)  # nearly transparent: seen, not solid
    canvas[7:11, 7:11] = 100
    assert np.all(canvas == 100)


def test_take_never_covers_and_gives_up() -> None:
    taken = np.zeros((40, 40), dtype=np.bool_)
    random, places = rng(), []
    for _ in range(12):
        if (place := take(random, taken, (10, 20))) is not None:
            places.append(place)
    assert 2 <= len(places) <= 8 and taken.sum() == 200 * len(places)
    assert take(random, np.ones((40, 40), dtype=np.bool_), (1, 1)) is None
    assert take(random, np.zeros((40, 40), dtype=np.bool_), (40, 40)) == (0, 0)


def test_grounds_and_parts_of_photographs_are_of_every_sort_and_in_range() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.float32)[:, None, None], (200, 300, 3))
    for seed in range(5):
        part = cut(rng(seed), ramp, 50, 80)
        assert part.shape == (50, 80, 3) and part.dtype == np.float32
        assert np.all(np.diff(part.mean(axis=(1, 2))) > 0)  # the right way up
    assert np.abs(resized(ramp[..., 0], 100, 150) - resized(ramp, 100, 150)[..., 1]).max() <= 0.5
    photograph = rng().uniform(0, 255, (90, 90, 3)).astype(np.float32)
    grounds = [ground(rng(seed), [photograph], 40, 50) for seed in range(12)]
    for pixels in grounds:
        assert pixels.shape == (40, 50, 3) and pixels.dtype == np.float32
        assert pixels.min() >= 0 and pixels.max() <= 255
        assert finished(rng(), pixels).dtype == np.uint8
    roughness = [float(np.abs(np.diff(pixels, axis=0)).mean()) for pixels in grounds]
    assert min(roughness) < 5 < 15 < max(roughness)


def test_recolouring_keeps_shape_and_changes_colour(drawing: Image.Image) -> None:
    cutout = turned(rng(), drawing, 50)
    first, second = recoloured(rng(1), cutout), recoloured(rng(2), cutout)
    assert np.array_equal(first.alpha, cutout.alpha)
    assert np.abs(first.colour - second.colour).mean() > 3
    assert first.colour.min() >= 0 and first.colour.max() <= 255
