"""YOLOv5's training loss (Jocher 2022, release 7.0, doi 10.5281/zenodo.3908559; there is no paper).

An object belongs to every anchor that is less than four times larger or smaller on either side, on every map, and there
to the cell of its centre and the two nearest cells beside it. Those cells learn the box (complete IoU, Zheng 2020,
1911.08287) and the class; all cells learn whether they hold an object, and those that do, how good their box is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_convert, complete_box_iou_loss

BOX, OBJECT, CLASS = 0.05, 1.0, 0.5
"""Weights of the three parts, for 80 classes at the size that they are tuned for."""
TUNED_FOR = 640
"""Side of the release's inputs, pixels."""
BALANCE = (4.0, 1.0, 0.4)
"""Weight of each map's objectness, finest first: fine maps have more cells, and most of them empty."""
SMALLEST = 1e-3
"""Minimum width and height of a guessed box, in cells: of one without any, the ratio of both is no number."""
RATIO = 4.0
"""An anchor and an object that differ less than this in width and in height belong together."""


def match(anchors: Tensor, boxes: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Find the places of one map that answer for objects.

    Args:
        anchors: Widths and heights, shape ``(anchors, 2)``, in cells.
        boxes: Centres, widths and heights, shape ``(n, 4)``, in cells.
        rows: Rows of the map.
        columns: Columns of the map.

    Returns:
        For each place its object, its anchor, both of shape ``(places,)``, and its cell ``(column, row)``, shape
        ``(places, 2)``. An object may have up to three cells for each of its anchors, or none at all.
    """
    ratio = boxes[None, :, 2:] / anchors[:, None]
    anchor, index = (torch.maximum(ratio, 1 / ratio).amax(2) < RATIO).nonzero(as_tuple=True)
    centre = boxes[index, :2]
    limit = centre.new_tensor([columns, rows])
    before = (centre % 1 < 0.5) & (centre > 1)
    after = (centre % 1 > 0.5) & (centre < limit - 1)
    taken = torch.cat([torch.ones_like(before[:, :1]), before, after], 1).T  # (5, places)
    steps = torch.tensor([[0, 0], [-1, 0], [0, -1], [1, 0], [0, 1]], device=boxes.device)
    step, place = taken.nonzero(as_tuple=True)
    cells = (centre[place].long() + steps[step]).clamp(min=0).minimum(limit.long() - 1)
    return index[place], anchor[place], cells


def detection_loss(
    outputs: Sequence[Tensor],
    anchors: Tensor,
    strides: Sequence[int],
    boxes: Tensor,
    labels: Tensor,
    owners: Tensor,
    tuned_for: int = TUNED_FOR,
) -> Tensor:
    """Loss of a batch, the mean over its pictures (the release gives their sum).

    A place that is assigned two objects learns the quality of the better of its two boxes.

    Args:
        outputs: Logits of each map, ``(batch, anchors, rows, columns, 5 + classes)``.
        anchors: Shape ``(maps, anchors, 2)``, in cells.
        strides: Stride of each map, pixels.
        boxes: Boxes of all objects, ``(n, 4)``, corners in pixels of the input.
        labels: Their classes, ``(n,)``.
        owners: Their places in the batch, ``(n,)``.
        tuned_for: Side of the input, pixels, at which objectness has its weight; it changes with the area.

    Returns:
        A scalar, float32.
    """
    classes = outputs[0].shape[-1] - 5
    area = outputs[0].shape[2] * outputs[0].shape[3] * strides[0] ** 2
    centred = box_convert(boxes, "xyxy", "cxcywh")
    box_loss, object_loss, class_loss = boxes.new_zeros(3)
    for output, sizes, stride, balance in zip(outputs, anchors, strides, BALANCE, strict=True):
        output = output.float()
        expected = torch.zeros_like(output[..., 4])
        objects = centred / stride
        index, anchor, cells = match(sizes, objects, output.shape[2], output.shape[3])
        if len(index):
            places = owners[index], anchor, cells[:, 1], cells[:, 0]
            logits = output[places]
            xy = logits[:, :2].sigmoid() * 2 - 0.5 + cells
            wh = ((logits[:, 2:4].sigmoid() * 2) ** 2 * sizes[anchor]).clamp(min=SMALLEST)
            guess = box_convert(torch.cat([xy, wh], 1), "cxcywh", "xyxy")
            distance = complete_box_iou_loss(guess, box_convert(objects[index], "cxcywh", "xyxy"))
            box_loss = box_loss + distance.mean()
            flat = ((places[0] * output.shape[1] + places[1]) * output.shape[2] + places[2]) * output.shape[3] + places[
                3
            ]
            quality = (1 - distance.detach()).clamp(min=0)
            expected.view(-1).scatter_reduce_(0, flat, quality, "amax")
            if classes > 1:
                wanted = F.one_hot(labels[index], classes).to(logits)
                class_loss = class_loss + F.binary_cross_entropy_with_logits(logits[:, 5:], wanted)
        object_loss = object_loss + balance * F.binary_cross_entropy_with_logits(output[..., 4], expected)
    loss: Tensor = BOX * box_loss + OBJECT * area / tuned_for**2 * object_loss + CLASS * classes / 80 * class_loss
    return loss
