from tests.support.prepared import available
from tlzoo.data.packaged.photographs import COINS, PAGE, PHOTOGRAPHS, SOURCE_PHOTOGRAPHS, name_of, pixels


def test_no_photograph_is_in_two_splits_or_in_source_and_target() -> None:
    blobs = [blob for split in (*PHOTOGRAPHS.values(), *SOURCE_PHOTOGRAPHS.values()) for blob in split]
    hashes = [blob.sha256 for blob in (*blobs, COINS, PAGE)]
    assert len(set(hashes)) == len(hashes)
    assert "motorcycle_right" not in map(name_of, blobs)  # the scene of motorcycle_left


def test_pixels() -> None:
    colour, grey = available(pixels, PHOTOGRAPHS["test"][0]), available(pixels, PAGE, "L")
    assert name_of(PHOTOGRAPHS["test"][0]) == "chelsea"
    assert colour.shape == (300, 451, 3) and grey.shape == (191, 384)
    assert colour.min() >= 0 and 200 < colour.max() <= 255
