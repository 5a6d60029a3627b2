import fnmatch
import sys

import numpy as np
import pytest

from tests.support.prepared import available
from tlzoo.data.rendered.sprites import KINDS, SPLITS, Drawing, drawings


@pytest.fixture(scope="module")
def parted() -> dict[str, dict[str, list[Drawing]]]:
    return available(drawings)


def test_every_class_has_drawings_and_needs_all_of_its_patterns(parted: dict[str, dict[str, list[Drawing]]]) -> None:
    assert list(KINDS) == ["block", "card", "character", "creature", "item", "vehicle"]
    for name in KINDS:
        assert parted["train"][name] and parted["validation"][name]
    assert sum(len(found) for split in parted.values() for found in split.values()) == 335
    assert "arcade" not in sys.modules
    for name, patterns in KINDS.items():
        files = [file for split in SPLITS for file, _ in parted[split][name]]
        for pattern in patterns:
            assert fnmatch.filter(files, pattern), f"{name}: {pattern}"


def test_each_drawing_is_trimmed_and_in_one_split_and_class(
    parted: dict[str, dict[str, list[Drawing]]],
) -> None:
    everything = [drawing for split in parted.values() for found in split.values() for drawing in found]
    files = [file for file, _ in everything]
    assert len(set(files)) == len(files)
    assert len({(picture.size, picture.tobytes()) for _, picture in everything}) == len(files)
    other = drawings(seed=1)
    assert [file for file, _ in other["train"]["vehicle"]] != [file for file, _ in parted["train"]["vehicle"]]
    for found in parted["train"].values():
        for _, picture in found:
            assert picture.mode == "RGBA" and 8 <= max(picture.size) <= 112
            assert np.asarray(picture)[..., 3].any(axis=0).mean() > 0.95
