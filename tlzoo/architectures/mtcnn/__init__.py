"""MTCNN: faces with five landmarks by three small networks (Zhang et al. 2016, 1604.02878).

P-Net reads an image pyramid, R-Net refines its proposals, O-Net decides and places the landmarks. Names in the state
dicts, and the arithmetic on boxes, are those of facenet-pytorch 2.6.0 (MIT), whose weights are the authors' own.
Boxes are ``(x1, y1, x2, y2)`` in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms

from tlzoo.architectures.mtcnn import training
from tlzoo.architectures.mtcnn.boxes import crops, moved, nms_of_smaller, scaled, squared
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import Boxes
from tlzoo.data.media.image import decode
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

_CELL, _STRIDE = 12, 2  # P-Net's field of view and step, pixels of the scaled image
_CROPS = 512  # crops a forward pass, to bound memory


class _Net(nn.Module):
    """Common parts of the three networks."""

    def channels(self, width: float, *channels: int) -> list[int]:
        return [max(2, round(width * n)) for n in channels]

    def raw(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """As :meth:`forward`, but with logits in place of probabilities."""
        raise NotImplementedError

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Classify pixels in [-1, 1], shape ``(batch, 3, height, width)``.

        Returns:
            What :meth:`raw` gives, the last of it as probabilities of no face and face.
        """
        *outputs, logits = self.raw(pixels)
        return (*outputs, logits.softmax(1))


class PNet(_Net):
    """Proposal network, fully convolutional: 12 x 12 pixels to one decision, stride 2 (figure 2)."""

    size = _CELL

    def __init__(self, width: float = 1.0) -> None:
        """Make the network; ``width`` scales its channels."""
        super().__init__()
        a, b, c = self.channels(width, 10, 16, 32)
        self.conv1, self.prelu1 = nn.Conv2d(3, a, 3), nn.PReLU(a)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(a, b, 3), nn.PReLU(b)
        self.conv3, self.prelu3 = nn.Conv2d(b, c, 3), nn.PReLU(c)
        self.conv4_1, self.conv4_2 = nn.Conv2d(c, 2, 1), nn.Conv2d(c, 4, 1)

    def raw(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Classify every place of images ``(batch, 3, height, width)``.

        Returns:
            Offsets of the box's four sides in units of the cell, ``(batch, 4, rows, columns)``, and logits,
            ``(batch, 2, rows, columns)``.
        """
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x)


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

    def raw(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Refine crops of shape ``(batch, 3, 24, 24)``: offsets ``(batch, 4)`` and logits ``(batch, 2)``."""
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        x = self.prelu4(
            self.dense4(x.permute(0, 3, 2, 1).flatten(1))
        )  # Caffe's order: the weights were trained with it
        return self.dense5_2(x), self.dense5_1(x)


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

    def raw(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Decide on crops of shape ``(batch, 3, 48, 48)``.

        Returns:
            Offsets ``(batch, 4)``, landmarks as five x then five y in units of the box ``(batch, 10)``, and logits
            ``(batch, 2)``.
        """
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x)


class MTCNN(TrainableModel):
    """The cascade, as a native face detector.

    Predicted boxes, each with five keypoints, are clipped to the image.

    The three networks are trained together, on parts of the pictures that are drawn anew in every step: each of the
    latter two sees what the one before takes for a face, as far as it is in the batch (``mtcnn_training``).
    """

    spec = Spec(input="image")

    def __init__(
        self,
        width: float = 1.0,
        min_face: int = 20,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
        most: Sequence[int] = (1000, 300),
    ) -> None:
        """Make the cascade, with the initial parameters that suit PReLU (He 2015, 1502.01852).

        Args:
            width: Scales all channels; 1.0 as published, 495,850 parameters.
            min_face: Side of the smallest face that is looked for, pixels.
            thresholds: Probability that each of the three stages asks for.
            factor: From one scale of the pyramid to the next, about ``sqrt(1/2)``.
            most: Maximum number of boxes, the best ones, that the first and the second stage pass on: a bound on time,
                which trained networks reach only in crowds.

        Raises:
            InputError: An argument is out of range.
        """
        super().__init__()
        if width <= 0 or min_face < 1 or not 0 < factor < 1 or len(thresholds) != 3 or len(most) != 2 or min(most) < 1:
            raise InputError(
                f"MTCNN(width={width}, min_face={min_face}, thresholds={thresholds}, factor={factor}, most={most}): "
                "expected a positive width and min_face, three thresholds, a factor between 0 and 1, two counts"
            )
        self.width, self.min_face, self.thresholds, self.factor = width, min_face, tuple(thresholds), factor
        self.most, self.label = tuple(most), "face"
        self.pnet, self.rnet, self.onet = PNet(width), RNet(width), ONet(width)
        for layers in self.stages()[:-1]:
            for layer in layers.children():  # without it O-Net, the deepest, hardly starts to learn
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    nn.init.kaiming_normal_(layer.weight, a=0.25)

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: ``pnet.pt``, ``rnet.pt`` and ``onet.pt`` of facenet-pytorch 2.6.0.

        Raises:
            InputError: The width is not the published one, or a file holds something else.
        """
        if self.width != 1.0:
            raise InputError(f"MTCNN's published weights are for width 1.0, not {self.width}")
        for name in ("pnet", "rnet", "onet"):
            path = files[f"{name}.pt"]
            load_tensors(self.get_submodule(name), read_tensors(path), path)

    def for_task(self, task: Task) -> Self:
        """Get ready to be trained on boxes of one class, whatever it is called; no layer depends on its name.

        Raises:
            InputError: There are several classes.
        """
        if len(task.labels) != 1:
            raise InputError(
                f"MTCNN finds one class of things; the data's: {', '.join(task.labels) or 'none'}; "
                "leave one of them, or take a detector of several"
            )
        (self.label,) = task.labels
        return self

    def stages(self) -> list[nn.Module]:
        """Layers of the three networks that stand at the same depth; the last ones decide and place."""
        p, r, o = self.pnet, self.rnet, self.onet
        depths = (
            (p.conv1, p.prelu1, r.conv1, r.prelu1, o.conv1, o.prelu1),
            (p.conv2, p.prelu2, r.conv2, r.prelu2, o.conv2, o.prelu2),
            (r.conv3, r.prelu3, o.conv3, o.prelu3),
            (p.conv3, p.prelu3, r.dense4, r.prelu4, o.conv4, o.prelu4, o.dense5, o.prelu5),
            (p.conv4_1, p.conv4_2, r.dense5_1, r.dense5_2, o.dense6_1, o.dense6_2, o.dense6_3),
        )
        return [nn.ModuleList(layers) for layers in depths]

    def encode(self, row: Row) -> Example:
        """Decode ``row["image"]``.

        Returns:
            ``image``, uint8 of shape ``(height, width, 3)``, RGB; where the row has ``objects``, also ``target``:
            their ``boxes``, x1, y1, x2, y2, shape ``(n, 4)``, without those that have no area, and their ``landmarks``,
            shape ``(n, 5, 2)``, NaN where there are none. All in pixels of the picture.
        """
        example: Example = {"image": torch.from_numpy(np.array(decode(row["image"])))}
        if "objects" in row:
            boxes = torch.tensor(row["objects"]["bbox"], dtype=torch.float32).reshape(-1, 4)
            boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
            given = row["objects"].get("landmarks")
            landmarks = torch.full((len(boxes), 5, 2), torch.nan)
            if given:
                landmarks = torch.tensor(given, dtype=torch.float32).reshape(-1, 5, 2)
            has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
            example["target"] = {"boxes": boxes[has_area], "landmarks": landmarks[has_area]}
        return example

    def collate(self, examples: Sequence[Example]) -> Batch:
        """List the images, since each has its own size."""
        return {name: [example[name] for example in examples] for name in examples[0]}

    def augment(self, batch: Batch) -> Batch:
        """Mirror half of the pictures, and vary their contrast and brightness."""
        pairs = [training.varied(*pair) for pair in zip(batch["image"], batch["target"], strict=True)]
        return batch | {"image": [image for image, _ in pairs], "target": [target for _, target in pairs]}

    def loss(self, batch: Batch) -> Tensor:
        """Sum of the networks' losses on parts drawn at random (section 3.4).

        Decisions weigh 1, boxes 0.5, and the landmarks, which only O-Net places, 1 where they are known.
        """
        images = [image.to(self.pnet.conv1.weight.device).permute(2, 0, 1) for image in batch["image"]]
        sums = [F.pad(image.long().cumsum(1).cumsum(2), (1, 0, 1, 0)) for image in images]
        drawn = [
            training.drawn(i, (image.shape[1], image.shape[2]), target["boxes"], target["landmarks"], self.min_face)
            for i, (image, target) in enumerate(zip(images, batch["target"], strict=True))
        ]
        parts = training.Parts.cat(drawn).to(images[0].device)
        total, scores = self._learn(self.pnet, sums, parts)
        for net, most in ((self.rnet, 2), (self.onet, 1)):
            parts = parts[training.harder(parts, scores, most * len(images))]
            loss, scores = self._learn(net, sums, parts)
            total = total + loss
        return total

    def _learn(self, net: PNet | RNet | ONet, sums: list[Tensor], parts: training.Parts) -> tuple[Tensor, Tensor]:
        """A network's loss on parts of the pictures, and its probabilities of a face."""
        counts = torch.bincount(parts.picture, minlength=len(sums)).tolist()
        order = parts.picture.argsort(stable=True)
        parts = parts[order]
        seen = []
        for table, squares in zip(sums, torch.split(parts.squares, counts), strict=True):
            limit = squares.new_tensor([table.shape[2] - 1, table.shape[1] - 1] * 2)
            seen.append(crops(table, squares.clamp(min=0).minimum(limit).long(), net.size))
        offsets, *landmarks, logits = (
            output.flatten(1)
            for output in net.raw(torch.cat(seen).to(net.conv1.weight, memory_format=torch.channels_last))
        )
        step = parts.side / _CELL if isinstance(net, PNet) else 1.0  # what detection counts as the first pixel, and so
        start = parts.squares + step * parts.squares.new_tensor([1, 1, 0, 0])  # where its boxes start
        unit = parts.side - step if isinstance(net, PNet) else parts.side
        total = training.decision_loss(logits, parts.kind) + 0.5 * training.box_loss(offsets, start, unit, parts)
        for output in landmarks:
            total = total + training.landmark_loss(output, parts)
        return total, logits.detach().softmax(1)[:, 1][order.argsort()]

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Boxes]:
        """Detect faces in each image of ``batch["image"]`` by itself, so that no image's result depends on another."""
        return [self._detect(image) for image in batch["image"]]

    def _detect(self, image: Tensor) -> Boxes:
        height, width = image.shape[:2]
        pixels = image.to(self.pnet.conv1.weight).permute(2, 0, 1)[None]
        boxes = self._propose(pixels)
        sums = F.pad(pixels[0].long().cumsum(1).cumsum(2), (1, 0, 1, 0))
        boxes, scores, (offsets,) = self._ask(self.rnet, sums, boxes, self.thresholds[1])
        keep = nms(boxes, scores, 0.7)[: self.most[1]]
        boxes = squared(moved(boxes[keep], offsets[keep]))
        boxes, scores, (offsets, landmarks) = self._ask(self.onet, sums, boxes, self.thresholds[2])
        corner, side = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]
        points = landmarks.view(-1, 2, 5).transpose(1, 2) * side + corner - 1
        boxes = moved(boxes, offsets)
        keep = nms_of_smaller(boxes, scores, 0.7)
        boxes, scores, points = boxes[keep], scores[keep], points[keep]
        limit = points.new_tensor([width, height])
        boxes = boxes.view(-1, 2, 2).clamp(min=0).minimum(limit).view(-1, 4)
        points = points.clamp(min=0).minimum(limit)
        keep = (boxes[:, 2:] > boxes[:, :2]).all(1)
        return Boxes(
            boxes=boxes[keep].tolist(),
            scores=scores[keep].tolist(),
            labels=[self.label] * int(keep.sum()),
            keypoints=points[keep].tolist(),
        )

    def _scales(self, height: int, width: int) -> Iterator[float]:
        """Scales at which the faces looked for fill P-Net's cell."""
        scale = _CELL / self.min_face
        while min(height, width) * scale >= _CELL:
            yield scale
            scale *= self.factor

    def _propose(self, pixels: Tensor) -> Tensor:
        """First stage: square boxes, shape ``(n, 4)``, of an image ``(1, 3, height, width)``."""
        height, width = pixels.shape[2:]
        candidates = [pixels.new_zeros(0, 9)]  # box, score, offsets
        for scale in self._scales(height, width):
            offsets, probability = self.pnet(scaled(pixels, int(height * scale + 1), int(width * scale + 1)))
            at = (probability[0, 1] >= self.thresholds[0]).nonzero()
            if len(at) > 4 * self.most[0]:  # so that suppression stays quick
                at = at[probability[0, 1, at[:, 0], at[:, 1]].topk(4 * self.most[0]).indices]
            corner = _STRIDE * at.flip(1).to(pixels) + 1
            cells = torch.cat([(corner / scale).floor(), ((corner + _CELL - 1) / scale).floor()], 1)
            scores = probability[0, 1, at[:, 0], at[:, 1]]
            at_scale = torch.cat([cells, scores[:, None], offsets[0, :, at[:, 0], at[:, 1]].T], 1)
            candidates.append(at_scale[nms(cells, scores, 0.5)])
        proposals = torch.cat(candidates)
        proposals = proposals[nms(proposals[:, :4], proposals[:, 4], 0.7)[: self.most[0]]]
        boxes, offsets = proposals[:, :4], proposals[:, 5:]
        side = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        return squared(boxes + offsets * side)

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
        passes = [net(crops(sums, part, net.size).to(boxes)) for part in torch.split(edges, _CROPS)]
        *outputs, probability = (torch.cat(output) for output in zip(*passes, strict=True))
        keep = probability[:, 1] > threshold
        return boxes[keep], probability[keep, 1], [output[keep] for output in outputs]
