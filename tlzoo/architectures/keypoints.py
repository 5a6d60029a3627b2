"""Common parts of the pose networks: people in pixels of the input, Gaussian maps of their points, and loss masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tlzoo.core.batch import Row
from tlzoo.data.media.geometry import boxes_to_input, points_to_input
from tlzoo.errors import InputError


def pose_target(row: Row, frame: Tensor, points: int) -> dict[str, Tensor]:
    """The people of a row, in pixels of the input.

    Args:
        row: With ``people``: for each ``bbox``, x, y, width and height, and ``keypoints``, each x, y and visibility.
        frame: How the picture was brought to the input.
        points: Number of keypoints of each person.

    Returns:
        ``keypoints``, float32 ``(people, points, 3)``, and ``boxes`` ``(people, 4)`` as x1, y1, x2, y2.

    Raises:
        InputError: A person has another number of keypoints.
    """
    people = row["people"]
    numbers = {len(person) for person in people["keypoints"]}
    if numbers - {points}:
        raise InputError(f"row {row.get('id', '?')}: people of {sorted(numbers)} keypoints; the model has {points}")
    keypoints = torch.tensor(people["keypoints"], dtype=torch.float32).reshape(-1, points, 3)
    boxes = torch.tensor(people["bbox"], dtype=torch.float32).reshape(-1, 4)
    boxes = boxes_to_input(torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1), frame)
    placed = torch.cat([points_to_input(keypoints[..., :2], frame), keypoints[..., 2:]], -1)
    return {"keypoints": placed, "boxes": boxes}


@dataclass(frozen=True)
class PoseTargets:
    """The people of a batch, in cells of the output maps; padding has no labelled points and an empty box.

    Attributes:
        points: x and y, shape ``(batch, people, points, 2)``.
        seen: Whether a point is labelled, shape ``(batch, people, points)``.
        boxes: x1, y1, x2, y2, shape ``(batch, people, 4)``.
        height: Rows of the maps.
        width: Columns.
    """

    points: Tensor
    seen: Tensor
    boxes: Tensor
    height: int
    width: int

    @classmethod
    def of(cls, targets: Sequence[dict[str, Tensor]], stride: int, maps: Tensor) -> PoseTargets:
        """Collect the targets of a batch.

        Args:
            targets: One an example, as :func:`pose_target` gives them; at least one.
            stride: Pixels of the input from one cell to the next.
            maps: Any of the output maps, for their size and device.
        """
        padding = {name: value.new_zeros(1, *value.shape[1:]) for name, value in targets[0].items()}
        keypoints, boxes = (
            pad_sequence([*(t[name] for t in targets), padding[name]], batch_first=True)[:-1].to(maps.device)
            for name in ("keypoints", "boxes")
        )
        points, (height, width) = keypoints[..., :2] / stride, maps.shape[-2:]
        inside = ((points >= 0) & (points < points.new_tensor([width, height]))).all(-1)
        return cls(points, (keypoints[..., 2] > 0) & inside, boxes / stride, height, width)

    def gaussians(self, sigma: Tensor | float, shift: float = 0.0) -> Tensor:
        """Maps with a bell of height 1 at each labelled point; where bells overlap, the higher value counts.

        Args:
            sigma: Width of the bells, in cells: one for all, or one a person, ``(batch, people)``.
            shift: Reference point of a cell: 0 its corner, 0.5 its centre.

        Returns:
            Shape ``(batch, points, height, width)``.
        """
        spread = torch.as_tensor(sigma, device=self.points.device).expand(self.seen.shape[:2])[..., None, None]
        across, down = (
            torch.exp(
                -(((torch.arange(n, device=self.points.device) + shift - self.points[..., i, None]) / spread) ** 2) / 2
            )
            for i, n in enumerate((self.width, self.height))
        )
        bells = down[..., :, None] * (across * self.seen[..., None])[..., None, :]
        return bells.amax(1)

    def loss_mask(self) -> Tensor:
        """0 inside the boxes of people whose point is not labelled, 1 elsewhere.

        Returns:
            Shape ``(batch, points, height, width)``.
        """
        x, y = (torch.arange(n, device=self.points.device) + 0.5 for n in (self.width, self.height))
        x1, y1, x2, y2 = (side[..., None] for side in self.boxes.unbind(-1))
        across, down = (x >= x1) & (x < x2), (y >= y1) & (y < y2)
        inside = (down[..., :, None] & across[..., None, :])[:, :, None]
        return 1 - (inside & ~self.seen[..., None, None]).any(1).float()
