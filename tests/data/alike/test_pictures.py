import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tlzoo.data.alike.pictures import describe, is_same, shrink


def drawn(seed: int, side: int = 128) -> Image.Image:
    """Some shapes on a gradient."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, 120, side)[None, :, None] + rng.uniform(0, 120, 3)
    picture = Image.fromarray(np.uint8(np.broadcast_to(slope, (side, side, 3))))
    pen = ImageDraw.Draw(picture)
    for _ in range(8):
        x, y, w, h = rng.integers(0, side, 4)
        pen.ellipse((x, y, x + w // 2 + 4, y + h // 2 + 4), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    return picture


def jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return Image.open(file)


@pytest.mark.parametrize(
    "change",
    [
        jpeg,
        lambda picture: picture.resize((115, 115)),
        lambda picture: picture.resize((100, 128)),
        lambda picture: picture.crop((4, 2, 128, 125)),
        lambda picture: jpeg(picture.resize((115, 115)).crop((0, 3, 113, 115))),
    ],
    ids=["jpeg", "resized", "squeezed", "cropped", "all"],
)
def test_a_picture_saved_again_is_the_same(change: Callable[[Image.Image], Image.Image]) -> None:
    same = [is_same(shrink(drawn(seed)), shrink(change(drawn(seed)))) for seed in range(20)]
    assert sum(same) >= 18


def test_similar_pictures_are_others() -> None:
    for seed in range(10):
        picture = drawn(seed)
        moved, dotted = picture.copy(), picture.copy()
        moved.paste(picture.crop((0, 0, 120, 128)), (8, 0))
        ImageDraw.Draw(dotted).ellipse((60, 60, 70, 70), fill=(255, 0, 0), outline=(0, 255, 0))
        recoloured = Image.fromarray(np.asarray(picture)[..., [1, 2, 0]])
        for other in (drawn(seed + 100), moved, dotted, recoloured):
            assert not is_same(shrink(picture), shrink(other))


def test_blank_pictures_have_no_descriptor() -> None:
    assert describe(shrink(Image.new("RGB", (50, 50), "white"))) is None
    one = describe(shrink(drawn(0)))
    assert one is not None and np.linalg.norm(one) == pytest.approx(1)
