"""Detectron2's checkpoint under torchvision's names, and the arithmetic in which the two differ.

No checkpoint is at hand: one of the real names is written, in the small, from a network of random parameters.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align

from tlzoo.adapters.weights import variant_of
from tlzoo.architectures.rcnn import STD, FasterRCNN
from tlzoo.cards import catalogue
from tlzoo.checkpoints.detectron2 import AlignedPool, ExactAnchors
from tlzoo.errors import InputError

SMALL: dict[str, Any] = {
    "layers": (2, 1, 1, 1),
    "width": 8,
    "fpn_channels": 16,
    "head_channels": 24,
    "num_classes": 5,
    "size": 64,
    "as_detectron2": True,
}


def names() -> dict[str, str]:
    """Detectron2's name of each of torchvision's, written out by hand for the small network."""
    published = {}
    norm = ("weight", "bias", "running_mean", "running_var")
    bottom, body = "backbone.bottom_up.", "backbone.body."
    published[f"{body}conv1.weight"] = f"{bottom}stem.conv1.weight"
    published |= {f"{body}bn1.{n}": f"{bottom}stem.conv1.norm.{n}" for n in norm}
    for level, blocks in enumerate(SMALL["layers"]):
        for block in range(blocks):
            ours, theirs = f"{body}layer{level + 1}.{block}.", f"{bottom}res{level + 2}.{block}."
            for i in (1, 2, 3):
                published[f"{ours}conv{i}.weight"] = f"{theirs}conv{i}.weight"
                published |= {f"{ours}bn{i}.{n}": f"{theirs}conv{i}.norm.{n}" for n in norm}
            if block == 0:
                published[f"{ours}downsample.0.weight"] = f"{theirs}shortcut.weight"
                published |= {f"{ours}downsample.1.{n}": f"{theirs}shortcut.norm.{n}" for n in norm}
    for n in ("weight", "bias"):
        for level in range(4):
            published[f"backbone.fpn.inner_blocks.{level}.0.{n}"] = f"backbone.fpn_lateral{level + 2}.{n}"
            published[f"backbone.fpn.layer_blocks.{level}.0.{n}"] = f"backbone.fpn_output{level + 2}.{n}"
        published[f"rpn.head.conv.0.0.{n}"] = f"proposal_generator.rpn_head.conv.{n}"
        published[f"rpn.head.cls_logits.{n}"] = f"proposal_generator.rpn_head.objectness_logits.{n}"
        published[f"rpn.head.bbox_pred.{n}"] = f"proposal_generator.rpn_head.anchor_deltas.{n}"
        published[f"roi_heads.box_head.fc6.{n}"] = f"roi_heads.box_head.fc1.{n}"
        published[f"roi_heads.box_head.fc7.{n}"] = f"roi_heads.box_head.fc2.{n}"
        published[f"roi_heads.box_predictor.cls_score.{n}"] = f"roi_heads.box_predictor.cls_score.{n}"
        published[f"roi_heads.box_predictor.bbox_pred.{n}"] = f"roi_heads.box_predictor.bbox_pred.{n}"
    return published


@pytest.fixture
def network() -> FasterRCNN:
    torch.manual_seed(0)
    model = FasterRCNN(**SMALL)
    for tensor in model.network.state_dict().values():
        tensor.copy_(torch.rand_like(tensor) * 0.2 + 0.1)
    return model


def checkpoint(network: FasterRCNN, path: Path) -> Path:
    """The network as Detectron2 would have saved it."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tensors = network.network.state_dict()
    assert set(tensors) == set(names())
    for ours, theirs in names().items():
        value = tensors[ours].numpy()
        if theirs.endswith("stem.conv1.weight"):
            value = (value / (255 * np.array(STD, dtype=np.float32).reshape(1, 3, 1, 1)))[:, ::-1].copy()
        if "cls_score" in theirs:
            value = np.concatenate([value[1:], value[:1]])  # background last
        if "box_predictor.bbox_pred" in theirs:
            value = value[4:]
        arrays[theirs] = value
    arrays["pixel_mean"] = np.array([103.53, 116.28, 123.675], dtype=np.float32).reshape(3, 1, 1)
    arrays["pixel_std"] = np.ones((3, 1, 1), dtype=np.float32)
    arrays["proposal_generator.anchor_generator.cell_anchors.0"] = np.zeros((3, 4), dtype=np.float32)
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "somebody"}))
    return path


def test_a_checkpoint_gives_the_same_network_and_a_first_convolution_for_rgb(
    network: FasterRCNN, tmp_path: Path
) -> None:
    path = checkpoint(network, tmp_path / "model.pkl")
    other = FasterRCNN(**SMALL)
    other.load_official({"model.pkl": path})
    wanted = network.network.state_dict()
    wanted["roi_heads.box_predictor.bbox_pred.weight"][:4] = 0  # there is no box of background
    wanted["roi_heads.box_predictor.bbox_pred.bias"][:4] = 0
    for name, tensor in other.network.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], msg=name)
    theirs = pickle.loads(path.read_bytes())["model"]
    image = torch.randint(0, 256, (1, 3, 64, 64))
    bgr = image.flip(1).float() - torch.from_numpy(theirs["pixel_mean"])
    seen = torch.conv2d(bgr, torch.from_numpy(theirs["backbone.bottom_up.stem.conv1.weight"]), stride=2, padding=3)
    ours = (image.float() / 255 - network.mean) / network.std
    torch.testing.assert_close(network.network.backbone.body.conv1(ours), seen, atol=1e-2, rtol=1e-3)


def test_anchors_are_not_rounded() -> None:
    (cell,) = ExactAnchors(((32,),), ((0.5, 1.0, 2.0),)).cell_anchors
    wanted = [[-22.6274, -11.3137, 22.6274, 11.3137], [-16, -16, 16, 16], [-11.3137, -22.6274, 11.3137, 22.6274]]
    torch.testing.assert_close(cell, torch.tensor(wanted), atol=1e-3, rtol=0)


def test_regions_are_pooled_from_the_level_of_their_size_with_aligned_samples() -> None:
    torch.manual_seed(0)
    maps = {str(i): torch.randn(2, 3, 256 // 2 ** (i + 2), 256 // 2 ** (i + 2)) for i in range(4)}
    boxes = [
        torch.tensor([[3.0, 5.0, 60.0, 70.0], [0.0, 0.0, 230.0, 240.0]]),
        torch.tensor([[20.0, 20.0, 150.0, 140.0]]),
    ]
    pool = AlignedPool(["0", "1", "2", "3"], 7, 2)
    pooled: Tensor = pool(maps, boxes, [(256, 256)] * 2)
    for i, (picture, box, level) in enumerate([(0, boxes[0][0], 0), (0, boxes[0][1], 2), (1, boxes[1][0], 1)]):
        region = torch.cat([torch.tensor([float(picture)]), box])[None]
        wanted = roi_align(maps[str(level)], region, 7, 1 / 2 ** (level + 2), sampling_ratio=0, aligned=True)
        torch.testing.assert_close(pooled[i : i + 1], wanted)


def test_what_is_no_such_checkpoint_is_refused(network: FasterRCNN, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {"fc.weight": np.zeros(3, dtype=np.float32)}}))
    with pytest.raises(InputError, match=r"model\.pkl: not a Faster R-CNN of Detectron2"):
        network.load_official({"model.pkl": path})
    with pytest.raises(InputError, match="as_detectron2"):
        FasterRCNN(**{**SMALL, "as_detectron2": False}).load_official({"model.pkl": path})
    checkpoint(network, path)
    with pytest.raises(InputError, match="not the weights of this R-CNN"):
        FasterRCNN(**{**SMALL, "fpn_channels": 8}).load_official({"model.pkl": path})


def test_the_cards_variant_and_its_strides_are_detectron2s(network: FasterRCNN) -> None:
    variant = variant_of(catalogue.get("detectron2"), "r50-fpn-3x")
    with torch.device("meta"):
        model = FasterRCNN(**variant.config)
    assert model.as_detectron2 and len(model.objects) == 80
    learnable = sum(p.numel() for p in model.parameters())
    assert learnable - 4 * (1024 + 1) == 41_699_936  # what Detectron2 counts, which has no box of background
    first = network.network.backbone.body.layer2[0]
    assert first.conv1.stride == (2, 2) and first.conv2.stride == (1, 1)
