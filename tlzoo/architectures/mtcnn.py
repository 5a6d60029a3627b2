"""MTCNN: faces with five landmarks by three small networks (Zhang et al. 2016, 1604.02878).

P-Net looks at an image pyramid, R-Net refines what it proposes, O-Net decides and places the landmarks. Names in the
state dicts, and the arithmetic on boxes, are those of facenet-pytorch 2.6.0 (MIT), whose weights are the authors' own.
Boxes are ``(x1, y1, x2, y2)`` in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms

from tlzoo.adapters.base import Batch, Example, Model, Row, Spec
from tlzoo.data.image import decode
from tlzoo.errors import InputError

_CELL, _STRIDE = 12, 2  # P-Net's field of view and step, pixels of the scaled image
_CROPS = 512  # crops a forward pass, to bound memory


class _Net(nn.Module):
    """What the three networks share."""

    def channels(self, width: float, *channels: int) -> list[int]:
        return [max(2, round(width * n)) for n in channels]


class PNet(_Net):
    """Proposal network, fully convolutional: 12 x 12 pixels to one decision, stride 2 (figure 2)."""

    def __init__(self, width: float = 1.0) -> None:
        """Make the network; ``width`` scales its channels."""
        super().__init__()
        a, b, c = self.channels(width, 10, 16, 32)
        self.conv1, self.prelu1 = nn.Conv2d(3, a, 3), nn.PReLU(a)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(a, b, 3), nn.PReLU(b)
        self.conv3, self.prelu3 = nn.Conv2d(b, c, 3), nn.PReLU(c)
        self.conv4_1, self.conv4_2 = nn.Conv2d(c, 2, 1), nn.Conv2d(c, 4, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Look at every place of an image.

        Args:
            images: Shape ``(batch, 3, height, width)``, values in [-1, 1].

        Returns:
            Offsets of the box's four sides in units of the cell, ``(batch, 4, rows, columns)``, and probabilities of
            no face and face, ``(batch, 2, rows, columns)``.
        """
        x = self.pool1(self.prelu1(self.conv1(images)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x).softmax(1)


class RNet(_Net):
    """Refinement network, on crops of 24 x 24 pixels (figure 2)."""

    size = 24

    def __init__(self, width: float = 1.0) -> None:
        """Make the network; ``width`` scales its channels."""
        super().__init__()
        a, b, c, d = self.channels(width, 28, 48, 64, 128)
        self.conv1, self.prelu1, self.pool1 = nn.Conv2d(3, a, 3), nn.PReLU(a), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2, self.pool2 = nn.Conv2d(a, b, 3), nn.PReLU(b), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(b, c, 2), nn.PReLU(c)
        self.dense4, self.prelu4 = nn.Linear(9 * c, d), nn.PReLU(d)
        self.dense5_1, self.dense5_2 = nn.Linear(d, 2), nn.Linear(d, 4)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Refine crops of shape ``(batch, 3, 24, 24)``: offsets ``(batch, 4)`` and probabilities ``(batch, 2)``."""
        x = self.pool1(self.prelu1(self.conv1(crops)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        x = self.prelu4(
            self.dense4(x.permute(0, 3, 2, 1).flatten(1))
        )  # Caffe's order: the weights were trained with it
        return self.dense5_2(x), self.dense5_1(x).softmax(1)


class ONet(_Net):
    """Output network, on crops of 48 x 48 pixels (figure 2)."""

    size = 48

    def __init__(self, width: float = 1.0) -> None:
        """Make the network; ``width`` scales its channels."""
        super().__init__()
        a, b, c, d, e = self.channels(width, 32, 64, 64, 128, 256)
        self.conv1, self.prelu1, self.pool1 = nn.Conv2d(3, a, 3), nn.PReLU(a), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2, self.pool2 = nn.Conv2d(a, b, 3), nn.PReLU(b), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3, self.pool3 = nn.Conv2d(b, c, 3), nn.PReLU(c), nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(c, d, 2), nn.PReLU(d)
        self.dense5, self.prelu5 = nn.Linear(9 * d, e), nn.PReLU(e)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(e, 2), nn.Linear(e, 4), nn.Linear(e, 10)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decide on crops of shape ``(batch, 3, 48, 48)``.

        Returns:
            Offsets ``(batch, 4)``, landmarks as five x then five y in units of the box ``(batch, 10)``, and
            probabilities ``(batch, 2)``.
        """
        x = self.pool1(self.prelu1(self.conv1(crops)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(1)


class MTCNN(Model):
    """The cascade, as a native face detector.

    A prediction is ``{"boxes": [[x1, y1, x2, y2], ...], "scores": [probability, ...], "labels": ["face", ...],
    "keypoints": [[[x, y] * 5], ...]}``, most probable first, in pixels and clipped to the image. The five keypoints
    are left eye, right eye, nose, left and right corner of the mouth, as seen in the picture.
    """

    spec = Spec(input="image")

    def __init__(
        self,
        width: float = 1.0,
        min_face: int = 20,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
    ) -> None:
        """Make the cascade.

        Args:
            width: Scales all channels; 1.0 as published, 495,850 parameters.
            min_face: Side of the smallest face that is looked for, pixels.
            thresholds: Probability that each of the three stages asks for.
            factor: From one scale of the pyramid to the next, about ``sqrt(1/2)``.

        Raises:
            InputError: An argument is out of range.
        """
        super().__init__()
        if width <= 0 or min_face < 1 or not 0 < factor < 1 or len(thresholds) != 3:
            raise InputError(
                f"MTCNN(width={width}, min_face={min_face}, thresholds={thresholds}, factor={factor}): expected a "
                "positive width and min_face, three thresholds and a factor between 0 and 1"
            )
        self.width, self.min_face, self.thresholds, self.factor = width, min_face, tuple(thresholds), factor
        self.pnet, self.rnet, self.onet = PNet(width), RNet(width), ONet(width)

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: ``pnet.pt``, ``rnet.pt`` and ``onet.pt`` of facenet-pytorch 2.6.0.

        Raises:
            InputError: The width is not the published one.
        """
        if self.width != 1.0:
            raise InputError(f"MTCNN's published weights are for width 1.0, not {self.width}")
        for name in ("pnet", "rnet", "onet"):
            state = torch.load(files[f"{name}.pt"], map_location="cpu", weights_only=True)
            getattr(self, name).load_state_dict(state)

    def published(self) -> Model:
        """The published model: this one, for it needs no other head."""
        return self

    def stages(self) -> list[nn.Module]:
        """The three networks."""
        return [self.pnet, self.rnet, self.onet]

    def encode(self, row: Row) -> Example:
        """Decode ``row["image"]`` to ``image``: uint8, shape ``(height, width, 3)``, RGB."""
        return {"image": torch.from_numpy(np.array(decode(row["image"])))}

    def collate(self, examples: Sequence[Example]) -> Batch:
        """List the images, since each has its own size."""
        return {"image": [example["image"] for example in examples]}

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[dict[str, Any]]:
        """Detect faces in each image of ``batch["image"]`` by itself, so that no image's result depends on another."""
        return [self._detect(image) for image in batch["image"]]

    def _detect(self, image: Tensor) -> dict[str, Any]:
        height, width = image.shape[:2]
        pixels = image.to(self.pnet.conv1.weight).permute(2, 0, 1)[None]
        boxes = self._propose(pixels)
        sums = F.pad(pixels[0].long().cumsum(1).cumsum(2), (1, 0, 1, 0))
        boxes, scores, (offsets,) = self._ask(self.rnet, sums, boxes, self.thresholds[1])
        keep = nms(boxes, scores, 0.7)
        boxes = _squared(_moved(boxes[keep], offsets[keep]))
        boxes, scores, (offsets, landmarks) = self._ask(self.onet, sums, boxes, self.thresholds[2])
        corner, side = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]
        points = landmarks.view(-1, 2, 5).transpose(1, 2) * side + corner - 1
        boxes = _moved(boxes, offsets)
        keep = _nms_of_smaller(boxes, scores, 0.7)
        boxes, scores, points = boxes[keep], scores[keep], points[keep]
        limit = points.new_tensor([width, height])
        boxes = boxes.view(-1, 2, 2).clamp(min=0).minimum(limit).view(-1, 4)
        points = points.clamp(min=0).minimum(limit)
        keep = (boxes[:, 2:] > boxes[:, :2]).all(1)
        return {
            "boxes": boxes[keep].tolist(),
            "scores": scores[keep].tolist(),
            "labels": ["face"] * int(keep.sum()),
            "keypoints": points[keep].tolist(),
        }

    def _scales(self, height: int, width: int) -> Iterator[float]:
        """Scales at which the faces looked for fill P-Net's cell."""
        scale = _CELL / self.min_face
        while min(height, width) * scale >= _CELL:
            yield scale
            scale *= self.factor

    def _propose(self, pixels: Tensor) -> Tensor:
        """First stage: square boxes, shape ``(n, 4)``, of an image ``(1, 3, height, width)``."""
        height, width = pixels.shape[2:]
        found = [pixels.new_zeros(0, 9)]  # box, score, offsets
        for scale in self._scales(height, width):
            offsets, probability = self.pnet(_scaled(pixels, int(height * scale + 1), int(width * scale + 1)))
            at = (probability[0, 1] >= self.thresholds[0]).nonzero()
            corner = _STRIDE * at.flip(1).to(pixels) + 1
            cells = torch.cat([(corner / scale).floor(), ((corner + _CELL - 1) / scale).floor()], 1)
            scores = probability[0, 1, at[:, 0], at[:, 1]]
            here = torch.cat([cells, scores[:, None], offsets[0, :, at[:, 0], at[:, 1]].T], 1)
            found.append(here[nms(cells, scores, 0.5)])
        proposals = torch.cat(found)
        proposals = proposals[nms(proposals[:, :4], proposals[:, 4], 0.7)]
        boxes, offsets = proposals[:, :4], proposals[:, 5:]
        side = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        return _squared(boxes + offsets * side)

    def _ask(
        self, net: RNet | ONet, sums: Tensor, boxes: Tensor, threshold: float
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Second and third stage: the boxes that pass, their scores, and the network's other outputs for them."""
        height, width = sums.shape[1] - 1, sums.shape[2] - 1
        left, top = boxes[:, :2].trunc().clamp(min=1).long().T  # pixels count from 1 here, as in the authors' Matlab
        right, bottom = boxes[:, 2:].trunc().long().T
        right, bottom = right.clamp(max=width), bottom.clamp(max=height)
        inside = (right >= left) & (bottom >= top)
        boxes = boxes[inside]
        edges = torch.stack([left - 1, top - 1, right, bottom], 1)[inside]
        passes = [net(_crops(sums, part, net.size).to(boxes)) for part in torch.split(edges, _CROPS)]
        *outputs, probability = (torch.cat(output) for output in zip(*passes, strict=True))
        keep = probability[:, 1] > threshold
        return boxes[keep], probability[keep, 1], [output[keep] for output in outputs]


def _scaled(pixels: Tensor, height: int, width: int) -> Tensor:
    """Resize by area, and map 0..255 to [-1, 1]."""
    return (F.interpolate(pixels, size=(height, width), mode="area") - 127.5) / 128


def _crops(sums: Tensor, edges: Tensor, size: int) -> Tensor:
    """Cut parts out of an image and scale them as ``_scaled`` does, all at once, by its summed-area table.

    Args:
        sums: Sum of the pixels above and left of each corner, integers, shape ``(3, height + 1, width + 1)``.
        edges: ``(x1, y1, x2, y2)`` of each part, shape ``(n, 4)``.
        size: Side of the result.

    Returns:
        Shape ``(n, 3, size, size)``.
    """
    start, extent = edges[:, None, :2], (edges[:, 2:] - edges[:, :2])[:, None]
    step = torch.arange(size, device=edges.device)[:, None]
    low = start + step * extent // size  # (n, size, 2): x, y
    high = start + ((step + 1) * extent + size - 1) // size
    x1, x2 = low[:, None, :, 0], high[:, None, :, 0]
    y1, y2 = low[:, :, None, 1], high[:, :, None, 1]
    total = sums[:, y2, x2] - sums[:, y1, x2] - sums[:, y2, x1] + sums[:, y1, x1]
    return (total / ((y2 - y1) * (x2 - x1)) - 127.5).transpose(0, 1) / 128


def _squared(boxes: Tensor) -> Tensor:
    """Widen boxes to squares with the same centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.amax(1, keepdim=True)
    corner = boxes[:, :2] + (size - side) / 2
    return torch.cat([corner, corner + side], 1)


def _moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move the sides of boxes by offsets in units of the box, whose sides are counted in pixels, both ends included."""
    return boxes + offsets * (boxes[:, 2:] - boxes[:, :2] + 1).repeat(1, 2)


def _nms_of_smaller(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Drop a box that shares with a better one more than a part of the smaller of the two: indices kept, best first."""
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low + 1).clamp(min=0).prod(2) / torch.minimum(areas[:, None], areas[None])
    keep: list[int] = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if not keep or overlap[i, keep].max() <= threshold:
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long, device=boxes.device)
