import numpy as np

from tests.support.prepared import available
from tlzoo.data.packaged.photographs import COINS, PAGE, PHOTOGRAPHS, SOURCE_PHOTOGRAPHS, name_of, pixels, regions


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


def test_regions_are_quarters_that_do_not_overlap() -> None:
    for split, count in (("train", 24), ("validation", 8), ("test", 16)):
        parts = available(regions, split, "L")
        assert len(parts) == count
        for blob in PHOTOGRAPHS[split]:
            quarters = [parts[f"{name_of(blob)}-{row}-{column}"] for row in (0, 1) for column in (0, 1)]
            assert (np.block([quarters[:2], quarters[2:]]) == pixels(blob, "L")).all()
