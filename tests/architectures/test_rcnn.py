"""R-CNNs over torchvision's classes: targets, learning, classes, and what they answer."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.support.training import learn, scores
from tlzoo.architectures.rcnn import COCO, RCNN, FasterRCNN, MaskRCNN, instances
from tlzoo.data.media.geometry import IGNORED
from tlzoo.errors import InputError
from tlzoo.tasks.classification import ImageClassification
from tlzoo.tasks.detection import FaceDetection, ObjectDetection
from tlzoo.tasks.image_segmentation import Segmentation
from tlzoo.transfer.strategies import apply, set_train_mode

pytestmark = pytest.mark.usefixtures("one_thread")
DETECTION = ObjectDetection.of(("square", "disc"))
SEGMENTATION = Segmentation.of(("background", "square", "disc"))
SMALL: dict[str, Any] = {
    "layers": (1, 1, 1, 1),
    "width": 16,
    "fpn_channels": 32,
    "head_channels": 64,
    "anchor": 8,
    "proposals": 32,
    "rois": 32,
    "size": 96,
}


def small(kind: type[FasterRCNN], task: Any = None, **config: int) -> FasterRCNN:
    torch.manual_seed(0)
    model = kind(**SMALL | config)
    if task:
        model.for_task(task)
    return model


@pytest.mark.parametrize(
    ("kind", "task", "metric", "least"),
    [(FasterRCNN, DETECTION, "ap50", 0.7), (MaskRCNN, SEGMENTATION, "miou", 0.6)],
)
def test_it_learns(kind: type[FasterRCNN], task: Any, metric: str, least: float, scenes: Any) -> None:
    model = small(kind, task, size=64)
    losses = learn(model, scenes[:4], steps=30)
    assert losses[-1] < losses[0] / 2
    assert scores(task, model, scenes[:4])[metric] > least


def test_instances_are_the_connected_areas_of_each_class() -> None:
    mask = torch.zeros(12, 16, dtype=torch.uint8)
    mask[1:4, 2:6] = 1
    mask[4, 6] = 1  # touches at a corner
    mask[8:11, 1:3] = 1
    mask[6:9, 10:15] = 2
    mask[0, 15] = IGNORED
    found = instances(mask, [1, 2])
    assert found["boxes"].tolist() == [[2, 1, 7, 5], [1, 8, 3, 11], [10, 6, 15, 9]]
    assert found["labels"].tolist() == [0, 0, 1]
    assert found["masks"].flatten(1).sum(1).tolist() == [13, 6, 15]
    assert instances(torch.zeros(4, 4, dtype=torch.uint8), [1])["masks"].shape == (0, 4, 4)


def test_a_picture_without_objects_trains(scenes: Any) -> None:
    empty = scenes[0] | {"objects": {"bbox": [], "category": []}}
    model = small(FasterRCNN, DETECTION).train()
    loss = model.loss(model.augment(model.preprocess([empty, scenes[1]])))
    loss.backward()
    assert torch.isfinite(loss)


def test_other_classes_change_the_last_layers_only() -> None:
    model = small(MaskRCNN)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.for_task(SEGMENTATION)
    found = model.state_dict()
    changed = {n for n in kept if found[n].shape != kept[n].shape or not torch.equal(found[n], kept[n])}
    assert {n.rsplit(".", 2)[0] for n in changed} <= {
        "network.roi_heads.box_predictor",
        "network.roi_heads.mask_predictor",
    }
    assert found["network.roi_heads.box_predictor.cls_score.weight"].shape[0] == 3
    last = {id(p) for p in model.stages()[-1].parameters()}
    assert {id(p) for n, p in model.named_parameters() if "_predictor." in n} == last
    before = found["network.roi_heads.box_predictor.cls_score.weight"].clone()
    model.for_task(SEGMENTATION)  # the same classes: nothing is lost
    assert torch.equal(model.network.roi_heads.box_predictor.cls_score.weight, before)


def test_a_probe_trains_the_predictors_alone(scenes: Any) -> None:
    model = small(MaskRCNN, SEGMENTATION)
    apply(model, "probe")
    set_train_mode(model)
    model.loss(model.preprocess(scenes[:2])).backward()
    trained = {n.split(".")[2] for n, p in model.named_parameters() if p.grad is not None}
    assert trained == {"box_predictor", "mask_predictor"}


def test_mask_rcnn_detects_without_its_masks(scenes: Any) -> None:
    model = small(MaskRCNN, DETECTION)
    assert not any("mask" in name for name in model.state_dict())
    model.train()
    model.loss(model.preprocess(scenes[:2])).backward()
    (found,) = model.eval().predict(model.preprocess([{"image": scenes[0]["image"]}]))
    assert set(found.to_json()) == {"boxes", "scores", "labels"} and set(found.labels) <= {"square", "disc"}


def test_boxes_and_masks_lie_where_the_picture_has_them(monkeypatch: pytest.MonkeyPatch, scenes: Any) -> None:
    """The picture, 90 x 72, is 96 x 77 in the input, 9 pixels down."""
    boxes = torch.tensor([[16.0, 26.0, 48.0, 58.0], [32.0, 26.0, 64.0, 58.0], [0.0, 10.0, 96.0, 86.0]])
    found = {"boxes": boxes, "scores": torch.tensor([0.9, 0.6, 0.4]), "labels": torch.tensor([2, 1, 1])}
    found["masks"] = torch.ones(3, 1, 28, 28)  # objects that fill their boxes
    for task in (DETECTION, SEGMENTATION):
        model = small(MaskRCNN, task)
        monkeypatch.setattr(model, "_run", lambda image, targets=None: ([found], {}))
        (said,) = model.predict(model.preprocess([{"image": scenes[0]["image"]}]))
        if task is DETECTION:
            np.testing.assert_allclose(said.boxes[0], [15, 15.9, 45, 45.8], atol=0.1)
            assert said.labels == ["disc", "square", "square"] and len(said.scores) == 3
        else:
            mask = said.mask
            assert mask.shape == (72, 90) and said.labels == ["background", "square", "disc"]
            assert mask[30, 20] == 2 and mask[30, 40] == 2  # the surer one lies over the other
            assert mask[30, 55] == 1 and mask[65, 80] == 0  # and what is not sure is not painted
            assert abs((mask == 2).sum() - 30 * 30) <= 60


def test_published_classes_are_cocos(scenes: Any) -> None:
    model = small(FasterRCNN).eval()
    assert model.published_model() is model and model.spec.labels == COCO and len(COCO) == 80
    model.network.roi_heads.score_thresh = 0.0
    (found,) = model.predict(model.preprocess([scenes[0]]))
    assert found.labels and set(found.labels) <= set(COCO)
    assert found.scores == sorted(found.scores, reverse=True)
    masked = small(MaskRCNN)
    assert masked.spec.labels == ("background", *COCO)


@pytest.mark.parametrize(
    ("kind", "task", "told"),
    [
        (FasterRCNN, SEGMENTATION, "trained on detection, not on image-segmentation"),
        (MaskRCNN, ImageClassification.of(("a", "b")), "detection and image-segmentation, not on image-classification"),
    ],
)
def test_another_task_is_refused(kind: type[RCNN], task: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        small(kind, task)  # type: ignore[arg-type]


def test_faces_are_objects() -> None:
    model = small(FasterRCNN, FaceDetection.of(("face",)))
    assert model.network.roi_heads.box_predictor.cls_score.out_features == 2
