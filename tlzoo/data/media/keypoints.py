"""Keypoints of a body, the limbs between them, and their tolerances, as in COCO (1405.0312).

Keypoints of several people are tensors ``(people, points, 3)`` of x, y and visibility: 0 absent, 1 hidden, 2 visible.
"""

from __future__ import annotations

from collections.abc import Sequence

COCO_NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""COCO's 17 keypoints, in its order."""
COCO_SIGMAS = (
    0.026,
    *(0.025, 0.025, 0.035, 0.035),
    *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
    *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""Standard deviation between annotators of each point, in units of the square root of the area of the body
(``pycocotools``)."""
COCO_LIMBS = (
    *(
        ("left_ankle", "left_knee"),
        ("left_knee", "left_hip"),
        ("right_ankle", "right_knee"),
        ("right_knee", "right_hip"),
    ),
    *(("left_hip", "right_hip"), ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip")),
    *(("left_shoulder", "right_shoulder"), ("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow")),
    *(("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"), ("left_eye", "right_eye"), ("nose", "left_eye")),
    *(("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear")),
    *(("left_ear", "left_shoulder"), ("right_ear", "right_shoulder")),
)
"""Pairs of points that COCO connects."""


def mirrored(names: Sequence[str]) -> list[int]:
    """Index of the mirror image of each point: ``left_`` and ``right_`` are exchanged.

    Args:
        names: Names of the points.

    Returns:
        For each point the index of its counterpart, or its own index if there is none.
    """
    place = {name: i for i, name in enumerate(names)}

    def other(name: str) -> str:
        for side, opposite in (("left", "right"), ("right", "left")):
            if name.startswith(side):
                return opposite + name.removeprefix(side)
        return name

    return [place.get(other(name), i) for i, name in enumerate(names)]
