"""Segmentation: statistics, loss and decoding on masks that are known, and a head that learns drawn discs."""

from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, Value
from torch.nn import functional as F

from tests.support.small import COLOURS, noise, probe, stored, whole
from tests.support.training import learn, scores
from tlzoo.core.predictions import Mask
from tlzoo.data.dataset import table
from tlzoo.errors import InputError
from tlzoo.tasks.image_segmentation import Segmentation
from tlzoo.transfer.inference import value

CLASSES = ("background", "red", "green")


@pytest.fixture
def task() -> Segmentation:
    return Segmentation.of(CLASSES)


def discs(n: int) -> Dataset:
    """Pictures of 110 x 70 pixels with one to three discs."""
    rng = np.random.default_rng(0)
    images, masks = [], []
    for _ in range(n):
        image, mask = noise(rng, 70, 110), np.zeros((70, 110), np.uint8)
        for _ in range(rng.integers(1, 4)):
            y, x = np.ogrid[:70, :110]
            inside = (y - rng.integers(70)) ** 2 + (x - rng.integers(110)) ** 2 < rng.integers(8, 22) ** 2
            c = rng.integers(2)
            image[inside], mask[inside] = COLOURS[c], c + 1
        images.append(stored(image))
        masks.append(stored(mask))
    features = Features({**Segmentation.features_of(CLASSES), "id": Value("string")})
    names = [str(i) for i in range(n)]
    return table(features, {"image": images, "mask": masks, "classes": [[0, 1, 2]] * n, "id": names})


def row(mask: Any, **more: Any) -> dict[str, Any]:
    return {"mask": stored(np.asarray(mask, np.uint8)), **more}


def test_the_head_learns_a_few_pictures(task: Segmentation) -> None:
    rows = discs(8)
    model = whole(task)
    before = [*scores(task, model, rows).values()]
    losses = learn(model, rows, 40)
    assert losses[-1] < 0.3 * losses[0]
    after = [*scores(task, model, rows).values()]
    assert after[0] > 0.8 > before[0] + 0.3
    assert after[2] > after[0] > after[1], "Dice, mIoU, and mIoU without the background"


def test_a_probe_learns_on_cached_maps(task: Segmentation, tmp_path: Any, monkeypatch: Any) -> None:
    rows = discs(8)
    model = probe(task, rows, tmp_path, monkeypatch)
    before = next(iter(scores(task, model, rows).values()))
    example = model.encode(rows[0])
    assert "image" not in example
    assert example["target"].shape == (64, 96)
    assert model.augment(batch := model.collate([example])) is batch
    learn(model, rows, 40)
    assert next(iter(scores(task, model, rows).values())) > before + 0.3


@pytest.mark.parametrize(("high", "wide"), [(70, 110), (200, 90), (96, 96), (40, 31)])
def test_decoding_undoes_the_framing(task: Segmentation, high: int, wide: int) -> None:
    y, x = np.mgrid[:high, :wide]
    mask = ((y > high // 3).astype(np.uint8) + (x > wide // 2)).astype(np.uint8)
    image = np.zeros((high, wide, 3), np.uint8)
    example = whole(task).encode({"image": stored(image), **row(mask)})
    target = example["target"][None].long()
    batch = {"frame": example["frame"][None]}
    found = task.decode(F.one_hot(target.clamp(max=2), 3).movedim(-1, 1).float(), batch)[0].mask
    assert found.shape == mask.shape
    assert found.dtype == np.uint8
    assert (found == mask).mean() > 0.97  # but for the pixels at borders, where the input is coarser
    inner = np.s_[high // 3 + 4 : -4, wide // 2 + 4 : -4]
    assert (found[inner] == 2).all()


def test_ignored_pixels_count_in_neither_part_of_the_loss(task: Segmentation) -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 8, 8), torch.randint(3, (2, 8, 8))
    target[:, :3] = 255
    loss = task.loss(logits, {"target": target.byte()})
    logits[:, :, :3] = 100 * torch.randn(2, 3, 3, 8)
    assert task.loss(logits, {"target": target.byte()}).item() == pytest.approx(loss.item(), rel=1e-6)
    kept = F.cross_entropy(logits[:, :, 3:], target[:, 3:])
    p, t = logits[:, :, 3:].softmax(1), F.one_hot(target[:, 3:], 3).movedim(-1, 1)
    dice = 1 - (2 * (p * t).sum((0, 2, 3)) / (p + t).sum((0, 2, 3))).mean()
    assert loss.item() == pytest.approx((kept + dice).item(), rel=1e-5)


def test_the_loss_is_finite_without_a_pixel_that_counts(task: Segmentation) -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = task.loss(logits, {"target": torch.full((1, 4, 4), 255, dtype=torch.uint8)})
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]


def test_statistics_are_areas(task: Segmentation) -> None:
    prediction = Mask(np.array([[0, 0, 1, 2], [0, 1, 1, 2]], np.uint8), list(CLASSES))
    found = task.statistics(prediction, row([[0, 1, 1, 255], [0, 1, 0, 1]]))
    assert found["miou"] == [2, 2, 0, 3, 3, 1, 3, 4, 0]
    assert found["miou_foreground"] == [2, 0, 3, 1, 4, 0]


def test_finding_nothing_scores_nothing_without_the_background(task: Segmentation) -> None:
    true = np.zeros((10, 10), np.uint8)
    true[:3, :5] = 1
    nothing = task.statistics(Mask(np.zeros((10, 10), np.uint8), list(CLASSES)), row(true))
    assert value("miou", [nothing["miou"]]) == pytest.approx(0.85 / 2)
    assert value("miou_foreground", [nothing["miou_foreground"]]) == 0
    half = np.zeros((10, 10), np.uint8)
    half[:3, :4] = 1
    found = task.statistics(Mask(half, list(CLASSES)), row(true))
    assert value("miou_foreground", [found["miou_foreground"]]) == pytest.approx(12 / 15)
    plain = Segmentation.of(["red", "green"])
    prediction = Mask(np.zeros((2, 2), np.uint8), ["red", "green"])
    assert set(plain.statistics(prediction, row([[0, 1], [1, 1]]))) == {"miou"}, "no background to leave out"


def test_a_published_models_classes_are_known_by_name(task: Segmentation) -> None:
    prediction = Mask(np.array([[0, 1, 2]], np.uint8), ["background", "zebra", "red"])
    assert task.statistics(prediction, row([[0, 0, 1]]))["miou"] == [2, 1, 0, 2, 1, 0, 2, 1, 0]
    plain = Segmentation.of(["red", "green"])
    prediction = Mask(np.array([[0, 1, 2]], np.uint8), ["red", "zebra", "green"])
    assert plain.statistics(prediction, row([[0, 0, 1]]))["miou"] == [1, 1, 1, 1, 2, 1]


def test_what_cannot_be_used_is_said(task: Segmentation) -> None:
    with pytest.raises(InputError, match="seven: the mask has class 7; there are 3"):
        task.reference(row([[0, 7]], id="seven"))
    wrong = Mask(np.zeros((2, 2), np.uint8), list(CLASSES))
    with pytest.raises(InputError, match="prediction is 2 x 2 pixels, the mask 3 x 1"):
        task.statistics(wrong, row([[0, 0, 0]]))
    image = stored(np.zeros((5, 9, 3), np.uint8))
    with pytest.raises(InputError, match="the mask is 9 x 4 pixels, its picture 9 x 5"):
        whole(task).encode({"image": image, **row(np.zeros((4, 9)))})
