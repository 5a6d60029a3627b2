"""Dense heads on the maps of a pyramid, all by way of a feature pyramid network (Lin 2017, 1612.03144)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.fcos import FCOS, FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from tlzoo.core.batch import Spec

COARSEST = 32
"""Maximum stride of the maps that a head reads, pixels."""
LARGE = 256
"""Minimum side of an input, pixels, for which heads are wider or deeper, and look for larger objects."""
WIDTH = 64
"""Channels of a head; few, so that it learns fast from little."""
_PRIOR = 0.1  # score of a point that an untrained head gives everywhere, as in Zhou 2019, 1904.07850
_SPREAD = 1 / 32  # standard deviation of a point's target, as a share of the map's side, as in Sun 2019, 1902.09212
_SHIFT = 4.0  # distance of a box's sides that an untrained head guesses, in anchors: the middle of a level's range
_normalised = partial(nn.GroupNorm, 8)


def chosen(spec: Spec, finest: int, count: int) -> list[int]:
    """Choose the maps of a pyramid that a head reads: the deepest of each stride, up to ``COARSEST``.

    Args:
        spec: Of the backbone.
        finest: Minimum stride, pixels; finer maps are read only where the pyramid has no coarser ones.
        count: Maximum number of maps, the coarsest ones; one or more.

    Returns:
        Indices, finest first.
    """
    deepest = {stride: i for i, (_, stride) in enumerate(spec.pyramid)}
    strides = sorted(deepest)
    fit = [s for s in strides if finest <= s <= COARSEST] or [min(strides, key=lambda s: abs(s - finest))]
    return [deepest[s] for s in fit[-count:]]


class Pyramid(nn.Module):
    """A feature pyramid network over chosen maps; each level is normalised, as frozen features may have any scale."""

    def __init__(self, spec: Spec, maps: Sequence[int], width: int, larger: bool = False) -> None:
        """Make the network.

        Args:
            spec: Of the backbone.
            maps: Indices of the maps.
            width: Channels of each level.
            larger: Whether two levels of twice and four times the coarsest stride are added.
        """
        super().__init__()
        self.maps = list(maps)
        self.out_channels = width
        self.strides = [spec.pyramid[i][1] for i in maps]
        extra = LastLevelP6P7(width, width) if larger else None
        self.strides += [2 * self.strides[-1], 4 * self.strides[-1]] if larger else []
        channels = [spec.pyramid[i][0] for i in maps]
        self.fpn = FeaturePyramidNetwork(channels, width, extra, _normalised)

    def forward(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Levels ``(batch, width, height, width)``, finest first, of all maps of a backbone."""
        return list(self.fpn({str(i): pyramid[i] for i in self.maps}).values())


class MapHead(nn.Module):
    """Maps of scores over the input: levels are summed at the finest one, as in Kirillov 2019, 1901.02446, section 3.

    The maps' stride is that of the finest level, from 4 pixels on, and at most 8.
    """

    def __init__(self, spec: Spec, channels: int, whole: bool = False) -> None:
        """Make the head.

        Args:
            spec: Of the backbone.
            channels: Number of maps.
            whole: Whether the maps are brought to the size of the input.
        """
        super().__init__()
        assert spec.height and spec.width
        self.size = spec.height, spec.width
        width = WIDTH if min(self.size) >= LARGE else WIDTH // 2
        self.pyramid = Pyramid(spec, chosen(spec, 4, len(spec.pyramid)), width)
        self.stride = min(8, self.pyramid.strides[0])
        self.whole = whole
        self.mixed = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), _normalised(width), nn.ReLU())
        self.maps = nn.Conv2d(width, channels, 1)
        nn.init.normal_(self.maps.weight, std=0.01)
        assert self.maps.bias is not None
        nn.init.zeros_(self.maps.bias)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Scores ``(batch, channels, height, width)``."""
        levels = self.pyramid(pyramid)
        finest = levels[0].shape[2:]
        if self.pyramid.strides[0] > self.stride:
            finest = torch.Size(-(-side // self.stride) for side in self.size)
        total = sum(_resized(level, finest) for level in levels)
        scores = self.maps(self.mixed(total))
        return _resized(scores, torch.Size(self.size)) if self.whole else scores


def _resized(maps: Tensor, size: torch.Size) -> Tensor:
    if maps.shape[2:] == size:
        return maps
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


@dataclass
class PointMaps:
    """The places of several points in the inputs of a batch.

    Attributes:
        scores: Logits, shape ``(batch, points, height, width)``.
        offsets: From the middle of each cell to the point, in cells, shape ``(batch, points, 2, height, width)``.
        size: Height and width of the input.
    """

    scores: Tensor
    offsets: Tensor
    size: tuple[int, int]

    def loss(self, points: Tensor) -> Tensor:
        """Focal loss of the scores (Law 2018, 1808.01244, equation 1) and L1 loss of the offsets near the points.

        Args:
            points: x, y in the input and visibility, shape ``(batch, points, 3)``. A visibility of 0 means that
                the place is unknown, a negative one that the point is known to be absent.
        """
        points = points.to(self.scores.device)
        known = (points[..., 2] > 0).float()
        high, wide = self.scores.shape[2:]
        cells = points[..., :2] * points.new_tensor([wide / self.size[1], high / self.size[0]]) - 0.5
        nearest = cells.round().clamp(min=0).minimum(cells.new_tensor([wide - 1, high - 1]))
        grid = torch.stack(torch.meshgrid(_count(cells, wide), _count(cells, high), indexing="xy"), -1)
        sigma = max(1.0, _SPREAD * max(high, wide))
        apart = (grid - nearest[:, :, None, None]).square().sum(-1)  # (batch, points, height, width)
        wanted = torch.exp(apart / (-2 * sigma**2)) * known[..., None, None]
        scores = self.scores.float()
        sure = scores.sigmoid()
        there = (1 - sure) ** 2 * F.logsigmoid(scores) * (wanted == 1)
        absent = (1 - wanted) ** 4 * sure**2 * F.logsigmoid(-scores) * (points[..., 2] != 0)[..., None, None]
        focal = -(there + absent).sum() / known.sum().clamp(min=1)
        near = (apart <= sigma**2 * 2) * known[..., None, None]
        way = (cells[:, :, None, None] - grid).movedim(-1, 2)
        missed = (self.offsets.float() - way).abs().sum(2) * near
        return focal + missed.sum() / near.sum().clamp(min=1)

    def points(self) -> tuple[Tensor, Tensor]:
        """The most likely place of each point in the input, ``(batch, points, 2)``, and its score, 0 to 1."""
        high, wide = self.scores.shape[2:]
        best, place = self.scores.detach().float().flatten(2).max(-1)
        offset = (
            self.offsets.detach().float().flatten(3).gather(3, place[:, :, None, None].expand(-1, -1, 2, 1))[..., 0]
        )
        cells = torch.stack([place % wide, place // wide], -1) + 0.5 + offset
        return cells * cells.new_tensor([self.size[1] / wide, self.size[0] / high]), best.sigmoid()


class PointHead(nn.Module):
    """Maps of scores of points and of the way to them (Papandreou 2017, 1701.01779, section 3.1)."""

    def __init__(self, spec: Spec, points: int) -> None:
        """Make the head for a number of points."""
        super().__init__()
        self.points = points
        self.maps = MapHead(spec, 3 * points)
        assert self.maps.maps.bias is not None
        nn.init.constant_(self.maps.maps.bias[:points].detach(), -math.log(1 / _PRIOR - 1))

    def forward(self, pyramid: Sequence[Tensor]) -> PointMaps:
        """Maps over the input."""
        maps = self.maps(pyramid)
        offsets = maps[:, self.points :].unflatten(1, (self.points, 2))
        return PointMaps(maps[:, : self.points], offsets, self.maps.size)


def _count(like: Tensor, n: int) -> Tensor:
    return torch.arange(n, device=like.device, dtype=like.dtype)


@dataclass
class Locations:
    """The output of an FCOS at each location of a batch, level after level.

    Attributes:
        fcos: The head, for its losses and its decoding.
        outputs: ``cls_logits`` ``(batch, locations, classes)``, ``bbox_regression`` ``(batch, locations, 4)`` and
            ``bbox_ctrness`` ``(batch, locations, 1)``.
        anchors: The square at each location, x1, y1, x2, y2 in pixels of the input, shape ``(locations, 4)``.
        counts: Locations of each level.
        size: Height and width of the input.
    """

    fcos: FCOS
    outputs: dict[str, Tensor]
    anchors: Tensor
    counts: list[int]
    size: tuple[int, int]

    def loss(self, targets: Sequence[dict[str, Tensor]]) -> Tensor:
        """Sum of focal loss, generalised IoU and centreness (Tian 2019, 1904.01355, section 3).

        Args:
            targets: For each example ``boxes`` ``(n, 4)`` in the input and ``labels`` ``(n,)``.
        """
        here = [{k: t[k].to(self.anchors.device) for k in ("boxes", "labels")} for t in targets]
        losses = self.fcos.compute_loss(here, self.outputs, [self.anchors] * len(here), self.counts)
        total: Tensor = torch.stack(list(losses.values())).sum()
        return total

    def detections(self) -> list[dict[str, Tensor]]:
        """Of each example ``boxes`` in the input, ``scores`` and ``labels``, best first, after suppression by class."""
        levels = {k: list(torch.split(v.detach(), self.counts, 1)) for k, v in self.outputs.items()}
        n = len(self.outputs["cls_logits"])
        anchors = [list(torch.split(self.anchors, self.counts))] * n
        detections: list[dict[str, Tensor]] = self.fcos.postprocess_detections(levels, anchors, [self.size] * n)
        return detections


class BoxHead(nn.Module):
    """Boxes without anchor shapes: FCOS (Tian 2019, 1904.01355) as torchvision has it, made light.

    Its levels are for objects half as large as in the paper, since inputs are small: at stride s a location answers for
    boxes whose farthest side is 2 s to 4 s away; the finest level also for smaller and the coarsest for larger ones.
    """

    def __init__(self, spec: Spec, classes: int) -> None:
        """Make the head for a number of classes."""
        super().__init__()
        assert spec.height and spec.width
        self.size = spec.height, spec.width
        large = min(self.size) >= LARGE
        width, depth = WIDTH, 2 if large else 1  # the paper: 256 channels, 4 convolutions
        pyramid = Pyramid(spec, chosen(spec, 4, 3), width, larger=large)
        head = FCOSHead(width, 1, classes, 0)
        head.classification_head = FCOSClassificationHead(width, 1, classes, depth, norm_layer=_normalised)
        head.regression_head = FCOSRegressionHead(width, 1, depth, norm_layer=_normalised)
        nn.init.constant_(head.regression_head.bbox_reg.bias, _SHIFT)  # at 0, half of its units start without gradient
        self.fcos = FCOS(
            pyramid,
            classes,
            head=head,
            center_sampling_radius=3.0,  # of an anchor, which is half a stride: the paper's 1.5 strides
            score_thresh=0.05,
            detections_per_img=100,
        )

    def forward(self, maps: Sequence[Tensor]) -> Locations:
        """Scores and boxes at every location of every level."""
        levels = self.fcos.backbone(maps)
        squares = [_squares(v, s) for v, s in zip(levels, self.fcos.backbone.strides, strict=True)]
        counts = [len(square) for square in squares]
        outputs = {name: value.float() for name, value in self.fcos.head(levels).items()}
        return Locations(self.fcos, outputs, torch.cat(squares), counts, self.size)


def _squares(level: Tensor, stride: int) -> Tensor:
    """Squares of half a stride's side about the centre of each cell, ``(height * width, 4)``."""
    high, wide = level.shape[2:]
    y = (torch.arange(high, device=level.device) + 0.5) * stride
    x = (torch.arange(wide, device=level.device) + 0.5) * stride
    ys, xs = torch.meshgrid(y, x, indexing="ij")
    centres = torch.stack([xs, ys], -1).reshape(-1, 2)
    return torch.cat([centres - stride / 4, centres + stride / 4], 1)
