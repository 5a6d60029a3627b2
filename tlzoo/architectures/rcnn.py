"""Faster R-CNN (Ren et al. 2015, 1506.01497) and Mask R-CNN (He et al. 2017, 1703.06870) as native models.

The networks are torchvision's: proposals, heads, losses and their matching. This module frames pictures, converts a
task's targets to torchvision's and its results to predictions, and builds networks in sizes that torchvision lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights, faster_rcnn, mask_rcnn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.resnet import Bottleneck
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from tlzoo.checkpoints import detectron2
from tlzoo.core.batch import Batch, Spec
from tlzoo.core.image import Normalising, TrainablePictureModel
from tlzoo.core.predictions import Boxes, Mask
from tlzoo.core.segmenter import masks
from tlzoo.data.media.geometry import boxes_from_input
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

COCO_91: tuple[str, ...] = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:])
"""COCO's classes by their id less one; "N/A" are the ids that it leaves out."""
COCO: tuple[str, ...] = tuple(name for name in COCO_91 if name != "N/A")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BACKGROUND = "background"
SURE = 0.5
"""Minimum score of an object painted into a mask of classes, and minimum value of its soft mask inside the object."""
_PIXELS = 2**21  # of inputs that are predicted at once, to bound memory
_MIN_SIDE = 1.0  # of an object that is trained on, pixels of the input


class RCNN(Normalising, TrainablePictureModel):
    """A network of torchvision that finds objects, and with a mask head their shapes.

    As a detector a prediction is ``{"boxes": [[x1, y1, x2, y2], ...], "scores": [...], "labels": [name, ...]}``, pixels
    of the picture, best first. As a segmenter it is ``{"mask": uint8 of shape (height, width), "labels": names}``:
    objects are painted over each other, the surest last.
    """

    def __init__(
        self,
        network: Any,
        size: tuple[int, int],
        labels: Sequence[str] = COCO,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        detector: bool | None = None,
    ) -> None:
        """Wrap a network.

        Args:
            network: A ``torchvision.models.detection.FasterRCNN`` or ``MaskRCNN``; its own transform is not used.
            size: Height and width of the input, pixels.
            labels: Names of its classes 1, 2...
            mean: Mean of each channel, for pixels in [0, 1].
            std: Standard deviation of each channel.
            detector: Whether the published model gives boxes; if absent, boxes where it has no masks.
        """
        super().__init__()
        self.network = network
        self.detector = not network.roi_heads.has_mask() if detector is None else detector
        self.objects = tuple(labels)
        self.spec = Spec("image", height=size[0], width=size[1], labels=self._labels())
        self.normalise_by(mean, std)

    def _labels(self) -> tuple[str, ...]:
        return self.objects if self.detector else (BACKGROUND, *self.objects)

    def for_task(self, task: Task) -> Self:
        """Take a task's classes: the last layers are made anew where they differ.

        To detect, a network drops its mask head, which boxes cannot train.

        Raises:
            InputError: The task is neither detection nor segmentation, or is segmentation and there is no mask head.
        """
        heads = self.network.roi_heads
        self.detector = task.facts.annotation in ("boxes", "faces")
        if not self.detector and not (task.facts.annotation == "mask" and heads.has_mask()):
            kinds = "detection and image-segmentation" if heads.has_mask() else "detection"
            raise InputError(f"this R-CNN can be trained on {kinds}, not on {task.name}")
        self.task = task  # type: ignore[assignment]
        if self.detector:
            heads.mask_roi_pool = heads.mask_head = heads.mask_predictor = None
        objects = tuple(name for name in task.labels if self.detector or name != BACKGROUND)
        if objects != self.objects:
            self.objects = objects
            box = heads.box_predictor.cls_score
            heads.box_predictor = faster_rcnn.FastRCNNPredictor(box.in_features, len(objects) + 1)
            if heads.has_mask():
                deconvolution = heads.mask_predictor.conv5_mask
                heads.mask_predictor = mask_rcnn.MaskRCNNPredictor(
                    deconvolution.in_channels, deconvolution.out_channels, len(objects) + 1
                )
        self.spec = replace(self.spec, labels=task.labels)
        return self

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load torchvision's file.

        Raises:
            InputError: It holds other tensors than the network has.
        """
        from tlzoo.checkpoints.tensors import read_tensors

        (path,) = files.values()
        self.load_network(read_tensors(path), path)

    def load_network(self, tensors: dict[str, Tensor], path: Path) -> None:
        """Load a state dict of the network; torchvision's modules take their own older names as well.

        Raises:
            InputError: It does not fit.
        """
        try:
            self.network.load_state_dict(tensors)
        except RuntimeError as error:
            raise InputError(f"{path}: not the weights of this R-CNN: {' '.join(str(error).split())[:200]}") from None

    def stages(self) -> list[nn.Module]:
        """The backbone's parts, the pyramid, the proposals, the heads, and the layers that depend on the classes."""
        body, heads = self.network.backbone.body, self.network.roi_heads
        stem = [module for name, module in body.named_children() if not name.startswith("layer")]
        levels = [module for name, module in body.named_children() if name.startswith("layer")]
        inner = [heads.box_head, *([heads.mask_head] if heads.has_mask() else [])]
        last = [heads.box_predictor, *([heads.mask_predictor] if heads.has_mask() else [])]
        network = self.network
        return [nn.ModuleList(stem), *levels, network.backbone.fpn, network.rpn, *map(nn.ModuleList, (inner, last))]

    def loss(self, batch: Batch) -> Tensor:
        """Sum of the losses of proposals, classes, boxes and masks, each as torchvision has it."""
        losses = self._run(self.pixels(batch), self._targets(batch))[1]
        return torch.stack([*losses.values()]).sum()

    def predict(self, batch: Batch) -> list[Boxes] | list[Mask]:
        """Boxes or masks in the pictures, as the task asks; before :meth:`for_task`, of the published classes."""
        image, frames = batch["image"], batch["frame"]
        many = max(1, _PIXELS // (image.shape[2] * image.shape[3]))
        detections = [detected for part in image.split(many) for detected in self._run(self.pixels({"image": part}))[0]]
        if self.detector:
            return [self._boxes(detected, frame) for detected, frame in zip(detections, frames, strict=True)]
        sized = (image.shape[2], image.shape[3])
        pairs = zip(detections, frames, strict=True)
        return [masks(self._painted(detected, sized)[None], f[None], self.spec.labels)[0] for detected, f in pairs]

    def _run(
        self, pixels: Tensor, targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Run the network as torchvision's GeneralizedRCNN does, on pictures that already have their size."""
        sizes = [(pixels.shape[2], pixels.shape[3])] * len(pixels)
        features = self.network.backbone(pixels)
        proposals, losses = self.network.rpn(ImageList(pixels, sizes), features, targets)
        detections, more = self.network.roi_heads(features, proposals, sizes, targets)
        return detections, losses | more

    def _targets(self, batch: Batch) -> list[dict[str, Tensor]]:
        """Targets as torchvision has them: classes from 1, boxes, and masks of the objects."""
        image, names = batch["image"], self.spec.labels
        targets = []
        for target in batch["target"]:
            if not self.detector:
                target = instances(target, [names.index(name) for name in self.objects])
            is_large = (target["boxes"][:, 2:] - target["boxes"][:, :2] >= _MIN_SIDE).all(1)
            whole = {name: value[is_large].to(image.device) for name, value in target.items()}
            targets.append(whole | {"labels": whole["labels"] + 1})
        return targets

    def _boxes(self, detected: Mapping[str, Tensor], frame: Tensor) -> Boxes:
        return Boxes(
            boxes=boxes_from_input(detected["boxes"].detach(), frame).tolist(),
            scores=detected["scores"].tolist(),
            labels=[self.objects[i - 1] for i in detected["labels"].tolist()],
        )

    def _painted(self, detections: Mapping[str, Tensor], size: tuple[int, int]) -> Tensor:
        """Scores of each class over the input, ``(classes, height, width)``, 0.5 for what no object covers."""
        names = self.spec.labels
        canvas = detections["boxes"].new_zeros(len(names), *size)
        canvas[names.index(BACKGROUND) if BACKGROUND in names else 0] = SURE
        sure = (detections["scores"] >= SURE).nonzero()[:, 0].flip(0)  # they come best first
        for i in sure.tolist():
            shape = drawn(detections["masks"][i, 0].detach(), detections["boxes"][i].detach(), size)
            inside = shape >= SURE
            place = names.index(self.objects[int(detections["labels"][i]) - 1])
            canvas[:, inside] = 0
            canvas[place] = torch.where(inside, shape, canvas[place].maximum(shape))
        return canvas


class FasterRCNN(RCNN):
    """Faster R-CNN on a ResNet of bottleneck blocks with a feature pyramid, in any size."""

    masked = False

    def __init__(
        self,
        layers: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        fpn_channels: int = 256,
        head_channels: int = 1024,
        num_classes: int = 80,
        anchor: int = 32,
        proposals: int = 1000,
        rois: int = 512,
        size: int = 800,
        as_detectron2: bool = False,
    ) -> None:
        """Make the network; the defaults are those of the ResNet-50.

        Args:
            layers: Blocks of each of the four stages.
            width: Channels of the stem; a stage has 4, 8, 16 and 32 times as many.
            fpn_channels: Channels of the pyramid.
            head_channels: Channels of the two dense layers.
            num_classes: Classes, without background; 80 are named as COCO's.
            anchor: Side of the smallest anchors, pixels of the input; they double from level to level.
            proposals: Maximum number of regions of a picture that the heads see in prediction.
            rois: Regions of a picture that the heads are trained on.
            size: Side of the input, pixels.
            as_detectron2: Whether to follow Detectron2 where torchvision does otherwise (``detectron2.py``); the batch
                norm is frozen, as there.
        """
        body = _body(layers, width, FrozenBatchNorm2d if as_detectron2 else nn.BatchNorm2d, as_detectron2)
        pyramid = BackboneWithFPN(
            body, {f"layer{i + 1}": str(i) for i in range(4)}, [width * 4 * 2**i for i in range(4)], fpn_channels
        )
        pool: type[MultiScaleRoIAlign] = detectron2.AlignedPool if as_detectron2 else MultiScaleRoIAlign
        anchors: type[AnchorGenerator] = detectron2.ExactAnchors if as_detectron2 else AnchorGenerator
        names = ["0", "1", "2", "3"]
        options: dict[str, object] = {
            "rpn_anchor_generator": anchors(tuple((anchor * 2**i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5),
            "rpn_pre_nms_top_n_train": 2 * proposals,
            "rpn_post_nms_top_n_train": 2 * proposals,
            "rpn_pre_nms_top_n_test": proposals,
            "rpn_post_nms_top_n_test": proposals,
            "rpn_batch_size_per_image": rois // 2,
            "box_batch_size_per_image": rois,
            "box_roi_pool": pool(names, 7, 2, canonical_scale=7 * anchor),
            "box_head": faster_rcnn.TwoMLPHead(fpn_channels * 7**2, head_channels),
            "box_predictor": faster_rcnn.FastRCNNPredictor(head_channels, num_classes + 1),
        }
        kind = faster_rcnn.FasterRCNN
        if self.masked:
            kind = mask_rcnn.MaskRCNN
            options |= {
                "mask_roi_pool": MultiScaleRoIAlign(names, 14, 2, canonical_scale=7 * anchor),
                "mask_head": mask_rcnn.MaskRCNNHeads(fpn_channels, (fpn_channels,) * (4 if width == 64 else 2), 1),
                "mask_predictor": mask_rcnn.MaskRCNNPredictor(fpn_channels, fpn_channels, num_classes + 1),
            }
        classes = COCO if num_classes == len(COCO) else tuple(map(str, range(1, num_classes + 1)))
        super().__init__(kind(pyramid, **options), (size, size), classes)
        self.as_detectron2 = as_detectron2

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load Detectron2's checkpoint.

        Raises:
            InputError: It does not fit, or the network is not made as Detectron2's.
        """
        (path,) = files.values()
        if not self.as_detectron2:
            raise InputError(f"{path}: is for a network with as_detectron2: true")
        self.load_network(detectron2.read(path, self.std), path)


class MaskRCNN(FasterRCNN):
    """The same with a mask head."""

    masked = True


def _body(layers: Sequence[int], width: int, norm: type[nn.Module], stride_first: bool) -> nn.Sequential:
    """A ResNet without its classifier (He et al. 2015, 1512.03385), under torchvision's names.

    Args:
        layers: Blocks of each stage.
        width: Channels of the stem.
        norm: Kind of the normalisation.
        stride_first: Whether a block's first 1x1 convolution has the stride, as the authors had it, not the 3x3 one.
    """
    body = nn.Sequential()
    body.add_module("conv1", nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False))
    body.add_module("bn1", norm(width))
    body.add_module("relu", nn.ReLU(inplace=True))
    body.add_module("maxpool", nn.MaxPool2d(3, stride=2, padding=1))
    channels = width
    for i, count in enumerate(layers):
        planes, stride = width * 2**i, 1 if i == 0 else 2
        shortcut = nn.Sequential(nn.Conv2d(channels, 4 * planes, 1, stride=stride, bias=False), norm(4 * planes))
        first = Bottleneck(channels, planes, stride, shortcut, norm_layer=norm)
        if stride_first:
            first.conv1.stride, first.conv2.stride = first.conv2.stride, first.conv1.stride
        channels = 4 * planes
        rest = [Bottleneck(channels, planes, norm_layer=norm) for _ in range(count - 1)]
        body.add_module(f"layer{i + 1}", nn.Sequential(first, *rest))
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    balance(body)
    return body


def balance(network: nn.Module) -> None:
    """Make a network with frozen norms trainable from scratch: no block may enlarge what it adds to.

    The branches of the residual blocks are scaled by ``1 / sqrt(blocks)``, in the buffers that weights overwrite.
    """
    blocks = [m for m in network.modules() if isinstance(m, Bottleneck) and isinstance(m.bn3, FrozenBatchNorm2d)]
    for block in blocks:
        block.bn3.weight.fill_(len(blocks) ** -0.5)


def drawn(mask: Tensor, box: Tensor, size: tuple[int, int]) -> Tensor:
    """An object's soft mask over the input.

    Unlike torchvision's ``paste_masks_in_image``, which counts both ends of a box in and so draws objects a pixel too
    large, this is the inverse of how masks are pooled for training.

    Args:
        mask: Over the box, ``(rows, columns)``.
        box: ``(x1, y1, x2, y2)``, pixels of the input.
        size: Height and width of the input.

    Returns:
        Shape ``size``; 0 outside of the box.
    """
    y, x = (torch.arange(n, device=mask.device) + 0.5 for n in size)
    sides = (box[2:] - box[:2]).clamp(min=1e-3)
    across, down = (2 * (x - box[0]) / sides[0] - 1, 2 * (y - box[1]) / sides[1] - 1)
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
    return nn.functional.grid_sample(mask[None, None], grid[None], align_corners=False)[0, 0]


def instances(mask: Tensor, classes: Sequence[int]) -> dict[str, Tensor]:
    """Objects of a mask of classes: the connected areas of each class, corners touching.

    Args:
        mask: Class indices, uint8 of shape ``(height, width)``.
        classes: The indices whose areas are objects.

    Returns:
        ``boxes``, float32 of shape ``(n, 4)``; ``labels``, int64 of shape ``(n,)``, places in ``classes``; ``masks``,
        uint8 of shape ``(n, height, width)``.
    """
    from scipy import ndimage

    pixels = mask.cpu().numpy()
    boxes, labels, shapes = [], [], []
    for place, value in enumerate(classes):
        areas, count = ndimage.label(pixels == value, structure=np.ones((3, 3)))
        for number, (rows, columns) in enumerate(ndimage.find_objects(areas, count), 1):
            boxes.append([columns.start, rows.start, columns.stop, rows.stop])
            labels.append(place)
            shapes.append(torch.from_numpy(areas == number))
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
        "masks": torch.stack(shapes).byte() if shapes else torch.zeros(0, *mask.shape, dtype=torch.uint8),
    }
