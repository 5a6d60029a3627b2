"""Training of MTCNN's networks: the parts of a picture that they see, and their targets (1604.02878, section 3).

Parts are squares around and beside the faces and anywhere else. Overlap with a face is measured between squares, since
the cascade asks about squares only; so classes whose boxes are long or flat can be learnt as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_iou

POSITIVE, PART, NEGATIVE = 1, -1, 0
"""Kinds of a part: a face (overlap above 0.65), part of a face (0.4 to 0.65: it only trains the box), no face (below
0.3)."""

_ON, _BESIDE, _ANYWHERE = 12, 8, 20  # squares of a picture: on its faces, beside them, anywhere
_HARD = 0.7  # share of the parts, the worst ones, that teach the decision (section 3.4)


@dataclass(frozen=True)
class Parts:
    """Parts of one or several pictures; all tensors have the same first dimension.

    Attributes:
        picture: Index of the picture.
        squares: ``(x1, y1, x2, y2)`` in whole pixels, beyond the picture's edge too, shape ``(n, 4)``.
        kind: ``POSITIVE``, ``PART`` or ``NEGATIVE``.
        boxes: The box of the nearest face, shape ``(n, 4)``.
        landmarks: Its five landmarks, shape ``(n, 5, 2)``; NaN where they are not known.
    """

    picture: Tensor
    squares: Tensor
    kind: Tensor
    boxes: Tensor
    landmarks: Tensor

    def __getitem__(self, index: Tensor) -> Parts:
        """Some of the parts."""
        return Parts(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @classmethod
    def cat(cls, parts: list[Parts]) -> Parts:
        """Parts one after the other."""
        return cls(*(torch.cat([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def to(self, device: torch.device) -> Parts:
        """The parts on a device."""
        return Parts(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    @property
    def side(self) -> Tensor:
        """Side of the squares, shape ``(n, 1)``."""
        return self.squares[:, 2:3] - self.squares[:, :1]


def varied(image: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Mirror a picture ``(height, width, 3)`` half of the time, with its target, and change its light."""
    contrast, shift = 0.7 + 0.6 * torch.rand(()), 40 * torch.rand(()) - 20
    pixels = image.float()
    pixels = ((pixels - pixels.mean()) * contrast + pixels.mean() + shift).round().clamp(0, 255).to(torch.uint8)
    if torch.rand(()) < 0.5:
        return pixels, target
    edge = torch.tensor([image.shape[1], 0.0])
    boxes, points = target["boxes"].view(-1, 2, 2), target["landmarks"]
    boxes = torch.stack([boxes.flip(1)[..., 0], boxes[..., 1]], 2)  # the right side becomes the left one
    boxes, points = (edge - places * torch.tensor([1.0, -1.0]) for places in (boxes, points))
    return pixels.flip(1), {"boxes": boxes.view(-1, 4), "landmarks": points[:, [1, 0, 2, 4, 3]]}


def drawn(picture: int, extent: tuple[int, int], boxes: Tensor, landmarks: Tensor, smallest: int) -> Parts:
    """Draw parts of a picture by torch's generator.

    Args:
        picture: Its index in the batch.
        extent: Its height and width, pixels.
        boxes: Boxes of its faces, ``(x1, y1, x2, y2)``, shape ``(faces, 4)``.
        landmarks: Landmarks of its faces, shape ``(faces, 5, 2)``.
        smallest: Side of the smallest face that is looked for, pixels.

    Returns:
        At most 40 parts; none whose kind is in doubt, or that lies outside of the picture.
    """
    height, width = extent
    longest = float(min(height, width))
    side = _between(_ANYWHERE, min(float(smallest), longest), longest)
    middle = side / 2 + torch.rand(_ANYWHERE, 2) * (torch.tensor([float(width), float(height)]) - side)
    if faces := len(boxes):
        which = torch.randint(faces, (_ON + _BESIDE,))
        centre, size = _squares(boxes)
        centre, size = centre[which], size[which]
        grown = torch.cat([0.8 + 0.45 * torch.rand(_ON, 1), _between(_BESIDE, 0.35, 2.2)])
        moved = torch.cat([torch.full((_ON, 1), 0.2), torch.full((_BESIDE, 1), 0.8)]) * (
            2 * torch.rand(len(which), 2) - 1
        )
        middle, side = torch.cat([centre + moved * size, middle]), torch.cat([grown * size, side])
    corner, side = (middle - side / 2).round(), side.round().clamp(min=1)
    squares = torch.cat([corner, corner + side], 1)
    edge = torch.tensor([float(width), float(height)])
    inside = (squares[:, :2] < edge).all(1) & (squares[:, 2:] > 0).all(1)
    squares = squares[inside]
    n = len(squares)
    if not faces:
        nothing = squares.new_zeros(n, 4), squares.new_full((n, 5, 2), torch.nan)
        return Parts(torch.full((n,), picture), squares, torch.full((n,), NEGATIVE), *nothing)
    centre, size = _squares(boxes)
    overlap, nearest = box_iou(squares, torch.cat([centre - size / 2, centre + size / 2], 1)).max(1)
    kind = torch.where(overlap > 0.65, POSITIVE, torch.where(overlap >= 0.4, PART, NEGATIVE))
    parts = Parts(torch.full((n,), picture), squares, kind, boxes[nearest], landmarks[nearest])
    return parts[((overlap < 0.3) | (overlap >= 0.4)).nonzero()[:, 0]]


def harder(parts: Parts, scores: Tensor, most: int) -> Tensor:
    """Choose the parts that the next network sees; of those without a face, the ones with the highest scores.

    Args:
        parts: The parts that the previous network saw.
        scores: Its probability of a face, shape ``(n,)``.
        most: How many of the faces, and of the parts of faces, at most; of the others twice as many.

    Returns:
        Indices.
    """
    order = torch.where(parts.kind == NEGATIVE, scores, torch.rand(len(scores)).to(scores))
    order = order.argsort(descending=True)
    kinds = parts.kind[order]
    limits = ((POSITIVE, most), (PART, most), (NEGATIVE, 2 * most))
    return torch.cat([order[kinds == kind][:limit] for kind, limit in limits])


def decision_loss(logits: Tensor, kind: Tensor) -> Tensor:
    """Cross-entropy of face and no face, shape ``(n, 2)``, over the hardest 70 % (equation 1, section 3.4)."""
    decided = kind != PART
    losses = F.cross_entropy(logits[decided], kind[decided], reduction="none")
    hard = losses.topk(max(1, round(_HARD * len(losses)))).values if len(losses) else losses
    return _mean(hard)


def box_loss(offsets: Tensor, start: Tensor, unit: Tensor, parts: Parts) -> Tensor:
    """Squared distance of offsets from the right ones (equation 2).

    Args:
        offsets: Offsets of the box's four sides, shape ``(n, 4)``.
        start: Where the sides are without offsets, shape ``(n, 4)``.
        unit: Pixels that an offset of 1 moves a side, shape ``(n, 1)``.
        parts: The parts.
    """
    has_face = parts.kind != NEGATIVE
    wanted = (parts.boxes - start) / unit
    return _mean((offsets - wanted)[has_face].square().sum(1))


def landmark_loss(landmarks: Tensor, parts: Parts) -> Tensor:
    """Squared distance of landmarks ``(n, 10)``, five x then five y in units of the squares (equation 3)."""
    wanted = ((parts.landmarks - parts.squares[:, None, :2]) / parts.side[:, None]).transpose(1, 2).flatten(1)
    is_labelled = (parts.kind == POSITIVE) & wanted.isfinite().all(1)
    return _mean((landmarks - wanted)[is_labelled].square().sum(1))


def _between(n: int, low: float, high: float) -> Tensor:
    """Sizes at random, as many of each magnitude, shape ``(n, 1)``."""
    return low * (high / low) ** torch.rand(n, 1)


def _squares(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres ``(n, 2)`` and sides ``(n, 1)`` of the squares around boxes."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + size / 2, size.amax(1, keepdim=True)


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(1, len(values))
