"""MoveNet: the keypoints of one person, from a MobileNetV2 with a feature pyramid and four heads.

Sources: Votel and Li 2021, TensorFlow Blog, "Next-Generation Pose Detection with MoveNet and TensorFlow.js" (what the
heads are and how they are read); the published graphs (layers, constants); Zhou et al. 2019, 1904.07850 (CenterNet:
losses); Sandler et al. 2018, 1801.04381 (MobileNetV2). Points in the heads are (y, x), as in the graphs, and are
counted in cells of ``STRIDE`` pixels from the corner of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.folding import FoldableNorm, convolution
from tlzoo.architectures.keypoints import PoseTargets, pose_target
from tlzoo.checkpoints import tfjs, tflite
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.image import TrainablePictureModel
from tlzoo.core.predictions import Poses
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import points_from_input
from tlzoo.data.media.keypoints import COCO_NAMES, mirrored
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

STRIDE = 4
"""Pixels of the input from one cell of the heads to the next."""
BLOCKS = (
    *((1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1)),
    *((6, 64, 2), *((6, 64, 1),) * 3, *((6, 96, 1),) * 3, (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1)),
)
"""Expansion, channels and stride of the inverted residuals, after a stem of 32 channels (1801.04381, table 2)."""
TAPS = (9, 5, 2)
"""Blocks whose outputs the pyramid reads, coarsest first."""
PYRAMID = (64, 32, 24)
"""Channels of the pyramid's maps, coarsest first."""
NEARNESS = 1.8
"""Cells: a score ``distance`` cells from where it is expected is divided by ``distance + NEARNESS``."""
_LAST, _HIDDEN = 1280, 96
_RARE = ("center", "heatmap")  # heads whose output is a logit
_SPREAD = 0.04  # of a keypoint's bell, in units of the root of the box's area
_MIN_SPREAD = 0.7  # cells
_REGRESSION = 0.1  # weight of the regression beside the other three losses (1904.07850, section 5.2)
_norm = partial(FoldableNorm, eps=1e-3)


class InvertedResidual(nn.Sequential):
    """Expand by a 1 x 1 convolution, filter each channel by itself, project; with a shortcut where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        """Make the layers."""
        inner = inputs * expansion
        expand = [convolution(inputs, inner, _norm, nn.ReLU6, kernel=1)] if expansion > 1 else []
        super().__init__(
            *expand,
            convolution(inner, inner, _norm, nn.ReLU6, stride, groups=inner),
            convolution(inner, outputs, _norm, None, kernel=1),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, inputs, height, width)`` to ``(batch, outputs, height / stride, width / stride)``."""
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + y if self.shortcut else y


class FeaturePyramid(nn.Module):
    """From the coarsest map to stride 4: double the size, add the backbone's map of that size, smooth."""

    def __init__(self, inputs: Sequence[int]) -> None:
        """Make the layers; ``inputs`` are the channels of the backbone's end and of the taps."""
        super().__init__()
        self.top = nn.Conv2d(inputs[0], PYRAMID[0], 1)
        self.laterals = nn.ModuleList(nn.Conv2d(n, m, 1) for n, m in zip(inputs[1:], PYRAMID, strict=True))
        self.smooth = nn.ModuleList(
            nn.Sequential(_depthwise(n), *convolution(n, m, _norm, nn.ReLU, kernel=1))
            for n, m in pairwise([*PYRAMID, PYRAMID[-1]])
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The backbone's end and its taps, coarsest first, to ``(batch, 24, height / 4, width / 4)``."""
        x: Tensor = self.top(maps[0])
        for lateral, smooth, tap in zip(self.laterals, self.smooth, maps[1:], strict=True):
            x = smooth(F.interpolate(x, scale_factor=2.0, mode="bilinear") + lateral(tap))
        return x


class Head(nn.Module):
    """From the pyramid's map to one of the four outputs, at the same stride."""

    def __init__(self, hidden: int, channels: int, rare: bool) -> None:
        """Make the layers.

        Args:
            hidden: Channels between the two mixing convolutions.
            channels: Channels of the output.
            rare: Whether the output is the logit of a rare event; its initial probability is then a tenth.
        """
        super().__init__()
        self.depthwise, self.mixing = _depthwise(PYRAMID[-1]), nn.Conv2d(PYRAMID[-1], hidden, 1)
        self.rare = rare
        self.begin(channels)

    def begin(self, channels: int) -> None:
        """Make the last layer anew."""
        self.output = nn.Conv2d(self.mixing.out_channels, channels, 1).to(self.mixing.weight.device)
        if self.rare and self.output.bias is not None:
            nn.init.constant_(self.output.bias, -2.19)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, 24, rows, columns)`` to ``(batch, channels, rows, columns)``."""
        y: Tensor = self.output(F.relu(self.mixing(self.depthwise(x))))
        return y


class MoveNet(TrainablePictureModel):
    """The pose of the person nearest to the middle of the picture.

    A prediction is ``{"keypoints": [[[x, y] * K]], "keypoint_scores": [[score * K]], "scores": [mean of those],
    "names": [K names]}``, in pixels of the picture: always one person.

    Attributes:
        names: Of the keypoints.
    """

    def __init__(self, width: float = 1.0, size: int = 192) -> None:
        """Build the network from scratch, for COCO's 17 keypoints.

        Args:
            width: Multiplier of MobileNetV2's channels; Lightning is 1.0, Thunder 1.75.
            size: Side of the square input, pixels; a multiple of 32.

        Raises:
            InputError: An argument is out of range.
        """
        super().__init__()
        if width <= 0 or size < 32 or size % 32:
            raise InputError(f"MoveNet(width={width}, size={size}): expected width > 0, size a multiple of 32")
        channels = [_rounded(width * n) for n in (32, *(n for _, n, _ in BLOCKS))]
        self.stem = convolution(3, channels[0], _norm, nn.ReLU6, stride=2)
        self.blocks = nn.ModuleList(
            InvertedResidual(inputs, outputs, expansion, stride)
            for (inputs, outputs), (expansion, _, stride) in zip(pairwise(channels), BLOCKS, strict=True)
        )
        self.last = convolution(channels[-1], _LAST, _norm, nn.ReLU6, kernel=1)
        self.pyramid = FeaturePyramid([_LAST, *(channels[i + 1] for i in TAPS)])
        hidden = _rounded(_HIDDEN * min(1.0, width))
        self.names: tuple[str, ...] = COCO_NAMES
        self.heads = nn.ModuleDict(
            {name: Head(hidden, channels, name in _RARE) for name, channels in self._outputs().items()}
        )
        self.spec = Spec("image", height=size, width=size, labels=COCO_NAMES)

    def _outputs(self) -> dict[str, int]:
        """Channels of each head, in the order in which the graphs run them."""
        points = len(self.names)
        return {"center": 1, "heatmap": points, "offset": 2 * points, "regress": 2 * points}

    def stages(self) -> list[nn.Module]:
        """Stem, 17 inverted residuals, last convolution, pyramid, heads."""
        return [self.stem, *self.blocks, self.last, self.pyramid, self.heads]

    def for_task(self, task: Task) -> Self:
        """Take a task's keypoints; where their names differ, the outputs of three heads are made anew."""
        if not task.labels:
            raise InputError(f"MoveNet learns keypoints, which the rows of {task.name} do not name")
        if task.labels == self.names:
            return self
        self.names = tuple(task.labels)
        self.spec = replace(self.spec, labels=self.names)
        for name, channels in self._outputs().items():
            head = self.heads[name]
            if name != "center" and isinstance(head, Head):
                head.begin(channels)
        return self

    def target(self, row: Row, example: Example) -> Any:
        """The people of a row that has them (``tlzoo.architectures.keypoints``)."""
        return None if row.get("people") is None else pose_target(row, example["frame"], len(self.names))

    def augment(self, batch: Batch) -> Batch:
        """Move, scale, colour and mirror; in the mirror left and right change places."""
        return varied(batch, flip=True, mirror=mirrored(self.names))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Maps at stride 4 of ``image``, uint8 ``(batch, 3, height, width)``, for K keypoints.

        Returns:
            ``center``, ``(batch, 1, rows, columns)``, and ``heatmap``, ``(batch, K, ...)``: logits of a person's
            centre and of each keypoint being there. ``regress``, ``(batch, 2 K, ...)``: where the keypoints of a person
            with its centre here are, from here. ``offset``, ``(batch, 2 K, ...)``: where a keypoint that is here is
            exactly, from here.
        """
        x = self.stem(batch["image"].float().contiguous(memory_format=torch.channels_last) / 127.5 - 1)
        taps: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                taps.insert(0, x)
        x = self.pyramid([self.last(x), *taps])
        return {name: head(x) for name, head in self.heads.items()}

    def loss(self, batch: Batch) -> Tensor:
        """Focal loss of both kinds of heatmap, L1 at the centres for the regression, at the keypoints for the offsets.

        The centre of a person is the mean of its labelled keypoints. Keypoints that are not labelled count neither way
        within the person's box.
        """
        maps = self(batch)
        people = PoseTargets.of(batch["target"], STRIDE, maps["center"])
        seen = people.seen[..., None]
        counted = seen.sum(2)
        centres = ((people.points * seen).sum(2) / counted.clamp(min=1))[:, :, None]
        sides = (people.boxes[..., 2:] - people.boxes[..., :2]).clamp(min=0)
        spread = (_SPREAD * sides.prod(-1).sqrt()).clamp(min=_MIN_SPREAD)
        bells = replace(people, points=people.points.floor()).gaussians(spread)
        middles = replace(people, points=centres.floor(), seen=counted > 0).gaussians(spread)
        points = people.points.flip(-1)
        return (
            focal_loss(maps["heatmap"], bells, people.loss_mask())
            + focal_loss(maps["center"], middles)
            + _REGRESSION * _field_loss(maps["regress"], points, centres.flip(-1).expand_as(points), people.seen)
            + _field_loss(maps["offset"], points, points, people.seen)
        )

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Poses]:
        """The published graph's reading of its heads, for each picture.

        The best centre near the middle; from there the regression gives where each keypoint should be; the best place
        on its heatmap near that is taken; the offset there makes it exact.
        """
        maps = self(batch)
        rows, columns = maps["center"].shape[-2:]
        y, x = torch.meshgrid(*(torch.arange(n, device=maps["center"].device) for n in (rows, columns)), indexing="ij")
        distance = torch.hypot(y - rows / 2, x - columns / 2)
        centre = (maps["center"].sigmoid()[:, 0] / (distance + NEARNESS)).flatten(1).argmax(1, keepdim=True)
        expected = _taken(maps["regress"], centre[:, None].expand(-1, 1, len(self.names)))[:, 0]
        expected = expected + torch.stack([centre // columns, centre % columns], -1)
        heat = maps["heatmap"].sigmoid()
        distance = torch.hypot(y - expected[..., :1, None], x - expected[..., 1:, None])
        best = (heat / (distance + NEARNESS)).flatten(2).argmax(2)
        exact = torch.stack([best // columns, best % columns], -1) + _taken(maps["offset"], best[:, None])[:, 0]
        scores = heat.flatten(2).gather(2, best[..., None])[..., 0]
        return [
            Poses(
                keypoints=[points_from_input(STRIDE * points.flip(-1), frame).tolist()],
                keypoint_scores=[score.tolist()],
                scores=[float(score.mean())],
                names=list(self.names),
            )
            for points, score, frame in zip(exact, scores, batch["frame"], strict=True)
        ]

    @torch.no_grad()
    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a published graph, whose norms are folded (see :class:`~tlzoo.architectures.folding.FoldableNorm`).

        Args:
            files: A TensorFlow.js model's JSON and shards, or one TensorFlow Lite file.

        Raises:
            InputError: The files hold another network, or another width.
        """
        path = next(iter(files.values()))
        if path.suffix == ".tflite":
            layers: Sequence[tuple[Tensor, Tensor | None]] = list(tflite.layers(path))
        else:
            by_name = tfjs.layers(files)
            layers = [by_name[name] for name in _graph_names() if name in by_name]
        places = list(self._layers())
        shapes, expected = [tuple(kernel.shape) for kernel, _ in layers], [tuple(c.weight.shape) for c, _ in places]
        if shapes != expected:
            mismatch = next((f"{s}, expected {e}" for s, e in zip(shapes, expected, strict=False) if s != e), "too few")
            raise InputError(f"{path}: not MoveNet at this width: {len(shapes)} kernels of {len(expected)}; {mismatch}")
        for (convolved, holder), (kernel, bias) in zip(places, layers, strict=True):
            convolved.weight.copy_(kernel)
            if bias is not None and isinstance(holder, FoldableNorm):
                holder.fold(bias)
            elif bias is not None and holder is not None:
                assert holder.bias is not None
                holder.bias.copy_(bias)

    def _layers(self) -> Iterator[tuple[nn.Conv2d, FoldableNorm | nn.Conv2d | None]]:
        """Convolutions in the order in which they run, and what holds the bias of each."""
        order: list[nn.Module] = [self.stem]
        for number, block in enumerate(self.blocks):
            order.append(block)
            order += [self.pyramid.laterals[TAPS.index(number)]] if number in TAPS else []
        order += [self.last, self.pyramid.top, *self.pyramid.smooth, *self.heads.values()]
        modules = [m for part in order for m in part.modules() if isinstance(m, nn.Conv2d | FoldableNorm)]
        for module, following in pairwise([*modules, None]):
            if isinstance(module, nn.Conv2d):
                yield (
                    module,
                    module if module.bias is not None else following if isinstance(following, FoldableNorm) else None,
                )


def focal_loss(logits: Tensor, wanted: Tensor, mask: Tensor | None = None) -> Tensor:
    """Penalty-reduced focal loss of heatmaps (1904.07850, equation 1: alpha 2, beta 4), over the number of peaks.

    Args:
        logits: Logits of any shape.
        wanted: 1 at peaks, less around them.
        mask: 1 where the loss counts, 0 elsewhere.
    """
    peak = (wanted == 1).float()
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    losses = peak * no.exp() ** 2 * yes + (1 - peak) * (1 - wanted) ** 4 * yes.exp() ** 2 * no
    return -(losses if mask is None else losses * torch.maximum(mask, peak)).sum() / peak.sum().clamp(min=1)


def _taken(maps: Tensor, at: Tensor) -> Tensor:
    """Pairs of maps at one place for each person and keypoint.

    Args:
        maps: ``(batch, 2 K, rows, columns)``.
        at: Flat indices of cells, ``(batch, people, K)``.

    Returns:
        Shape ``(batch, people, K, 2)``.
    """
    pairs = maps.reshape(len(maps), maps.shape[1] // 2, 2, -1)
    return pairs.gather(3, at.transpose(1, 2)[:, :, None].expand(-1, -1, 2, -1)).permute(0, 3, 1, 2)


def _field_loss(maps: Tensor, points: Tensor, at: Tensor, seen: Tensor) -> Tensor:
    """L1 of a field of offsets to points, at each point's cell and its eight neighbours, as in the published heads.

    Args:
        maps: ``(batch, 2 K, rows, columns)``.
        points: y and x, in cells, ``(batch, people, K, 2)``.
        at: Places from which the offsets count, in the same way.
        seen: Which are labelled, ``(batch, people, K)``.
    """
    size = torch.tensor(maps.shape[-2:], device=maps.device)
    around = torch.cartesian_prod(*2 * [torch.arange(-1, 2, device=maps.device)])[:, None]
    cells = (torch.where(seen[..., None], at, 0).floor().long()[:, :, None] + around).clamp(min=0).minimum(size - 1)
    predicted = _taken(maps, (cells[..., 0] * size[1] + cells[..., 1]).flatten(1, 2))
    wrong: Tensor = (predicted.reshape(*cells.shape) - (points[:, :, None] - cells)).abs().mean((2, 4))
    mean: Tensor = (wrong * seen).sum() / seen.sum().clamp(min=1)
    return mean


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, or the next if that is below nine tenths, as in the authors' code of MobileNetV2."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near if near >= 0.9 * channels else near + 8


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def _graph_names() -> Iterator[str]:
    """The kernels' names in the TensorFlow.js graphs, in the order of the convolutions."""
    backbone = "StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/"
    yield f"{backbone}model/Conv1/Conv2D_weights"
    for number, (expansion, _, _) in enumerate(BLOCKS):
        block = f"{backbone}model/" + (f"block_{number}" if number else "expanded_conv")
        if expansion > 1:
            yield f"{block}_expand/Conv2D_weights"
        yield f"{block}_depthwise/depthwise_weights"
        yield f"{block}_project/Conv2D_weights"
        if number in TAPS:
            yield f"{backbone}conv2d_{1 + TAPS.index(number)}/Conv2D/ReadVariableOp"
    yield f"{backbone}model/Conv_1/Conv2D_weights"
    yield f"{backbone}conv2d/Conv2D/ReadVariableOp"
    for suffix in ("", "_1", "_2"):
        yield f"{backbone}separable_conv2d{suffix}/separable_conv2d/ReadVariableOp"
        yield f"{backbone}separable_conv2d{suffix}/separable_conv2d_weights"
    for head, number in (("center", 3), ("kpt_heatmap", 4), ("kpt_offset", 6), ("kpt_regress", 5)):
        place = f"StatefulPartitionedCall/{head}_0/"
        yield f"{place}separable_conv2d_{number}/separable_conv2d/ReadVariableOp"
        yield f"{place}separable_conv2d_{number}/separable_conv2d/ReadVariableOp_1"
        yield f"{place}conv2d_{number + 1}/Conv2D/ReadVariableOp"
