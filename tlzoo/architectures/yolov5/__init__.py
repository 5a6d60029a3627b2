"""YOLOv5: a one-stage detector with three anchor heads (Jocher 2022, release 7.0, doi 10.5281/zenodo.3908559).

There is no paper; the release is the reference for layers, names and constants. The parts: CSP blocks (Wang 2019,
1911.11929), pooling at several sizes (He 2014, 1406.4729), a path aggregation neck (Liu 2018, 1803.01534). Names in the
state dict are the release's. Boxes are ``(x1, y1, x2, y2)`` in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import batched_nms, box_convert

from tlzoo.architectures.yolov5.loss import TUNED_FOR, detection_loss
from tlzoo.checkpoints.pickles import restricted_load, state_dict
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.image import TrainablePictureModel
from tlzoo.core.predictions import Boxes
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import boxes_from_input, boxes_to_input
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

STRIDES = (8, 16, 32)
"""Pixels of the input from one cell to the next, of each of the three maps."""
ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Width and height of the boxes that each map starts from, pixels; fitted to COCO at 640 pixels."""
MAX_DETECTIONS = 100
"""Detections kept of a picture, as COCO counts them."""
_CANDIDATES = 30_000  # boxes of a picture that suppression looks at, as in the release
_JOINED = {12: 6, 16: 4, 19: 14, 22: 10}  # layers that take the one before them and an earlier one, side by side
_HEADED = (17, 20, 23)  # layers that the heads read
_BACKBONE = 10
_NECK = ((10, 13), (14, 17), (18, 20), (21, 23))  # first and last layer of each step of the neck


class Conv(nn.Module):
    """Convolution, batch norm and SiLU; half a kernel of padding, so that only the stride makes maps smaller."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        """Make the layers."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, height, width)`` to ``(batch, outputs, height / stride, width / stride)``."""
        return F.silu(self.bn(self.conv(x)), inplace=True)


class Bottleneck(nn.Module):
    """A convolution over channels and one over neighbours, with or without a shortcut."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        """Make the layers."""
        super().__init__()
        self.cv1, self.cv2, self.shortcut = Conv(channels, channels), Conv(channels, channels, 3), shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        y: Tensor = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """A CSP block: half of the channels pass through bottlenecks, half go round them (1911.11929)."""

    def __init__(self, inputs: int, outputs: int, repeats: int, shortcut: bool = True) -> None:
        """Make the layers."""
        super().__init__()
        half = outputs // 2
        self.cv1, self.cv2, self.cv3 = Conv(inputs, half), Conv(inputs, half), Conv(2 * half, outputs)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(repeats)))

    def forward(self, x: Tensor) -> Tensor:
        """Keep height and width."""
        y: Tensor = self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))
        return y


class SPPF(nn.Module):
    """Maxima over 5, 9 and 13 cells beside what they are taken of: one pooling, three times (1406.4729)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Make the layers."""
        super().__init__()
        self.cv1, self.cv2 = Conv(inputs, inputs // 2), Conv(inputs // 2 * 4, outputs)
        self.m = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Keep height and width."""
        pooled = [self.cv1(x)]
        for _ in range(3):
            pooled.append(self.m(pooled[-1]))
        y: Tensor = self.cv2(torch.cat(pooled, 1))
        return y


class Detect(nn.Module):
    """The head: at each cell of three maps, for each of three anchors, a box, whether it holds an object, and classes.

    Attributes:
        anchors: Widths and heights in cells, shape ``(3 maps, 3 anchors, 2)``.
    """

    anchors: Tensor

    def __init__(self, classes: int, channels: Sequence[int]) -> None:
        """Make the layers, with biases that expect 8 objects in a picture of 640 pixels, and rare classes.

        Args:
            classes: Number of classes.
            channels: Channels of each map.
        """
        super().__init__()
        self.classes, self.channels = classes, tuple(channels)
        self.register_buffer("anchors", torch.tensor(ANCHORS) / torch.tensor(STRIDES)[:, None, None])
        self.m = nn.ModuleList(nn.Conv2d(n, 3 * (5 + classes), 1) for n in channels)
        with torch.no_grad():
            for (_, bias), stride in zip(self._rows(), STRIDES, strict=True):
                bias[:, 4] += math.log(8 / (640 / stride) ** 2)
                bias[:, 5:] += math.log(0.6 / (classes - 0.99999))

    def _rows(self) -> list[tuple[Tensor, Tensor]]:
        """Views of the convolutions' weights, ``(3, 5 + classes, channels)``, and biases, ``(3, 5 + classes)``."""
        shape = 3, 5 + self.classes
        return [(weight.view(*shape, -1), bias.view(shape)) for weight, bias in (m.parameters() for m in self.m)]

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each map, ``(batch, 3, rows, columns, 5 + classes)``: x, y, width, height, object, classes."""
        return [
            m(x).unflatten(1, (3, -1)).permute(0, 1, 3, 4, 2).contiguous() for m, x in zip(self.m, maps, strict=True)
        ]

    def decode(self, outputs: Sequence[Tensor]) -> Tensor:
        """Boxes and probabilities of all cells.

        Args:
            outputs: The outputs of :meth:`forward`.

        Returns:
            Shape ``(batch, boxes, 5 + classes)``: centre, width and height in pixels of the input, probability of an
            object, and of each class if it is one.
        """
        decoded = []
        for output, anchors, stride in zip(outputs, self.anchors, STRIDES, strict=True):
            y = output.float().sigmoid()
            rows, columns = (torch.arange(n, device=y.device) for n in y.shape[2:4])
            corner = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
            xy = (y[..., :2] * 2 - 0.5 + corner) * stride
            wh = (y[..., 2:4] * 2) ** 2 * anchors[:, None, None] * stride
            decoded.append(torch.cat([xy, wh, y[..., 4:]], -1).flatten(1, 3))
        return torch.cat(decoded, 1)

    @torch.no_grad()
    def renamed(self, old: Sequence[str], new: Sequence[str]) -> Detect:
        """A head for other classes, with as many of this one's weights as fit.

        Boxes and objectness do not depend on the class, so their rows are kept, and so are those of classes that have
        the same name in both. The rest is new.

        Args:
            old: This head's classes.
            new: The new head's.
        """
        head = Detect(len(new), self.channels).to(self.anchors)
        head.anchors.copy_(self.anchors)
        shared = [name for name in new if name in old]
        old_rows = [*range(5), *(5 + old.index(name) for name in shared)]
        new_rows = [*range(5), *(5 + new.index(name) for name in shared)]
        for mine, theirs in zip(self._rows(), head._rows(), strict=True):
            for source, target in zip(mine, theirs, strict=True):
                target[:, new_rows] = source[:, old_rows]
        return head


class YOLOv5(TrainablePictureModel):
    """The network as a native detector.

    An example is ``image``, uint8 ``(3, size, size)``, its ``frame``, and where the row has objects their ``target``:
    ``boxes``, ``(n, 4)`` in the input, and ``labels``, ``(n,)``. A prediction is ``{"boxes": [[x1, y1, x2, y2], ...],
    "scores": [...], "labels": [name, ...]}``, best first, in pixels of the picture.
    """

    def __init__(
        self,
        depth: float = 0.33,
        width: float = 0.25,
        num_classes: int = 80,
        size: int = 640,
        confidence: float = 0.001,
        overlap: float = 0.6,
        momentum: float = 0.03,
        tuned_for: int = TUNED_FOR,
    ) -> None:
        """Make the network; 80 classes are COCO's.

        Args:
            depth: Scales how often blocks are repeated.
            width: Scales channels: 0.25 is YOLOv5n, 0.5 YOLOv5s.
            num_classes: Number of classes.
            size: Side of the square input, pixels.
            confidence: Detections of a lower score are left out; as low as here for average precision.
            overlap: Maximum IoU of two boxes of one class; of boxes that overlap more, only the best is kept.
            momentum: Weight of a new batch in the norms' statistics. The release's 0.03 needs a hundred steps to forget
                where it began; a short training from scratch wants 0.1.
            tuned_for: Side of the input, pixels, for which the loss's weights are; at 96 pixels the release's leave 2 %
                of objectness, and a network hardly learns where objects are.

        Raises:
            InputError: An argument is out of range.
        """
        super().__init__()
        if depth <= 0 or width <= 0 or num_classes < 1 or size < 64 or size % 32:
            raise InputError(
                f"YOLOv5(depth={depth}, width={width}, num_classes={num_classes}, size={size}): expected a positive "
                "depth and width, at least one class, and a size that is a multiple of 32, at least 64"
            )
        self.confidence, self.overlap, self.tuned_for = confidence, overlap, tuned_for
        labels = _coco() if num_classes == 80 else tuple(f"class {i}" for i in range(num_classes))
        self.spec = Spec("image", height=size, width=size, labels=labels)
        a, b, c, d, e = (8 * math.ceil(width * n / 8) for n in (64, 128, 256, 512, 1024))
        short, middle, long = (max(1, round(depth * n)) for n in (3, 6, 9))
        self.model = nn.ModuleList(
            [
                *(Conv(3, a, 6, 2), Conv(a, b, 3, 2), C3(b, b, short)),
                *(Conv(b, c, 3, 2), C3(c, c, middle), Conv(c, d, 3, 2), C3(d, d, long)),
                *(Conv(d, e, 3, 2), C3(e, e, short), SPPF(e, e)),
                *(Conv(e, d), nn.Upsample(scale_factor=2), nn.Identity(), C3(2 * d, d, short, False)),
                *(Conv(d, c), nn.Upsample(scale_factor=2), nn.Identity(), C3(2 * c, c, short, False)),
                *(Conv(c, c, 3, 2), nn.Identity(), C3(2 * c, d, short, False)),
                *(Conv(d, d, 3, 2), nn.Identity(), C3(2 * d, e, short, False)),
                Detect(num_classes, (c, d, e)),
            ]
        )
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = momentum

    @property
    def detect(self) -> Detect:
        """The head."""
        head = self.model[-1]
        assert isinstance(head, Detect)
        return head

    def forward(self, batch: Batch) -> list[Tensor]:
        """The head's logits for ``batch["image"]``, see :meth:`Detect.forward`."""
        x = (batch["image"].float() / 255).contiguous(memory_format=torch.channels_last)  # a tenth faster on processors
        features: list[Tensor] = []
        for i, layer in enumerate(self.model):
            if layer is self.detect:
                break
            x = layer(torch.cat([x, features[_JOINED[i]]], 1) if i in _JOINED else x)
            features.append(x)
        return self.detect([features[i] for i in _HEADED])  # type: ignore[no-any-return]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a checkpoint of release 7.0, in half precision, and the names of its classes.

        Args:
            files: The one file, such as ``yolov5n.pt``: a pickled network, of which only tensors and names are read.

        Raises:
            InputError: The file is not such a checkpoint, or has another width, depth or number of classes.
        """
        (path,) = files.values()
        loaded = restricted_load(path)
        network = (loaded.get("ema") or loaded.get("model")) if isinstance(loaded, dict) else None
        state = {name: t.float() if t.is_floating_point() else t for name, t in state_dict(network, path).items()}
        try:
            self.load_state_dict(state)
        except RuntimeError as error:
            mismatch = " ".join(str(error).split())[:300]
            raise InputError(f"{path}: does not fit YOLOv5 as it is configured here: {mismatch}") from error
        names = getattr(network, "names", None)
        names = list(names.values()) if isinstance(names, dict) else names
        if isinstance(names, list) and len(names) == self.detect.classes:
            self.spec = replace(self.spec, labels=tuple(map(str, names)))

    def for_task(self, task: Task) -> Self:
        """Take a detection task's classes; where they differ, the head is made anew but for what it can keep.

        See :meth:`Detect.renamed` for what that is.

        Raises:
            InputError: The task is not about boxes.
        """
        if not any(need <= {"boxes"} for need in task.facts.needs):
            raise InputError(f"YOLOv5 cannot be trained on {task.name}: it gives boxes, as object-detection needs them")
        if task.labels != self.spec.labels:
            self.model[-1] = self.detect.renamed(self.spec.labels, task.labels)
            self.spec = replace(self.spec, labels=task.labels)
        return self

    def stages(self) -> list[nn.Module]:
        """The backbone's ten layers, the neck's four steps (down to stride 8 and up again), and the head."""
        neck = (nn.ModuleList(list(self.model)[first : last + 1]) for first, last in _NECK)
        return [*list(self.model)[:_BACKBONE], *neck, self.detect]

    def target(self, row: Row, example: Example) -> Any:
        """The objects of a row that has them, ``boxes`` in the input and ``labels``; none without area."""
        if row.get("objects") is None:
            return None
        frame = example["frame"]
        boxes = torch.tensor(row["objects"]["bbox"], dtype=torch.float32).reshape(-1, 4)
        corners = box_convert(boxes, "xywh", "xyxy").view(-1, 2, 2).clamp(min=0).minimum(frame[4:]).view(-1, 4)
        labels = torch.tensor(row["objects"]["category"], dtype=torch.long)
        real = (corners[:, 2:] > corners[:, :2]).all(1)
        return {"boxes": boxes_to_input(corners[real], frame), "labels": labels[real]}

    def augment(self, batch: Batch) -> Batch:
        """Move, scale, colour and mirror pictures and boxes (the release joins four pictures to one as well)."""
        return varied(batch, flip=True)

    def loss(self, batch: Batch) -> Tensor:
        """The release's loss, see :func:`~tlzoo.architectures.yolov5.loss.detection_loss`."""
        targets = batch["target"]
        boxes = torch.cat([t["boxes"] for t in targets]).to(batch["image"].device)
        labels = torch.cat([t["labels"] for t in targets]).to(boxes.device)
        counts = torch.tensor([len(t["labels"]) for t in targets], device=boxes.device)
        owners = torch.repeat_interleave(torch.arange(len(targets), device=boxes.device), counts)
        return detection_loss(self(batch), self.detect.anchors, STRIDES, boxes, labels, owners, self.tuned_for)

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Boxes]:
        """The best detections of each picture, at most ``MAX_DETECTIONS``."""
        decoded = self.detect.decode(self(batch))
        return [self._suppressed(rows, frame) for rows, frame in zip(decoded, batch["frame"], strict=True)]

    def _suppressed(self, rows: Tensor, frame: Tensor) -> Boxes:
        """Detections of one picture from its decoded boxes, ``(boxes, 5 + classes)``; a box may have two classes."""
        rows = rows[rows[:, 4] > self.confidence]
        every = rows[:, 5:] * rows[:, 4:5]
        index, classes = (every > self.confidence).nonzero(as_tuple=True)
        scores, order = every[index, classes].sort(descending=True, stable=True)
        index, classes, scores = index[order[:_CANDIDATES]], classes[order[:_CANDIDATES]], scores[:_CANDIDATES]
        boxes = box_convert(rows[index, :4], "cxcywh", "xyxy")
        best = batched_nms(boxes, scores, classes, self.overlap)[:MAX_DETECTIONS]
        return Boxes(
            boxes=boxes_from_input(boxes[best], frame).tolist(),
            scores=scores[best].tolist(),
            labels=[self.spec.labels[c] for c in classes[best].tolist()],
        )


def _coco() -> tuple[str, ...]:
    """COCO's 80 classes, in its order; torchvision lists them with the ids that were never used."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    return tuple(name for name in names if name not in ("__background__", "N/A"))
