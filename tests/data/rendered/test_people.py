"""Figures and mannequins: boxes and keypoints say where the drawn people are, and the two sets share nothing."""

import io

import numpy as np
import pytest
from datasets import DatasetDict
from PIL import Image

from tests.support.prepared import available
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.data.packaged.photographs import regions
from tlzoo.data.rendered.canvas import Canvas
from tlzoo.data.rendered.drawn_people import mannequins
from tlzoo.data.rendered.people import figures
from tlzoo.data.rendered.skeleton import pose
from tlzoo.data.schemas import PEOPLE_FEATURES

INDEX = {name: i for i, name in enumerate(COCO_NAMES)}


@pytest.fixture(scope="module")
def people() -> DatasetDict:
    return available(figures, train=24, validation=4, test=12)


@pytest.fixture(scope="module")
def dolls() -> DatasetDict:
    return mannequins(train=24, validation=4)


def check(data: DatasetDict, least: int, most: int) -> None:
    seen = []
    for rows in data.values():
        assert rows.features == PEOPLE_FEATURES
        assert len(set(rows["id"])) == len(rows)
        for row in rows:
            with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
                width, height = image.size
            assert least <= min(width, height) and max(width, height) <= most
            assert row["parts"] == list(range(17))
            (points,), ((x, y, w, h),) = np.array(row["people"]["keypoints"]), row["people"]["bbox"]
            assert points.shape == (17, 3)
            there = points[points[:, 2] > 0]
            assert np.all(points[points[:, 2] == 0] == 0)
            assert np.all(there[:, :2] >= 0) and np.all(there[:, :2] < [width, height])
            shown = points[points[:, 2] == 2, :2]
            assert np.all(shown >= [x - 2, y - 2]) and np.all(shown <= [x + w + 2, y + h + 2])
            assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
            seen += points[:, 2].tolist()
    shares = [seen.count(v) / len(seen) for v in (0, 1, 2)]
    assert 0 < shares[0] < 0.12 and 0.05 < shares[1] < 0.3 and shares[2] > 0.6


def test_figures_and_mannequins_are_where_their_keypoints_say(people: DatasetDict, dolls: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in people.items()} == {"train": 24, "validation": 4, "test": 12}
    check(people, 128, 192)
    for split, rows in people.items():
        assert set(rows["group"]) <= set(regions(split))
    check(dolls, 128, 160)


def test_mannequins_stand_otherwise_than_figures(people: DatasetDict, dolls: DatasetDict) -> None:
    """They draw poses from the same distribution, but not the same ones."""

    def shape(row: dict) -> np.ndarray:
        points = np.array(row["people"]["keypoints"][0])[5:, :2]
        return (points - points.mean(0)) / max(1e-6, np.ptp(points, axis=0).max())

    for one, other in zip(people["train"], dolls["train"], strict=False):
        assert np.abs(shape(one) - shape(other)).max() > 0.05


def test_bodies_are_plausible() -> None:
    """Of 300: limbs keep their lengths, heads are above hips, most faces look at the viewer, whose left is mirrored."""
    bodies = [pose(np.random.default_rng(i)) for i in range(300)]
    for body in bodies:
        at = body.points
        for upper, lower, low, high in (("shoulder", "elbow", 0.14, 0.19), ("hip", "knee", 0.2, 0.26)):
            for side in ("left", "right"):
                assert low < np.linalg.norm(at[f"{side}_{upper}"] - at[f"{side}_{lower}"]) < high
        assert at["head"][1] < (at["left_hip"] + at["right_hip"])[1] / 2
        assert at["nose"] @ body.head[2] > at["head"] @ body.head[2]
    facing = [b for b in bodies if b.faces("nose")]
    assert 0.7 < len(facing) / len(bodies) < 0.95
    frontal = [b for b in bodies if b.trunk[2, 2] > 0.7]
    assert all(b.points["left_shoulder"][0] > b.points["right_shoulder"][0] for b in frontal)


def test_what_covers_a_keypoint_hides_it() -> None:
    """Drawn behind the trunk a wrist is hidden, in front of it visible; a screen hides what it covers."""
    rng = np.random.default_rng(0)
    body = next(b for b in map(pose, map(np.random.default_rng, range(50))) if b.trunk[2, 2] > 0.9)
    at = body.points
    for depth, wanted in ((-0.3, 1), (0.3, 2)):
        canvas = Canvas(body, 128, 128, np.random.default_rng(0))
        places = np.stack([at[f"{side}_{n}"] for n in ("shoulder", "hip") for side in ("left", "right")])
        canvas.hull("trunk", places, 0.05, (200, 0, 0), None)
        at["left_wrist"] = places.mean(0) + np.array([0, 0, depth])
        canvas.limb("left_forearm", at["left_wrist"], at["left_wrist"], 0.03, 0.03, (0, 200, 0), None)
        drawn, cover = canvas.rendered()
        x, y, visibility = canvas.keypoints()[INDEX["left_wrist"]]
        assert visibility == wanted
        assert drawn[int(y), int(x)].argmax() == wanted - 1 and cover[int(y), int(x)] == 1
    seen = [v for _, _, v in canvas.keypoints()]
    front = canvas.screen(rng)
    for (x, y, visibility), before in zip(canvas.keypoints(), seen, strict=True):
        assert visibility == (min(before, 1) if front[int(y), int(x)] else before)
