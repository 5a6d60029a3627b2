import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.prepared import rows_by_id, share_nothing, sizes
from tests.support.shared import shared
from tlzoo.data.dataset import Prepared
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.blood_cells import NAMES


@pytest.fixture(scope="module")
def data(drawn: Callable[..., Prepared]) -> Prepared:
    return drawn("bccd")


def test_splits_are_the_published_ones_and_boxes_lie_in_their_pictures(data: Prepared) -> None:
    assert sizes(data.splits) == {"train": 205, "validation": 87, "test": 72}
    assert share_nothing(data.splits) and not data.problems
    root = shared("bccd") / "ImageSets" / "Main"
    for split, file in (("train", "train.txt"), ("validation", "val.txt"), ("test", "test.txt")):
        assert set(data.splits[split]["id"][:]) == set((root / file).read_text().split())
    found: Counter[str] = Counter()
    for rows in data.splits.values():
        for each in rows["objects"][:]:
            x, y, width, height = np.array(each["bbox"]).T
            assert min(x.min(), y.min()) >= 0 and (x + width).max() <= 640 and (y + height).max() <= 480
            found.update(NAMES[i] for i in each["category"])
    assert sum(found.values()) == 4_888 - 2  # two are points
    assert found["WBC"] == 372 and abs(found["RBC"] - 4155) + abs(found["Platelets"] - 361) == 2


def test_a_box_covers_the_pixels_that_its_annotation_names(data: Prepared) -> None:
    row = rows_by_id(data)["BloodImage_00000"]
    annotated = ET.parse(shared("bccd") / "Annotations" / "BloodImage_00000.xml").findall("object")
    assert len(annotated) == len(row["objects"]["bbox"])
    white = [box for box, c in zip(row["objects"]["bbox"], row["objects"]["category"], strict=True) if c == 2]
    assert white == [[259, 176, 232, 200]]  # pixels 260 to 491 and 177 to 376, counted from 1
    picture = np.asarray(decode(row["image"]), np.float32)
    x, y, width, height = (int(value) for value in white[0])
    inside = picture[y : y + height, x : x + width]
    purple = inside[..., 2].mean() - inside[..., 1].mean()
    assert picture.shape == (480, 640, 3)
    assert purple > 1.5 * (picture[..., 2].mean() - picture[..., 1].mean()), "a white cell's nucleus is stained"
