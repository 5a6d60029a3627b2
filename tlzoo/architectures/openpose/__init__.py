"""OpenPose: heatmaps of joints and fields along limbs for everybody in the picture, refined over several stages.

Sources: Cao et al. 2019, 1812.08008, and 2017, 1611.08050 (figure 3: the network of two branches listed here). Names of
the layers are those of the authors' Caffe model, which its conversions to PyTorch keep.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from tlzoo.architectures.keypoints import PoseTargets, pose_target
from tlzoo.architectures.openpose.part_affinity import Skeleton, assemble, fields
from tlzoo.checkpoints.pickles import load_torch
from tlzoo.checkpoints.tensors import load_tensors
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.image import TrainablePictureModel
from tlzoo.core.predictions import Poses
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import points_from_input
from tlzoo.data.media.keypoints import COCO_NAMES, mirrored
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

STRIDE = 8
"""Pixels of the input in a cell of the maps."""
SIGMA = 0.875
"""Standard deviation of the bell at a joint, in cells: 7 pixels, as in the release."""
TRUNK = (
    (("conv1_1", 64), ("conv1_2", 64)),
    (("conv2_1", 128), ("conv2_2", 128)),
    (("conv3_1", 256), ("conv3_2", 256), ("conv3_3", 256), ("conv3_4", 256)),
    (("conv4_1", 512), ("conv4_2", 512)),
    (("conv4_3_CPM", 256), ("conv4_4_CPM", 128)),
)
"""3 x 3 convolutions: the first ten layers of VGG-19, with pooling after the first three groups, and two more."""
FIRST = (("conv5_1_CPM", 128, 3), ("conv5_2_CPM", 128, 3), ("conv5_3_CPM", 128, 3), ("conv5_4_CPM", 512, 1))
"""Layers of a branch of the first stage, without its last: name, channels, kernel."""
LATER = (*((f"Mconv{i}", 128, 7) for i in range(1, 6)), ("Mconv6", 128, 1))
"""The same of every later stage."""
_POOLED = 3  # groups of the trunk that are pooled after


class Stage(nn.Module):
    """Two branches side by side: fields of limbs (``L1``) and heatmaps of joints (``L2``)."""

    def __init__(self, number: int, inputs: int, skeleton: Skeleton, width: float) -> None:
        """Make the layers.

        Args:
            number: Number of the stage, from 1.
            inputs: Channels.
            skeleton: Whose limbs and parts, and the background, are the outputs.
            width: Scales the channels.
        """
        super().__init__()
        self.limbs = self._branch(number, "L1", inputs, 2 * len(skeleton.limbs), width)
        self.parts = self._branch(number, "L2", inputs, len(skeleton.parts) + 1, width)

    @staticmethod
    def _branch(number: int, suffix: str, inputs: int, outputs: int, width: float) -> nn.Sequential:
        ending = f"_stage{number}_{suffix}" if number > 1 else f"_{suffix}"
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for name, channels, kernel in LATER if number > 1 else FIRST:
            layers[name + ending] = _convolution(inputs, inputs := _scaled(width, channels), kernel)
            layers[f"relu_{name}"] = nn.ReLU()
        last = nn.Conv2d(inputs, outputs, 1)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        layers[("Mconv7" if number > 1 else "conv5_5_CPM") + ending] = last
        return nn.Sequential(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, inputs, rows, columns)`` to fields and heatmaps of the same rows and columns."""
        return self.limbs(x), self.parts(x)


class OpenPose(TrainablePictureModel):
    """The poses of all people in the picture.

    A prediction is ``{"keypoints": [[[x, y] * K], ...], "keypoint_scores": [[score * K], ...], "scores": [mean of
    those, ...], "names": [K names]}``, in pixels of the picture, best first. A keypoint that was not found is at (0, 0)
    and has score 0.

    Attributes:
        names: Of the keypoints; the neck that the network finds with COCO's is not among them.
        skeleton: What the network finds: parts and limbs.
    """

    def __init__(self, stages: int = 6, width: float = 1.0, size: int = 368) -> None:
        """Build the network from scratch, for COCO's keypoints.

        Args:
            stages: First stage and refinements.
            width: Scales all channels; 1.0 and 6 stages as published, 52,311,446 parameters.
            size: Side of the square input, pixels; a multiple of 8.

        Raises:
            InputError: An argument is out of range.
        """
        super().__init__()
        if stages < 1 or width <= 0 or size < STRIDE or size % STRIDE:
            raise InputError(
                f"OpenPose(stages={stages}, width={width}, size={size}): expected at least one stage, a positive width "
                f"and a size that is a multiple of {STRIDE}"
            )
        self.width, self.count = width, stages
        groups, inputs = [], 3
        for number, group in enumerate(TRUNK):
            layers: OrderedDict[str, nn.Module] = OrderedDict()
            for name, channels in group:
                layers[name] = _convolution(inputs, inputs := _scaled(width, channels), 3)
                layers[f"relu_{name}"] = nn.ReLU()
            if number < _POOLED:
                layers["pool"] = nn.MaxPool2d(2, 2)
            groups.append(nn.Sequential(layers))
        self.trunk = nn.Sequential(*groups)
        self.names: tuple[str, ...] = COCO_NAMES
        self.skeleton = Skeleton.of(COCO_NAMES)
        self.refinement = self._stages()
        self.spec = Spec("image", height=size, width=size, labels=COCO_NAMES)

    def _stages(self) -> nn.ModuleList:
        features = _scaled(self.width, TRUNK[-1][-1][1])
        maps = 2 * len(self.skeleton.limbs) + len(self.skeleton.parts) + 1
        return nn.ModuleList(
            Stage(n, features + (maps if n > 1 else 0), self.skeleton, self.width) for n in range(1, self.count + 1)
        )

    def stages(self) -> list[nn.Module]:
        """Five groups of the trunk, then the stages one by one, or, for keypoints other than COCO's, all in one.

        Each stage reads the outputs of the one before, so that the last alone cannot learn if the others are new.
        """
        is_coco = set(self.names) == set(COCO_NAMES)
        return [*self.trunk, *(self.refinement if is_coco else [self.refinement])]

    def for_task(self, task: Task) -> Self:
        """Take a task's keypoints; where they are others, all stages after the trunk are made anew."""
        if len(task.labels) < 2:
            raise InputError(f"OpenPose learns two keypoints or more; the rows of {task.name} name {len(task.labels)}")
        if set(task.labels) != set(self.names):
            device = next(self.trunk.parameters()).device
            self.skeleton = Skeleton.of(task.labels)
            self.refinement = self._stages().to(device)
        self.names = tuple(task.labels)
        self.spec = replace(self.spec, labels=self.names)
        return self

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights.

        Args:
            files: One state dict with the Caffe model's names, with or without the name of the block before them.

        Raises:
            InputError: It holds something else, or another configuration.
        """
        (path,) = files.values()
        published = {".".join(name.split(".")[-2:]): tensor for name, tensor in load_torch(path).items()}
        own = {".".join(name.split(".")[-2:]): name for name in self.state_dict()}
        load_tensors(self, {own.get(name, name): tensor for name, tensor in published.items()}, path)

    def target(self, row: Row, example: Example) -> Any:
        """The people of a row that has them (``tlzoo.architectures.keypoints``)."""
        return None if row.get("people") is None else pose_target(row, example["frame"], len(self.names))

    def augment(self, batch: Batch) -> Batch:
        """Move, scale, colour and mirror; in the mirror left and right change places."""
        return varied(batch, flip=True, mirror=mirrored(self.names))

    def forward(self, batch: Batch) -> list[tuple[Tensor, Tensor]]:
        """Fields and heatmaps of every stage, the last one being the best.

        Args:
            batch: ``image``, uint8 ``(batch, 3, height, width)``, RGB; the network gets BGR in [-0.5, 0.5].

        Returns:
            For each stage ``(batch, 2 limbs, rows, columns)`` and ``(batch, parts + 1, rows, columns)``, the last
            heatmap being the background.
        """
        pixels = batch["image"].flip(1).float() / 256 - 0.5
        features = self.trunk(pixels.contiguous(memory_format=torch.channels_last))
        outputs: list[tuple[Tensor, Tensor]] = []
        for stage in self.refinement:
            outputs.append(stage(torch.cat([*outputs[-1], features], 1) if outputs else features))
        return outputs

    def loss(self, batch: Batch) -> Tensor:
        """Squared error of fields and heatmaps, summed over stages and maps, averaged over cells (equations 5 and 6).

        Where a person's keypoint is not labelled, its maps do not count within the person's box.
        """
        outputs = self(batch)
        people = self.skeleton.place(PoseTargets.of(batch["target"], STRIDE, outputs[0][1]), self.names)
        bells, mask = people.gaussians(SIGMA, shift=0.5), people.loss_mask()
        heat = torch.cat([bells, 1 - bells.amax(1, keepdim=True)], 1)
        heat_mask = torch.cat([mask, mask.amin(1, keepdim=True)], 1)
        vectors = fields(people, self.skeleton.limbs)
        a, b = (list(side) for side in zip(*self.skeleton.limbs, strict=True))
        vector_mask = (mask[:, a] * mask[:, b]).repeat_interleave(2, 1)
        total = heat.new_zeros(())
        for limbs, parts in outputs:
            total = total + _squared(limbs - vectors, vector_mask) + _squared(parts - heat, heat_mask)
        return total

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Poses]:
        """Read the last stage's maps, picture by picture (``tlzoo.architectures.openpose.part_affinity``)."""
        limbs, parts = self(batch)[-1]
        order = [self.skeleton.parts.index(name) for name in self.names]
        predictions = []
        for affinity, heat, frame in zip(limbs, parts[:, :-1], batch["frame"], strict=True):
            detected = assemble(heat, affinity, self.skeleton, STRIDE)
            people = [_person(places[order], heights[order], frame) for places, heights in detected]
            people.sort(key=lambda person: -person[2])
            keypoints, keypoint_scores, scores = (
                (list(column) for column in zip(*people, strict=True)) if people else ([], [], [])
            )
            predictions.append(Poses(keypoints, keypoint_scores, scores, list(self.names)))
        return predictions


def _person(places: Tensor, heights: Tensor, frame: Tensor) -> tuple[list[list[float]], list[float], float]:
    """Keypoints in the picture, their scores, and the mean of these."""
    heights = heights.clamp(0, 1)
    points = points_from_input(places, frame) * (heights > 0)[:, None]
    return points.tolist(), heights.tolist(), float(heights.mean())


def _squared(difference: Tensor, mask: Tensor) -> Tensor:
    """Squares within the mask, summed over the maps and averaged over examples and cells."""
    return (difference.square() * mask).sum(1).mean()


def _scaled(width: float, channels: int) -> int:
    return max(4, round(width * channels))


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution that keeps the size, initialised as in He et al. 2015, 1502.01852, since there are no norms."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
