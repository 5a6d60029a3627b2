from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import GREY, IGNORED

SIDE = (60, 80)  # height, width


def scene(n: int, seed: int = 0) -> dict[str, Any]:
    """Grey pictures with a bright rectangle: its box, its corners and middle, its mask."""
    rng = np.random.default_rng(seed)
    images = torch.full((n, 3, *SIDE), 100, dtype=torch.uint8)
    masks = torch.zeros(n, *SIDE, dtype=torch.uint8)
    target = []
    for i in range(n):
        x, y = rng.integers(22, 34), rng.integers(18, 26)
        w, h = rng.integers(12, 24), rng.integers(8, 16)
        images[i, :, y : y + h, x : x + w] = 220
        masks[i, y : y + h, x : x + w] = 1
        points = [[x, y, 2], [x + w, y, 1], [x + w / 2, y + h / 2, 2], [x, y + h, 0]]
        target.append(
            {
                "boxes": torch.tensor([[x, y, x + w, y + h]], dtype=torch.float32),
                "labels": torch.tensor([3]),
                "keypoints": torch.tensor([points], dtype=torch.float32),
                "masks": masks[i : i + 1].clone(),
                "areas": torch.tensor([float(w * h)]),
            }
        )
    return {"image": images, "target": target, "classes": masks}


def extent(mask: Tensor) -> list[float]:
    ys, xs = torch.nonzero(mask, as_tuple=True)
    return [float(v) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)]


def test_boxes_points_and_masks_move_with_the_picture() -> None:
    torch.manual_seed(0)
    batch = scene(40)
    new = varied(batch, shift=0.1, scale=0.2, colour=0.0, flip=True, mirror=[1, 0, 2, 3])
    assert new["image"].dtype == torch.uint8 and new["image"].shape == batch["image"].shape
    mirrored = 0
    for i, (before, after) in enumerate(zip(batch["target"], new["target"], strict=True)):
        bright = new["image"][i, 0] > 160
        box = after["boxes"][0]
        np.testing.assert_allclose(extent(bright), box, atol=1.01)
        np.testing.assert_allclose(extent(after["masks"][0]), box, atol=1.01)
        assert after["masks"].dtype == torch.uint8
        assert after["labels"].tolist() == [3]
        assert after["areas"].item() == pytest.approx(float((box[2:] - box[:2]).prod()), rel=1e-4)
        points = after["keypoints"][0]
        left, right = points[0], points[1]  # by name: left stays left in the picture, as left and right are exchanged
        torch.testing.assert_close(left[:2], box[:2], atol=1e-3, rtol=0)
        torch.testing.assert_close(right[:2], box[[2, 1]], atol=1e-3, rtol=0)
        torch.testing.assert_close(points[2, :2], (box[:2] + box[2:]) / 2, atol=1e-3, rtol=0)
        flipped = left[2] == before["keypoints"][0, 1, 2]
        assert points[3, 2] == 0
        mirrored += int(flipped)
    assert 10 < mirrored < 30


def test_masks_of_classes_move_with_the_picture() -> None:
    torch.manual_seed(0)
    batch = scene(20)
    new = varied(batch | {"target": batch["classes"]}, shift=0.3, colour=0.0, flip=True)
    assert new["target"].dtype == torch.uint8
    assert set(new["target"].unique().tolist()) == {0, 1, IGNORED}
    bright, outside = new["image"][:, 0] > 160, new["image"][:, 0] == GREY
    assert ((new["target"] == 1) == bright).float().mean() > 0.98
    assert outside[new["target"] == IGNORED].float().mean() > 0.95


def test_objects_that_leave_the_picture_are_dropped_and_cut() -> None:
    torch.manual_seed(0)
    image = torch.zeros(60, 3, 50, 50, dtype=torch.uint8)
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    points = torch.tensor([[[5.0, 5, 2]], [[25, 25, 2]]])
    target = [{"boxes": boxes, "labels": torch.tensor([0, 1]), "keypoints": points} for _ in image]
    new = varied({"image": image, "target": target}, shift=0.3)["target"]
    counts = [len(t["boxes"]) for t in new]
    assert set(counts) == {1, 2}
    for t in new:
        assert len(t["boxes"]) == len(t["labels"]) == len(t["keypoints"])
        assert t["labels"][-1] == 1
        assert t["boxes"].min() >= 0 and t["boxes"].max() <= 50
        assert ((t["boxes"][:, 2:] - t["boxes"][:, :2]) > 0).all()
        inside = (t["keypoints"][..., :2] >= 0).all(-1)
        assert (t["keypoints"][..., 2] == 2 * inside).all()


def test_pictures_without_objects_labels_frames_and_features_stay_so() -> None:
    image = torch.zeros(2, 3, 20, 20, dtype=torch.uint8)
    empty = {"boxes": torch.zeros(0, 4), "keypoints": torch.zeros(0, 17, 3), "masks": torch.zeros(0, 20, 20)}
    for t in varied({"image": image, "target": [empty, empty]}, flip=True, mirror=list(range(17)))["target"]:
        assert {k: v.shape for k, v in t.items()} == {k: v.shape for k, v in empty.items()}
    features = {"features0": torch.ones(2, 4), "frame": torch.ones(2, 6), "target": torch.tensor([1, 2])}
    assert varied(features) is features
    batch = {"image": torch.zeros(2, 3, 8, 8, dtype=torch.uint8)} | features
    new = varied(batch)
    assert new["target"] is features["target"] and new["frame"] is features["frame"]
    assert not torch.equal(new["image"], batch["image"])
    assert int(batch["image"].sum()) == 0


def test_a_picture_without_surroundings_goes_on_at_its_edge() -> None:
    image = torch.full((8, 3, 32, 32), 30, dtype=torch.uint8)
    assert (varied({"image": image}, colour=0.0, fill=None)["image"] == 30).all()
    assert (varied({"image": image}, colour=0.0)["image"] == GREY).any()


def test_colours_vary_a_little_and_each_picture_by_itself() -> None:
    torch.manual_seed(0)
    image = torch.randint(60, 180, (64, 3, 16, 16), dtype=torch.uint8)
    new = varied({"image": image}, shift=0.0, scale=0.0, colour=0.2)["image"].float()
    bright = new.mean((1, 2, 3)) / image.float().mean((1, 2, 3))
    assert 0.78 < bright.min() < 0.9 and 1.1 < bright.max() < 1.22
    spread = new.std((1, 2, 3)) / image.float().std((1, 2, 3))
    assert spread.min() < 0.9 and spread.max() > 1.1
    same = varied({"image": image}, shift=0.0, scale=0.0, colour=0.0)["image"]
    assert torch.equal(same, image)


def test_chance_is_torchs_own() -> None:
    def draw() -> Tensor:
        torch.manual_seed(5)
        return varied(scene(3), flip=True)["image"]

    assert torch.equal(draw(), draw())
    assert not torch.equal(draw(), varied(scene(3), flip=True)["image"])
