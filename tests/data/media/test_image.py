import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.prepared import refused
from tlzoo.data.media.image import Placement, annotated, decode, encode_png, placement, read_values
from tlzoo.errors import InputError

QUARTERS = np.zeros((40, 60, 3), dtype=np.uint8)
QUARTERS[:20, :30] = (250, 0, 0)  # top left red
QUARTERS[20:, 30:] = (0, 0, 250)  # bottom right blue


def stored(image: Image.Image, kind: str = "PNG", **options: object) -> dict:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return {"bytes": buffer.getvalue(), "path": f"picture.{kind.lower()}"}


def test_pictures_from_bytes_paths_and_memory_are_unchanged(tmp_path):
    for pixels in (QUARTERS, QUARTERS[..., 0], QUARTERS[..., :1]):
        image = decode({"bytes": encode_png(pixels), "path": None})
        assert image.mode == "RGB" and image.size == (60, 40)
        wanted = pixels if pixels.shape[2:] == (3,) else np.stack([np.squeeze(pixels)] * 3, axis=2)
        np.testing.assert_array_equal(np.array(image), wanted)
    assert encode_png(Image.fromarray(QUARTERS)) == encode_png(QUARTERS)
    image = Image.fromarray(QUARTERS)
    assert decode(image).tobytes() == QUARTERS.tobytes()
    image.save(tmp_path / "a.png")
    assert decode({"bytes": None, "path": str(tmp_path / "a.png")}).tobytes() == QUARTERS.tobytes()
    with Image.open(tmp_path / "a.png") as lazy:
        assert decode(lazy).tobytes() == QUARTERS.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera did to the picture: Image.Transpose
    image = Image.fromarray(QUARTERS)
    turned = image.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode(stored(turned, "PNG", exif=exif)).tobytes() == QUARTERS.tobytes()


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "wanted"),
    [
        ("L", "PNG", 100, (100, 100, 100)),
        ("1", "PNG", 1, (255, 255, 255)),
        ("P", "GIF", 0, (0, 0, 0)),
        ("LA", "PNG", (100, 0), (255, 255, 255)),
        ("RGBA", "PNG", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", "PNG", (255, 0, 0, 0), (255, 255, 255)),
        ("CMYK", "JPEG", (0, 255, 255, 0), (254, 0, 0)),
        ("CMYK", "TIFF", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", "JPEG", (128, 128, 128), (128, 128, 128)),
        ("I;16", "PNG", 128 * 257, (128, 128, 128)),
        ("I;16", "TIFF", 65535, (255, 255, 255)),
        ("I", "TIFF", 128 * 257, (128, 128, 128)),
        ("F", "TIFF", 0.5, (127, 127, 127)),
        ("F", "TIFF", 200.0, (200, 200, 200)),
    ],
)
def test_modes_become_rgb(mode, kind, colour, wanted):
    image = decode(stored(Image.new(mode, (24, 16), colour), kind))
    assert image.mode == "RGB" and image.size == (24, 16)
    assert np.abs(np.array(image, dtype=int) - wanted).max() <= 2


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = stored(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(data).getpixel((5, 5)) == (255, 0, 0)
    with Image.open(io.BytesIO(data["bytes"])) as opened:
        opened.seek(2)
        assert decode(opened).getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_truncated_files_are_refused_in_one_line(kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8))
    whole = stored(noise, kind)
    for share in (0.02, 0.3, 0.6):
        cut = whole | {"bytes": whole["bytes"][: int(share * len(whole["bytes"]))]}
        with refused(rf"picture\.{kind.lower()}: "):
            decode(cut)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"bytes": None, "path": None}, "neither bytes nor a path"),
        ({"bytes": b"", "path": "a.png"}, "a.png: an empty file"),
        ({"bytes": b"hello", "path": "a.png"}, "a.png: not an image"),
        ({"bytes": b"hello", "path": None}, "image in memory: not an image"),
        ({"bytes": None, "path": "/nowhere/a.png"}, "/nowhere/a.png: no such file"),
        ({"bytes": None, "path": "/"}, "/: cannot be read as an image"),
    ],
)
def test_what_is_no_image_is_refused(source, message):
    with pytest.raises(InputError, match=message):
        decode(source)


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_broken_bytes_never_raise_anything_else():
    rng = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF"):
        whole = stored(Image.fromarray(QUARTERS), kind)["bytes"]
        for _ in range(60):
            data = bytearray(whole)
            for at in rng.integers(0, len(data), 5):
                data[at] = rng.integers(256)
            try:
                assert decode({"bytes": bytes(data), "path": "a"}).mode == "RGB"
            except InputError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_png_of_no_picture_is_refused(pixels):
    with pytest.raises(InputError, match="expected uint8"):
        encode_png(pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_where_points_and_pixels_of_a_file_lie_in_its_picture(orientation):
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[7, 11] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = stored(Image.fromarray(image), "PNG", exif=exif)
    seen = np.asarray(decode(data))[..., 0]
    place = placement(data)
    assert (place.width, place.height) == (60, 40) and place.seen == seen.shape[::-1]
    np.testing.assert_array_equal(place.pixels(image[..., 0]), seen)
    x, y = place.points(np.array([11.5, 7.5]))
    assert seen[int(y), int(x)] == 255 and x % 1 == y % 1 == 0.5
    for size, wanted in ((None, place), ((60, 40), place), (place.seen, place if orientation < 5 else None)):
        position = annotated(data, size)
        assert position == (wanted or Placement(*place.seen))
    with pytest.raises(InputError, match="is 60 x 40 pixels, but its annotation is 10 x 10"):
        annotated(data, (10, 10))


@pytest.mark.filterwarnings("error")
def test_a_large_photo_is_fine_and_a_larger_one_is_one_clear_line(monkeypatch):
    assert decode(stored(Image.new("RGB", (3000, 2)), "PNG")).size == (3000, 2)
    assert decode(stored(Image.new("RGB", (4000, 3000)), "JPEG")).size == (4000, 3000)
    assert decode(stored(Image.new("RGB", (1, 1)))).size == (1, 1)
    bomb = stored(Image.new("1", (12_000, 9_000)))
    assert len(bomb["bytes"]) < 100_000
    for read in (decode, read_values):
        with refused(r"^picture\.png: 12,000 x 9,000 pixels; the limit is 89,478,485 in all$"):
            read(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with refused(r"picture\.png: more pixels than the limit of 1,000"):
        decode(bomb)
    with refused("limit is 1,000"):
        decode(Image.new("RGB", (60, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert decode(Image.new("RGB", (60, 40))).size == (60, 40)


def test_pictures_of_telephones_are_read_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    heif.from_pillow(Image.fromarray(pixels)).save(tmp_path / "a.heic", quality=-1, chroma=444)
    for source in ({"bytes": None, "path": str(tmp_path / "a.heic")}, {"bytes": (tmp_path / "a.heic").read_bytes()}):
        read = np.asarray(decode({"path": None, **source})).astype(int)
        assert np.abs(read - pixels).mean() < 3
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"a.heic: a HEIC picture.*pip install 'tlzoo\[heic\]'"):
        decode({"bytes": None, "path": str(tmp_path / "a.heic")})
