"""Scenes: their boxes and masks are those of what was pasted."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from datasets import DatasetDict
from PIL import Image

from tests.support.prepared import available
from tlzoo.data.media.image import decode
from tlzoo.data.media.pasting import Cutout, box_of
from tlzoo.data.packaged.digits import inks, parted
from tlzoo.data.packaged.photographs import regions
from tlzoo.data.rendered import scenes
from tlzoo.data.rendered.letters import NAMES
from tlzoo.data.rendered.scenes import DIGITS, MASKS, Scene, boxed, digit_scenes, letter_scenes, masked, sprite_masks
from tlzoo.tasks.detection import ObjectDetection, iou
from tlzoo.tasks.image_segmentation import Segmentation


class Recorder:
    """Keeps each scene just before it becomes a row, and the ground before anything is pasted."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.scenes: list[Scene] = []
        self.grounds: list[np.ndarray] = []
        made = scenes.Scene

        def scene(canvas: np.ndarray, *rest: list) -> Scene:
            self.grounds.append(canvas.copy())
            return made(canvas, *rest)

        def recording(row: Callable[..., Any]) -> Callable[..., Any]:
            return lambda rng, scene, *rest: (self.scenes.append(scene), row(rng, scene, *rest))[1]

        patch.setattr(scenes, "Scene", scene)
        for name in ("_box_row", "_mask_row"):
            patch.setattr(scenes, name, recording(getattr(scenes, name)))


Made = tuple[DatasetDict, Recorder]


def outside(mask: np.ndarray) -> np.ndarray:
    """Pixels outside of the box of all that is solid."""
    x, y, width, height = map(int, box_of(mask > 0))
    far = np.ones(mask.shape, dtype=bool)
    far[y : y + height, x : x + width] = False
    return far


def made(make: Callable[..., DatasetDict], **options: object) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder(patch)
        return available(make, **options), recorder


@pytest.fixture(scope="module")
def printed() -> Made:
    return made(letter_scenes, sizes=(40, 10))


@pytest.fixture(scope="module")
def piled() -> Made:
    return made(sprite_masks, sizes=(40, 10))


@pytest.fixture(scope="module")
def written() -> Made:
    return made(digit_scenes, train=40, validation=10, test=20)


def check_boxes(data: DatasetDict, recorder: Recorder, names: Sequence[str]) -> None:
    rows = [row for split in data.values() for row in split]
    assert len(rows) == len(recorder.scenes)
    for row, scene, ground in zip(rows, recorder.scenes, recorder.grounds, strict=True):
        height, width = scene.canvas.shape[:2]
        assert decode(row["image"]).size == (width, height)
        assert all(128 <= side <= 192 for side in (height, width))
        boxes = np.reshape(row["objects"]["bbox"], (-1, 4))
        assert boxes.tolist() == [box_of(mask) for mask in scene.masks]
        assert row["objects"]["category"] == scene.classes
        corners = np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]
        assert np.triu(iou(corners, corners), 1).max(initial=0) == 0
        assert all(14 <= max(box[2:]) <= 60 for box in boxes)
        changed = np.abs(scene.canvas - ground).max(axis=-1) > 0
        for x, y, wide, high in boxes.astype(int):
            changed[y : y + high, x : x + wide] = False
        assert not changed.any()  # nothing was pasted outside of the boxes
    assert {len(row["objects"]["bbox"]) for row in rows} == {0, 1, 2, 3, 4}
    for split in data.values():
        assert split.features == boxed(names)
        ObjectDetection(split.features)


def test_boxes_of_letters_are_exact(printed: Made) -> None:
    check_boxes(*printed, NAMES)
    assert len({label for scene in printed[1].scenes for label in scene.classes}) > 25
    assert all(rows["id"][:] == rows["group"][:] for rows in printed[0].values())


def test_boxes_of_digits_are_exact(written: Made) -> None:
    data, recorder = written
    check_boxes(data, recorder, DIGITS)
    assert {label for scene in recorder.scenes for label in scene.classes} == set(range(len(DIGITS)))
    for split, rows in data.items():
        assert set(rows["group"]) == set(regions(split))


@pytest.mark.parametrize("fixture", ["printed", "written"])
def test_what_is_written_stands_out(fixture: str, request: pytest.FixtureRequest) -> None:
    _, recorder = request.getfixturevalue(fixture)
    for scene, ground in zip(recorder.scenes, recorder.grounds, strict=True):
        for mask in scene.masks:
            x, y, width, height = map(int, box_of(mask))
            under = ground[y : y + height, x : x + width].mean()
            assert abs(np.median(scene.canvas[mask].mean(axis=-1)) - under) > 40


def test_digits_and_photographs_are_of_their_split(written: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    ink, labels = inks()
    known = {pixels.tobytes(): line for line, pixels in enumerate(ink)}
    seen: list[int] = []
    stroke = scenes._stroke
    monkeypatch.setattr(scenes, "_stroke", lambda found: (seen.append(known[found.tobytes()]), stroke(found))[1])
    for split, lines in parted(labels, 0).items():
        seen.clear()
        again = digit_scenes(**dict.fromkeys(("train", "validation", "test"), 0) | {split: 10})
        assert again[split].to_list() == written[0][split].select(range(10)).to_list()
        assert seen and set(seen) <= set(lines.tolist())
        assert all(labels[line] < len(DIGITS) for line in seen)


def test_masks_are_exact(piled: Made) -> None:
    data, recorder = piled
    rows = [row for split in data.values() for row in split]
    shown: set[int] = set()
    for row, scene, ground in zip(rows, recorder.scenes, recorder.grounds, strict=True):
        with Image.open(io.BytesIO(row["mask"]["bytes"])) as image:
            assert image.mode == "L"
            mask = np.asarray(image)
        height, width = mask.shape
        assert decode(row["image"]).size == (width, height) and 96 <= min(height, width) <= max(height, width) <= 128
        assert np.array_equal(mask, scene.indices())
        assert row["classes"] == sorted(set(mask.ravel().tolist()))
        shown.update(row["classes"])
        if len(scene.masks) == 1:
            changed = np.abs(scene.canvas - ground).max(axis=-1)
            assert mask[changed > 128].all()  # less than half opaque, nothing changes so much
            assert (changed[mask > 0] > 0).mean() > 0.9 and not changed[outside(mask)].any()
        assert 1 <= len(scene.masks) <= 4
    assert shown == set(range(len(MASKS)))
    for split in data.values():
        assert split.features == masked(MASKS) and split["id"][:] == split["group"][:]
        Segmentation(split.features)


def test_what_lies_above_counts() -> None:
    scene = Scene(np.zeros((10, 10, 3), np.float32), [], [])
    solid = Cutout(np.full((4, 4, 3), 255, np.float32), np.ones((4, 4), np.float32))
    scene.add(solid, 0, 0, 2)
    scene.add(solid, 2, 2, 0)
    indices = scene.indices()
    assert np.bincount(indices.ravel(), minlength=4).tolist() == [72, 16, 0, 12]
    assert indices[0, 0] == 3 and indices[2, 2] == 1 and indices[6, 6] == 0
