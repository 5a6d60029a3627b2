"""YOLOv5 against the release, on made pictures and on photographs of COCO.

``RAW``, ``DECODED`` and ``LOSS`` were made with the network and the loss of the package yolov5 7.0.14 (release 7.0),
which had read the same ``yolov5n.pt`` (torch 2.14.1, CPU, float32, in evaluation mode), for the pictures of ``ramp``.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from torch import Tensor

from tests.support.coco import average_precisions, corner_and_size
from tests.support.published import official, or_skip
from tests.support.training import learn, scores
from tlzoo.adapters.weights import resolve, variant_of
from tlzoo.architectures.yolov5 import ANCHORS, STRIDES, YOLOv5
from tlzoo.architectures.yolov5.loss import detection_loss, match
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.tasks.classification import ImageClassification
from tlzoo.tasks.detection import ObjectDetection, iou
from tlzoo.transfer.strategies import apply

pytestmark = pytest.mark.usefixtures("one_thread")

MINICOCO = Path(__file__).resolve().parents[2].parent / "shared/data/minicoco"
CARD = catalogue.get("yolov5")
RAW = [  # of the second picture, 96 x 128 pixels: anchor 2, row 1, column 2, the first seven numbers
    [-0.24989, 0.21884, 0.08497, 0.0796, -8.98019, -1.28766, -5.84581],
    [0.15909, 0.58715, 0.47876, -0.62667, -8.47598, -1.31472, -5.73153],
    [-1.0813, -0.00721, -0.88851, -1.0091, -1.78137, -1.34704, -5.87516],
]
MEAN_ABS = [4.90275, 4.99333, 5.20918]  # of each map, both pictures
DECODED = {  # of the first picture: centre, width, height, object, person
    0: [4.57786, 5.97988, 8.61266, 10.00452, 0.00015, 0.29988],
    700: [64.35618, 47.77021, 129.10298, 96.55228, 0.08357, 0.15],
    -1: [104.66484, 56.27916, 184.20239, 97.42342, 3e-05, 0.27659],
}
BOXES = [[3.0, 5, 33, 52], [41, 30, 122, 101], [70, 8, 97, 21]]  # two objects of the first, one of the second picture
LABELS = [0, 16, 79]
LOSS = 0.19242230  # of two pictures of 128 x 128 pixels with these objects; the release's sum over pictures, halved


def ramp(height: int, width: int) -> Tensor:
    """Two pictures, uint8."""
    return torch.arange(6 * height * width).mul(37).remainder(251).reshape(2, 3, height, width).to(torch.uint8)


@pytest.fixture(scope="module", name="official")
def published() -> YOLOv5:
    model = official("yolov5", "n").published_model()
    assert isinstance(model, YOLOv5)
    return model


def nano(labels: tuple[str, ...] = ("square", "disc")) -> YOLOv5:
    torch.manual_seed(0)
    model = YOLOv5(**variant_of(CARD, "nano").config)
    model.for_task(ObjectDetection.of(labels))
    return model.eval()


def test_network_equals_the_release(official: YOLOv5) -> None:
    with torch.no_grad():
        outputs = official({"image": ramp(96, 128)})
    decoded = official.detect.decode(outputs)
    for output, numbers, mean in zip(outputs, RAW, MEAN_ABS, strict=True):
        torch.testing.assert_close(output[1, 2, 1, 2, :7], torch.tensor(numbers), atol=1e-3, rtol=0)
        assert output.abs().mean().item() == pytest.approx(mean, abs=1e-3)
    for place, row in DECODED.items():
        torch.testing.assert_close(decoded[0, place, :6], torch.tensor(row), atol=5e-3, rtol=0)


def test_loss_equals_the_release(official: YOLOv5) -> None:
    targets = [
        {"boxes": torch.tensor(BOXES)[part], "labels": torch.tensor(LABELS)[part]} for part in (slice(2), slice(2, 3))
    ]
    with torch.no_grad():
        loss = official.loss({"image": ramp(128, 128), "target": targets})
    assert loss.item() == pytest.approx(LOSS, abs=1e-5)


def test_norms_are_the_releases(official: YOLOv5) -> None:
    norms = [m for m in official.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.03)}
    assert all(p.dtype == torch.float32 for p in official.parameters())
    assert official.spec.labels[0] == "person" and official.spec.labels[-1] == "toothbrush"
    assert official.spec.labels == YOLOv5().spec.labels  # torchvision's names, and those of the file


def test_photographs_are_detected_as_by_the_release(official: YOLOv5) -> None:
    """Ten photographs of COCO; the package finds AP50 0.546 on them, with its own framing and suppression."""
    if not MINICOCO.is_dir():
        pytest.skip(f"{MINICOCO} is not there")
    truth = COCO(MINICOCO / "labels" / "val.json")
    numbers = {c["name"]: c["id"] for c in truth.loadCats(truth.getCatIds())}
    found = []
    for image in truth.loadImgs(truth.getImgIds()):
        path = str(MINICOCO / "images" / image["file_name"])
        (prediction,) = official.predict(official.preprocess([{"image": {"bytes": None, "path": path}}]))
        assert len(prediction.boxes) <= 100
        for corners, score, name in zip(prediction.boxes, prediction.scores, prediction.labels, strict=True):
            if name in numbers:
                detection = {"image_id": image["id"], "category_id": numbers[name], "score": score}
                found.append(detection | {"bbox": corner_and_size(*corners)})
    assert average_precisions(truth, found)[1] == pytest.approx(0.546, abs=0.02)


def test_nano_learns_a_few_pictures(scenes: Any) -> None:
    model = nano()
    losses = learn(model, scenes, steps=60)
    assert losses[-1] < losses[0] / 2  # boxes that are not perfect leave objectness some loss
    assert scores(ObjectDetection.of(("square", "disc")), model, scenes)["ap50"] > 0.9
    (found,) = model.predict(model.preprocess(scenes[:1]))
    assert found.scores == sorted(found.scores, reverse=True)
    best = [found.labels.index(name) for name in ("square", "disc")]
    (x, y, w, h), (u, v, a, b) = scenes[0]["objects"]["bbox"]
    truth = np.array([[x, y, x + w, y + h], [u, v, u + a, v + b]])
    assert iou(np.array(found.boxes)[best], truth).diagonal().min() > 0.6


def test_encoding_puts_boxes_where_the_picture_is() -> None:
    model = nano()
    row = {
        "image": Image.new("RGB", (192, 96), "white"),
        "objects": {"bbox": [[20, 10, 40, 30], [150, 50, 100, 100], [500, 0, 10, 10]], "category": [1, 0, 1]},
    }
    example = model.encode(row)
    assert example["image"].shape == (3, 96, 96) and example["image"].dtype == torch.uint8
    assert example["image"][:, 0].unique().tolist() == [114] and example["image"][:, 48].unique().tolist() == [255]
    target = example["target"]
    assert target["boxes"].tolist() == [[10, 29, 30, 44], [75, 49, 96, 72]]  # half the size, 24 lower, cut off
    assert target["labels"].tolist() == [1, 0]
    assert "target" not in model.encode({"image": row["image"]})


EMPTY = {"image": Image.new("RGB", (80, 90), "gray"), "objects": {"bbox": [], "category": []}}


def test_a_picture_without_objects_has_a_loss() -> None:
    model = nano()
    loss = model.loss(model.augment(model.preprocess([EMPTY, EMPTY])))
    loss.backward()
    assert torch.isfinite(loss) and loss > 0


def test_a_guess_without_width_and_height_has_a_loss() -> None:
    outputs = [torch.zeros(1, 3, 96 // stride, 96 // stride, 6) for stride in STRIDES]
    for output in outputs:
        output[..., 2:4] = -40.0
        output.requires_grad_()
    anchors = torch.tensor(ANCHORS) / torch.tensor(STRIDES)[:, None, None]
    first = torch.zeros(1, dtype=torch.long)
    loss = detection_loss(outputs, anchors, STRIDES, torch.tensor([[10.0, 10.0, 50.0, 60.0]]), first, first)
    loss.backward()
    assert torch.isfinite(loss) and all(each.grad is not None and each.grad.isfinite().all() for each in outputs)


def test_objectness_has_its_weight_at_the_size_that_it_is_tuned_for() -> None:
    model = nano().eval()
    batch = model.preprocess([EMPTY])
    assert model.tuned_for == 96
    here = model.loss(batch)
    model.tuned_for = 640
    assert here.item() == pytest.approx(model.loss(batch).item() * (640 / 96) ** 2, rel=1e-4)


def test_varied_boxes_stay_on_their_objects(scenes: Any) -> None:
    model = nano()
    torch.manual_seed(1)
    batch = model.augment(model.preprocess(scenes))
    reds = 0
    for image, target in zip(batch["image"], batch["target"], strict=True):
        for box, label in zip(target["boxes"].round().long().tolist(), target["labels"].tolist(), strict=True):
            x1, y1, x2, y2 = box
            red, green, _ = image[:, y1:y2, x1:x2].float().mean((1, 2)).tolist()
            assert (red > green) == (label == 0)
            reds += label == 0
    assert reds >= 6


def test_new_classes_keep_what_does_not_depend_on_them() -> None:
    model = nano(("cat", "dog", "bird"))
    before = [m.weight.detach().view(3, 8, -1) for m in model.detect.m]
    body = {name: p.clone() for name, p in model.state_dict().items() if not name.startswith("model.24.m")}
    task = ObjectDetection.of(("fish", "dog"))
    model.for_task(task)
    assert model.spec.labels == ("fish", "dog")
    for old, conv in zip(before, model.detect.m, strict=True):
        new = conv.weight.detach().view(3, 7, -1)
        assert torch.equal(new[:, :5], old[:, :5])
        assert torch.equal(new[:, 6], old[:, 6])  # the dog
        assert not torch.equal(new[:, 5], old[:, 5])
    state = model.state_dict()
    assert all(torch.equal(state[name], p) for name, p in body.items())
    head = model.detect
    model.for_task(task)
    assert model.detect is head


def test_biases_expect_few_objects() -> None:
    with torch.no_grad():
        outputs = nano()({"image": ramp(96, 96)})
    for output, stride in zip(outputs, STRIDES, strict=True):
        expected = torch.tensor(8 / (640 / stride) ** 2).logit()
        assert output[..., 4].mean().item() == pytest.approx(expected.item(), abs=1.0)


def test_partial_tuning_leaves_the_backbone() -> None:
    model = nano()
    for strategy, parts in (("probe", {24}), ("partial", {10, 13, 14, 17, 18, 20, 21, 23, 24})):
        apply(model, strategy)  # type: ignore[arg-type]
        assert {int(n.split(".")[1]) for n, p in model.named_parameters() if p.requires_grad} == parts


def test_an_object_has_three_cells_an_anchor() -> None:
    anchors = torch.tensor(ANCHORS[0]) / STRIDES[0]
    box = torch.tensor([[5.3, 2.8, 3.0, 3.0]])  # cells; fits all three anchors
    index, anchor, cells = match(anchors, box, 12, 12)
    assert set(index.tolist()) == {0} and sorted(anchor.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert {tuple(cell) for cell in cells.tolist()} == {(5, 2), (4, 2), (5, 3)}
    corner = torch.tensor([[0.3, 11.9, 3.0, 3.0]])
    assert {tuple(cell) for cell in match(anchors, corner, 12, 12)[2].tolist()} == {(0, 11)}
    assert not len(match(anchors, torch.tensor([[5.0, 5.0, 30.0, 1.0]]), 12, 12)[0])


def test_other_tasks_and_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be trained on image-classification"):
        nano().for_task(ImageClassification.of(["a", "b"]))
    path = tmp_path / "other.pt"
    torch.save({"model": {"weight": torch.zeros(2)}}, path)
    with pytest.raises(InputError, match="expected the stub of a torch module"):
        YOLOv5().load_official({"yolov5n.pt": path})
    with or_skip(), pytest.raises(InputError, match=r"yolov5n\.pt: does not fit"):
        YOLOv5(width=0.5).load_official(resolve(CARD, "official", "n").paths())


@pytest.mark.parametrize("arguments", [{"depth": 0}, {"width": -1}, {"num_classes": 0}, {"size": 100}])
def test_arguments_out_of_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=json.dumps(next(iter(arguments))).strip('"')):
        YOLOv5(**arguments)
