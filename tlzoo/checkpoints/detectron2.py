"""Detectron2's Faster R-CNN: its differences from torchvision's, and its checkpoints under torchvision's names.

Read off detectron2 0.6 (Apache-2.0): ``modeling/poolers.py``, ``modeling/anchor_generator.py``,
``modeling/backbone/resnet.py``, ``modeling/roi_heads/fast_rcnn.py``, and the configuration of model 137849458.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign, roi_align

from tlzoo.checkpoints.pickles import load_arrays
from tlzoo.errors import InputError

_NAMES = (
    (r"^backbone\.bottom_up\.stem\.conv1\.norm\.", "backbone.body.bn1."),
    (r"^backbone\.bottom_up\.stem\.", "backbone.body."),
    (r"^backbone\.bottom_up\.res(\d)\.(\d+)\.", lambda m: f"backbone.body.layer{int(m[1]) - 1}.{m[2]}."),
    (r"\.shortcut\.norm\.", ".downsample.1."),
    (r"\.shortcut\.", ".downsample.0."),
    (r"\.conv([123])\.norm\.", r".bn\1."),
    (r"^backbone\.fpn_lateral(\d)\.", lambda m: f"backbone.fpn.inner_blocks.{int(m[1]) - 2}.0."),
    (r"^backbone\.fpn_output(\d)\.", lambda m: f"backbone.fpn.layer_blocks.{int(m[1]) - 2}.0."),
    (r"^proposal_generator\.rpn_head\.conv\.", "rpn.head.conv.0.0."),
    (r"^proposal_generator\.rpn_head\.objectness_logits\.", "rpn.head.cls_logits."),
    (r"^proposal_generator\.rpn_head\.anchor_deltas\.", "rpn.head.bbox_pred."),
    (r"^roi_heads\.box_head\.fc([12])\.", lambda m: f"roi_heads.box_head.fc{int(m[1]) + 5}."),
)
_DERIVED = re.compile(r"^pixel_(mean|std)$|^proposal_generator\.anchor_generator\.|\.num_batches_tracked$")


class ExactAnchors(AnchorGenerator):  # type: ignore[misc]
    """Anchors whose sides are not rounded."""

    def generate_anchors(
        self,
        scales: list[int],
        aspect_ratios: list[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device = torch.device("cpu"),  # noqa: B008
    ) -> Tensor:
        """Anchors about the origin, shape ``(ratios * scales, 4)``."""
        high = torch.tensor(aspect_ratios, dtype=dtype, device=device).sqrt()[:, None]
        sides = torch.tensor(scales, dtype=dtype, device=device)
        half = torch.stack([(sides / high).flatten(), (sides * high).flatten()], 1) / 2
        return torch.cat([-half, half], 1)


class AlignedPool(MultiScaleRoIAlign):  # type: ignore[misc]
    """Pooling whose samples are aligned to the centres of pixels, as many in a cell as its size requires."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Pool regions from the levels that match their sizes.

        Args:
            x: Maps by name, ``(batch, channels, height, width)``.
            boxes: Of each picture, in pixels of the input, ``(n, 4)``.
            image_shapes: Height and width of each picture.

        Returns:
            Shape ``(sum of n, channels, *output_size)``.
        """
        maps = [x[name] for name in self.featmap_names]
        places = torch.cat([b.new_full((len(b), 1), i) for i, b in enumerate(boxes)])
        rois = torch.cat([places, torch.cat(boxes)], 1)
        sides = (rois[:, 3:] - rois[:, 1:3]).prod(1).sqrt()
        levels = (self.canonical_level + torch.log2(sides / self.canonical_scale + 1e-8)).floor()
        strides = [2 ** round(float(torch.log2(torch.tensor(image_shapes[0][0] / m.shape[2])))) for m in maps]
        finest = strides[0].bit_length() - 1
        levels = levels.clamp(finest, finest + len(maps) - 1).long() - finest
        pooled = maps[0].new_zeros(len(rois), maps[0].shape[1], *self.output_size)
        for level, (values, stride) in enumerate(zip(maps, strides, strict=True)):
            here = (levels == level).nonzero()[:, 0]
            aligned = roi_align(values, rois[here], self.output_size, 1 / stride, sampling_ratio=0, aligned=True)
            pooled = pooled.index_copy(0, here, aligned.to(pooled.dtype))
        return pooled


def read(path: Path, std: Tensor) -> dict[str, Tensor]:
    """Read a checkpoint of a Faster R-CNN with a ResNet and a feature pyramid.

    Args:
        path: A pickle of NumPy arrays, as in Detectron2's model zoo.
        std: Of the channels of the input, for pixels in [0, 1], shape ``(3, 1, 1)``. Detectron2 takes blue, green and
            red from 0 to 255, minus a mean; the first convolution is adapted accordingly.

    Returns:
        The tensors under torchvision's names.

    Raises:
        InputError: It is not such a checkpoint.
    """
    arrays = load_arrays(path)
    tensors = {}
    for name, array in arrays.items():
        if _DERIVED.search(name):
            continue
        for old, new in _NAMES:
            name = re.sub(old, new, name)
        tensors[name] = torch.from_numpy(array)
    try:
        first = tensors["backbone.body.conv1.weight"]
        tensors["backbone.body.conv1.weight"] = first.flip(1) * 255 * std.to(first).view(1, 3, 1, 1)
        for name in ("weight", "bias"):  # background comes last there, and has no box
            scores, boxes = (f"roi_heads.box_predictor.{layer}.{name}" for layer in ("cls_score", "bbox_pred"))
            tensors[scores] = tensors[scores].roll(1, 0)
            tensors[boxes] = torch.cat([torch.zeros_like(tensors[boxes][:4]), tensors[boxes]])
    except KeyError as error:
        raise InputError(f"{path}: not a Faster R-CNN of Detectron2: without {error.args[0]}") from None
    return tensors
