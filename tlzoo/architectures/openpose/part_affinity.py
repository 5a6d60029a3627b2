"""Part affinity fields: vectors along the limbs, drawn for training, and read to assign joints to people.

Source: Cao et al. 2019, 1812.08008, sections 3.2 to 3.5, and the constants of the authors' release. Maps are in cells
whose centres are at half numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur

from tlzoo.architectures.keypoints import PoseTargets
from tlzoo.data.media.keypoints import COCO_NAMES

THICKNESS = 1.0
"""Cells on each side of a limb that its vectors fill."""
PEAK = 0.1
"""Minimum height of a peak."""
_SMOOTHING = 3.0  # pixels of the input
_SAMPLES = 10  # along a limb
_AGREEMENT, _AGREEING = 0.05, 0.8  # minimum of a sample, and minimum share of samples that reach it
_MIN_PARTS, _MIN_SCORE = 4, 0.4  # of a person; the score is per part


@dataclass(frozen=True)
class Skeleton:
    """Parts of a body and the limbs between them.

    Attributes:
        parts: Names, in the order of the heatmaps.
        limbs: Pairs of parts, in the order of the fields.
        order: Indices of the limbs in the order in which they are joined, nearest to the root first.
        closing: Number of limbs at the end that only join existing people and start no new person.
    """

    parts: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    order: tuple[int, ...]
    closing: int = 0

    @classmethod
    def of(cls, names: Sequence[str]) -> Skeleton:
        """The body of 18 parts for COCO's keypoints; others are joined in a chain, each to the one before it."""
        if set(names) == set(COCO_NAMES):
            return BODY
        return cls(tuple(names), tuple(pairwise(range(len(names)))), tuple(range(len(names) - 1)))

    def place(self, people: PoseTargets, names: Sequence[str]) -> PoseTargets:
        """Targets with the skeleton's parts: the keypoints by name, and a neck between the shoulders."""
        index = {name: i for i, name in enumerate(names)}
        ends = [
            (index["left_shoulder"], index["right_shoulder"]) if p not in index else (index[p],) * 2 for p in self.parts
        ]
        first, second = (list(side) for side in zip(*ends, strict=True))
        points = (people.points[:, :, first] + people.points[:, :, second]) / 2
        seen = people.seen[:, :, first] & people.seen[:, :, second]
        return PoseTargets(points, seen, people.boxes, people.height, people.width)


_PARTS = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
_LIMBS = (
    *((1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 2), (2, 3), (3, 4), (2, 16)),
    *((1, 5), (5, 6), (6, 7), (5, 17), (1, 0), (0, 14), (0, 15), (14, 16), (15, 17)),
)
BODY = Skeleton(_PARTS, _LIMBS, (6, 10, 7, 8, 11, 12, 0, 1, 2, 3, 4, 5, 14, 15, 17, 16, 18, 9, 13), closing=2)
"""The body model for COCO: its 17 keypoints and the neck."""


@dataclass
class Person:
    """A detected person: peaks by part, and the sum of the scores of peaks and limbs."""

    peaks: dict[int, int] = field(default_factory=dict)
    score: float = 0.0


def fields(people: PoseTargets, limbs: Sequence[tuple[int, int]]) -> Tensor:
    """Draw the fields: in each cell near a limb the unit vector along it, averaged where people overlap (equation 9).

    Args:
        people: With the parts that the limbs join.
        limbs: Pairs of parts.

    Returns:
        x and y of each limb, shape ``(batch, 2 limbs, height, width)``.
    """
    a, b = (list(side) for side in zip(*limbs, strict=True))
    start, along = people.points[:, :, a], people.points[:, :, b] - people.points[:, :, a]
    length = along.norm(dim=-1)
    unit = along / length.clamp(min=1e-6)[..., None]
    ys, xs = (torch.arange(n, device=start.device) + 0.5 for n in (people.height, people.width))
    x = (xs - start[..., :1])[..., None, :]  # (batch, people, limbs, 1, width)
    y = (ys - start[..., 1:])[..., :, None]
    ux, uy = (unit[..., i, None, None] for i in range(2))
    ahead, aside = x * ux + y * uy, (x * uy - y * ux).abs()
    near = (ahead >= -THICKNESS) & (ahead <= length[..., None, None] + THICKNESS) & (aside <= THICKNESS)
    near &= (people.seen[:, :, a] & people.seen[:, :, b])[..., None, None]
    drawn: Tensor = (near[:, :, :, None] * unit[..., None, None]).sum(1) / near.sum(1).clamp(min=1)[:, :, None]
    return drawn.flatten(1, 2)


def peaks(heatmaps: Tensor, stride: int) -> list[tuple[Tensor, Tensor]]:
    """Find the peaks of each part: maxima of the smoothed map, at the input's resolution (section 3.3).

    Args:
        heatmaps: Heatmaps of the parts, ``(parts, height, width)``.
        stride: Pixels of the input in a cell.

    Returns:
        For each part places, x and y in pixels of the input, ``(peaks, 2)``, and heights ``(peaks,)``.
    """
    fine = F.interpolate(heatmaps[None], scale_factor=float(stride), mode="bicubic", align_corners=False)
    size = 2 * round(4 * _SMOOTHING) + 1
    smooth = gaussian_blur(fine, [size, size], [_SMOOTHING, _SMOOTHING]) if min(fine.shape[2:]) > size // 2 else fine
    highest = (smooth == F.max_pool2d(smooth, 3, 1, 1)) & (smooth > PEAK)
    part_peaks = []
    for here, height in zip(highest[0], fine[0], strict=True):
        at = here.nonzero()
        heights, order = height[at[:, 0], at[:, 1]].sort(descending=True, stable=True)
        places = at[order].flip(1) + 0.5
        near = (torch.cdist(places, places) < stride).tril(-1)
        part_peaks.append((places[~near.any(1)], heights[~near.any(1)]))  # none within a cell of a higher one
    return part_peaks


def connections(
    affinity: Tensor, starts: Tensor, ends: Tensor, stride: int, reach: float
) -> list[tuple[int, int, float]]:
    """Match the ends of one limb: by the field along the line between them, the best first (equations 11 to 15).

    Args:
        affinity: x and y of the limb's field, ``(2, height, width)``.
        starts: Places of its first part, pixels, ``(n, 2)``.
        ends: Places of its second part, ``(m, 2)``.
        stride: Pixels in a cell.
        reach: Pixels; half of it is the length beyond which a limb is marked down.

    Returns:
        Indices of starts and ends, each of them once at most, and the score.
    """
    if not len(starts) or not len(ends):
        return []
    along = ends[None] - starts[:, None]
    length = along.norm(dim=-1)
    way = torch.linspace(0, 1, _SAMPLES, device=along.device)[:, None]
    samples = starts[:, None, None] + way * along[:, :, None]  # (n, m, samples, 2)
    limit = samples.new_tensor([affinity.shape[2] * stride, affinity.shape[1] * stride])
    vectors = F.grid_sample(affinity[None], (2 * samples / limit - 1).flatten(0, 1)[None], align_corners=False)
    vectors = vectors[0].permute(1, 2, 0).reshape(samples.shape)
    agreement = (vectors * (along / length.clamp(min=1e-6)[..., None])[:, :, None]).sum(-1)
    score = agreement.mean(-1) + (0.5 * reach / length.clamp(min=1e-6) - 1).clamp(max=0)
    good = ((agreement > _AGREEMENT).float().mean(-1) > _AGREEING) & (score > 0) & (length > 0)
    candidates = sorted(((float(score[i, j]), i, j) for i, j in good.nonzero().tolist()), reverse=True)
    chosen: list[tuple[int, int, float]] = []
    for value, i, j in candidates:
        if all(i != a and j != b for a, b, _ in chosen):
            chosen.append((i, j, value))
    return chosen


def assemble(heatmaps: Tensor, affinity: Tensor, skeleton: Skeleton, stride: int) -> list[tuple[Tensor, Tensor]]:
    """Read the people of one picture from its heatmaps and fields (section 3.5).

    Args:
        heatmaps: Heatmaps of the skeleton's parts, without the background, ``(parts, height, width)``.
        affinity: Fields of its limbs, ``(2 limbs, height, width)``.
        skeleton: Parts and limbs.
        stride: Pixels of the input in a cell.

    Returns:
        For each person the places of the parts, pixels of the input, ``(parts, 2)``, and heights of their peaks,
        ``(parts,)``; 0 for parts that were not found.
    """
    part_peaks = peaks(heatmaps, stride)
    people: list[Person] = []
    for number, limb in enumerate(skeleton.order):
        a, b = skeleton.limbs[limb]
        joined = connections(
            affinity[2 * limb : 2 * limb + 2], part_peaks[a][0], part_peaks[b][0], stride, heatmaps.shape[1] * stride
        )
        for i, j, score in joined:
            pair = {a: i, b: j}
            tall = {a: float(part_peaks[a][1][i]), b: float(part_peaks[b][1][j])}
            closing = number >= len(skeleton.order) - skeleton.closing
            _join(people, pair, tall, score, closing)
    parts = min(_MIN_PARTS, len(skeleton.parts))
    complete = [p for p in people if len(p.peaks) >= parts and p.score / len(p.peaks) >= _MIN_SCORE]
    result = []
    for person in complete:
        places, heights = heatmaps.new_zeros(len(skeleton.parts), 2), heatmaps.new_zeros(len(skeleton.parts))
        for part, peak in person.peaks.items():
            places[part], heights[part] = part_peaks[part][0][peak], part_peaks[part][1][peak]
        result.append((places, heights))
    return result


def _join(people: list[Person], pair: dict[int, int], heights: dict[int, float], score: float, closing: bool) -> None:
    """Add a limb to the person who has one of its ends, join two people whose ends it connects, or start a new one."""
    holders = [p for p in people if any(p.peaks.get(part) == peak for part, peak in pair.items())]
    if len(holders) > 1 and not set(holders[0].peaks) & set(holders[1].peaks):
        first, second = holders[:2]
        first.peaks |= second.peaks
        first.score += second.score + score
        people.remove(second)
    elif holders:
        new = {part: peak for part, peak in pair.items() if part not in holders[0].peaks}
        if new:
            holders[0].peaks |= new
            holders[0].score += score + sum(heights[part] for part in new)
    elif not closing:
        people.append(Person(dict(pair), score + sum(heights.values())))
