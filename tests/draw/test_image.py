from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value
from datasets import Image as ImageFeature
from PIL import Image

from tlzoo.core.predictions import Boxes, ClassScores, Mask, Poses
from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.draw.image import ImageRenderer, Palette, annotated, save, truth
from tlzoo.errors import InputError

GREY = Image.new("RGB", (640, 480), (128, 128, 128))
PALE = 25  # how far from a colour a pixel may be


def share(picture: Image.Image, colour: tuple[int, int, int], box: tuple[int, int, int, int] | None = None) -> float:
    """Share of the pixels of a part that have a colour."""
    pixels = np.asarray(picture.crop(box) if box else picture, dtype=int)
    return float((np.abs(pixels - colour).max(-1) <= PALE).mean())


def test_colours_of_labels_are_apart_and_stay() -> None:
    palette = Palette()
    colours = [np.array(palette[f"class {i}"], dtype=int) for i in range(12)]
    assert min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i]) > 60
    assert palette["class 3"] == tuple(colours[3])


def test_boxes_with_their_labels() -> None:
    palette = Palette()
    boxes = [[100, 100, 300, 200], [400, 300, 500, 400], [5, 5, 600, 400]]
    picture = annotated(GREY, Boxes(boxes, [0.9, 0.5, 0.1], ["cat", "dog", "cat"]), palette)
    assert picture.width == 640 and picture.height > 480, "with a legend below"
    assert share(picture, palette["cat"], (100, 101, 102, 199)) == 1, "its left edge"
    assert share(picture, palette["cat"], (100, 80, 300, 100)) > 0.2, "its label above it"
    assert share(picture, palette["dog"], (499, 301, 501, 399)) == 1
    assert share(picture, (128, 128, 128), (5, 205, 300, 400)) == 1, "a box of a low score is not drawn"
    assert share(picture, palette["dog"], (0, 480, 640, picture.height)) > 0, "the legend"
    assert (np.asarray(GREY) == 128).all(), "the picture itself stays"


def test_a_label_is_inside_the_picture_and_never_over_another_one() -> None:
    palette = Palette()
    boxes = [[600, 0, 640, 20], [595, 2, 640, 22], [0, 470, 30, 480], [10.0, 100.0, 12.0, 90.0]]
    picture = annotated(GREY, Boxes(boxes, [1.0] * 4, ["abc"] * 4), palette)
    right = np.asarray(picture.crop((500, 0, 640, 100)), dtype=int)
    tags = (np.abs(right - palette["abc"]).max(-1) <= PALE).sum(1)
    assert (tags > 50).any(), "a label of which nothing is cut off"
    assert share(picture, palette["abc"], (0, 440, 60, 470)) > 0.2


def test_a_mask_and_its_legend() -> None:
    mask = np.zeros((480, 640), np.uint8)
    mask[100:200, 100:300], mask[300:400, 400:500], mask[:50] = 1, 2, 255
    palette = Palette()
    picture = annotated(GREY, Mask(mask, ["background", "sea", "land"]), palette)
    half = tuple((c + 128) // 2 for c in palette["sea"])
    assert share(picture, half, (110, 110, 290, 190)) == 1  # type: ignore[arg-type]
    assert share(picture, palette["sea"], (100, 100, 102, 200)) == 1, "the outline"
    assert share(picture, (128, 128, 128), (0, 0, 640, 90)) == 1, "what is ignored is not coloured"
    assert share(picture, palette["land"], (0, 480, 640, picture.height)) > 0
    empty = annotated(GREY, Mask(np.zeros((480, 640), np.uint8), ["background", "sea"]), Palette())
    assert share(empty, (128, 128, 128), (0, 0, 640, 480)) == 1


def test_limbs_between_points_that_are_seen() -> None:
    points = np.full((17, 2), 50.0)
    points[5], points[6], points[7] = (200, 200), (400, 200), (200, 400)  # shoulders, left elbow
    scores = np.zeros(17)
    scores[[5, 6]] = 0.9
    palette = Palette()
    pose = Poses([points.tolist()], [scores.tolist()], [0.8], list(COCO_NAMES))
    picture = annotated(GREY, pose, palette)
    colour = palette["person 0"]
    assert share(picture, colour, (250, 199, 350, 202)) == 1, "from shoulder to shoulder"
    assert share(picture, colour, (190, 250, 210, 410)) == 0, "not to the elbow, which is not seen"
    other = replace(pose, names=[f"p{i}" for i in range(17)])
    assert share(annotated(GREY, other, Palette()), colour, (380, 180, 420, 220)) > 0, "points of other names are dots"


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000), (96, 72), (3000, 2000)])
def test_every_size_is_drawn_readably(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size)
    box = Boxes([[0.0, 0.0, *map(float, size)]], [0.7], ["лодка"])
    mask = Mask(np.ones(size[::-1], np.uint8), ["background", "boat"])
    for prediction in (box, mask, ClassScores("boat", 0.7, {"boat": 0.7, "car": 0.3})):
        assert max(annotated(picture, prediction, Palette()).size) >= 640


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        save(GREY, tmp_path / "x" / "y.png")


def _rows(columns: dict[str, Any], features: dict[str, Any], n: int = 9) -> Dataset:
    whole = Features({"image": ImageFeature(decode=False), **features, "id": Value("string")})
    images = [{"bytes": encode_png(np.full((60, 80, 3), 20 * i, np.uint8)), "path": None} for i in range(n)]
    return table(
        whole, {"image": images, **{k: [v] * n for k, v in columns.items()}, "id": [f"r{i}" for i in range(n)]}
    )


NAMES = List(ClassLabel(names=["background", "cat", "dog"]))
MASK = np.tile(np.arange(80, dtype=np.uint8) // 30, (60, 1))
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "boxes": (
        {"objects": {"bbox": [[5, 10, 20, 30]], "category": [2]}},
        {"objects": {"bbox": List(List(Value("float32"))), "category": NAMES}},
    ),
    "mask": (
        {"mask": {"bytes": encode_png(MASK), "path": None}, "classes": [0, 1, 2]},
        {"mask": ImageFeature(decode=False), "classes": NAMES},
    ),
    "keypoints": (
        {"people": {"bbox": [[0, 0, 9, 9]], "keypoints": [[[3, 4, 2], [5, 6, 0]]]}, "parts": [0, 1]},
        {
            "people": {"bbox": List(List(Value("float32"))), "keypoints": List(List(List(Value("float32"))))},
            "parts": List(ClassLabel(names=["nose", "left_eye"])),
        },
    ),
    "label": ({"label": 1}, {"label": ClassLabel(names=["cat", "dog"])}),
}


def test_what_is_right_has_the_form_of_a_prediction() -> None:
    right = {kind: truth(_rows(*given)[0], _rows(*given).features) for kind, given in KINDS.items()}
    assert right["boxes"] == Boxes([[5, 10, 25, 40]], [1.0], ["dog"])
    mask = right["mask"]
    assert isinstance(mask, Mask) and (mask.mask == MASK).all() and mask.labels == ["background", "cat", "dog"]
    assert right["keypoints"] == Poses([[[3, 4], [5, 6]]], [[1.0, 0.0]], [1.0], ["nose", "left_eye"])
    assert right["label"] == ClassScores("dog", 1.0, {"dog": 1.0})


@pytest.mark.parametrize("kind", KINDS)
def test_a_contact_sheet_of_right_and_wrong(kind: str, tmp_path: Path) -> None:
    rows = _rows(*KINDS[kind])
    guesses = [truth(row, rows.features) for row in rows]
    sizes = []
    for right in ([True] * 9, [True] * 2 + [False] * 7, [False] * 9):
        ImageRenderer().contact_sheet(rows, guesses, right, tmp_path / "deep" / "sheet.png")
        with Image.open(tmp_path / "deep" / "sheet.png") as picture:
            sizes.append(picture.size)
    assert sizes[1][1] > sizes[0][1], "both sections have examples"
    assert sizes[0] == sizes[2], "at most six of each"
    assert max(s for size in sizes for s in size) < 3000
