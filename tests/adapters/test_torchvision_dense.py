"""Detectors and segmenters of torchvision, under their own file's names."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from tlzoo.adapters import build
from tlzoo.adapters.torchvision_dense import VOC, DeepLabV3
from tlzoo.adapters.weights import variant_of
from tlzoo.architectures.rcnn import COCO, RCNN
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.tasks.detection import ObjectDetection
from tlzoo.tasks.image_segmentation import Segmentation

pytestmark = pytest.mark.usefixtures("one_thread")
SEGMENTATION = Segmentation.of(("background", "square", "disc"))


def made(card: str, variant: str, task: Any = None, **given: int) -> Any:
    facts = catalogue.get(card)
    chosen = variant_of(facts, variant)
    return build(chosen, facts.input_of(chosen).model_copy(update=given), task)


@pytest.mark.parametrize("card", ["detectron2", "mask-rcnn"])
def test_norms_are_frozen_as_the_weights_were_trained(card: str) -> None:
    with torch.device("meta"):
        model = made(card, "r50-fpn")
    norms = [m for m in model.modules() if isinstance(m, FrozenBatchNorm2d)]
    assert len(norms) == 53 and all(m.eps == 0 for m in norms)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    kind = "Faster" if card == "detectron2" else "Mask"
    weights = torchvision.models.get_model_weights(f"{kind.lower()}rcnn_resnet50_fpn")
    assert sum(p.numel() for p in model.parameters()) == weights.COCO_V1.meta["num_params"]


def test_torchvisions_file_loads_under_its_older_names(tmp_path: Path) -> None:
    """The published file is of 2019: it has other names for the pyramid, the proposals and the mask head."""
    torch.manual_seed(0)
    model = made("mask-rcnn", "r50-fpn", height=64, width=64)
    state = {n: torch.rand_like(t) for n, t in model.network.state_dict().items()}
    old = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if "inner_blocks" in parts or "layer_blocks" in parts:
            parts.pop(4)
        if name.startswith("rpn.head.conv"):
            parts[3:5] = []
        if "mask_head" in parts:
            parts[2:4] = [f"mask_fcn{int(parts[2]) + 1}"]
        old[".".join(parts)] = tensor
    assert "backbone.fpn.inner_blocks.0.weight" in old and "rpn.head.conv.weight" in old
    assert "roi_heads.mask_head.mask_fcn4.bias" in old
    torch.save(old, tmp_path / "mask.pth")
    model.load_official({"mask.pth": tmp_path / "mask.pth"})
    assert all(torch.equal(t, state[n]) for n, t in model.network.state_dict().items())
    del old["rpn.head.conv.weight"]
    torch.save(old, tmp_path / "mask.pth")
    with pytest.raises(InputError, match=r"mask\.pth: not the weights of this R-CNN"):
        model.load_official({"mask.pth": tmp_path / "mask.pth"})


def test_the_task_decides_whether_mask_rcnn_gives_boxes_or_masks() -> None:
    detection = ObjectDetection.of(("person",))
    with torch.device("meta"):
        boxes = made("mask-rcnn", "r50-fpn", detection)
        masks = made("mask-rcnn", "r50-fpn", SEGMENTATION)
        alone = made("mask-rcnn", "r50-fpn")
    assert boxes.detector and not masks.detector and not alone.detector
    assert set(COCO) <= set(boxes.spec.labels) and masks.spec.labels == ("background", *boxes.spec.labels)


def test_an_untrained_detector_answers(scenes: Any) -> None:
    torch.manual_seed(0)
    model = made("detectron2", "r50-fpn", height=64, width=64)
    assert isinstance(model, RCNN) and model.published_model() is model
    model.for_task(ObjectDetection.of(("square", "disc")))
    loss = model.train().loss(model.preprocess(scenes[:1]))
    assert torch.isfinite(loss) and loss < 20  # frozen norms alone would let the values grow without bound
    with torch.inference_mode():
        (found,) = model.eval().predict(model.preprocess(scenes[:1]))
    assert set(found.to_json()) == {"boxes", "scores", "labels"}


def test_deeplab_has_the_classes_of_voc_until_it_is_adapted(scenes: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = made("deeplabv3", "mobilenet-v3", height=64, width=64)
    assert isinstance(model, DeepLabV3) and model.published_model() is model
    torch.save(model.network.state_dict(), tmp_path / "deeplab.pth")
    model.load_official({"deeplab.pth": tmp_path / "deeplab.pth"})
    with torch.inference_mode():
        (found,) = model.eval().predict(model.preprocess([{"image": scenes[0]["image"]}]))
    assert found.mask.shape == (72, 90) and tuple(found.labels) == VOC and len(VOC) == 21
    model.for_task(SEGMENTATION)
    stages = model.stages()
    held = [id(p) for stage in stages for p in stage.parameters()]
    assert len(held) == len(set(held)) and set(held) == {id(p) for p in model.parameters()}
    assert [layer.out_channels for layer in stages[-1]] == [3, 3]
    loss = model.train().loss(model.preprocess(scenes[:2]))
    loss.backward()
    assert all(p.grad is not None for p in stages[-1].parameters())
    with torch.inference_mode():
        (found,) = model.eval().predict(model.preprocess(scenes[:1]))
    assert found.labels == ["background", "square", "disc"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    model = made("deeplabv3", "mobilenet-v3", height=64, width=64)
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth"):
        model.load_official({"other.pth": tmp_path / "other.pth"})
