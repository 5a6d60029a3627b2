"""Pictures of people made of strokes, for the tests of the pose nets."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tlzoo.core.predictions import Poses
from tlzoo.data.media.keypoints import COCO_LIMBS, COCO_NAMES

STANDING = {
    **{"nose": (0.5, 0.12), "left_eye": (0.55, 0.08), "right_eye": (0.45, 0.08), "left_ear": (0.6, 0.11)},
    **{"right_ear": (0.4, 0.11), "left_shoulder": (0.7, 0.25), "right_shoulder": (0.3, 0.25)},
    **{"left_elbow": (0.85, 0.4), "right_elbow": (0.15, 0.4), "left_wrist": (0.92, 0.55), "right_wrist": (0.08, 0.55)},
    **{"left_hip": (0.62, 0.55), "right_hip": (0.38, 0.55), "left_knee": (0.66, 0.76), "right_knee": (0.34, 0.76)},
    **{"left_ankle": (0.68, 0.97), "right_ankle": (0.32, 0.97)},
}
"""Places of the keypoints in the unit square of somebody who stands and looks at the viewer."""


def figures(count: int, people: int = 1, size: tuple[int, int] = (160, 120), seed: int = 0) -> list[dict[str, Any]]:
    """Rows of pictures with so many people side by side, each limb in its own colour; all keypoints visible.

    Args:
        count: Pictures.
        people: In each.
        size: Width and height of the pictures, pixels.
        seed: Of the poses.
    """
    rng = np.random.default_rng(seed)
    colours = rng.integers(60, 256, (len(COCO_LIMBS), 3))
    rows = []
    for number in range(count):
        image = Image.new("RGB", size, tuple(rng.integers(0, 50, 3).tolist()))
        draw, bodies = ImageDraw.Draw(image), []
        for person in range(people):
            high = size[1] * rng.uniform(0.75, 0.9)
            wide = min(high / 1.8, 0.9 * size[0] / people)
            corner = (size[0] * (person + 0.5) / people - wide / 2, rng.uniform(0, size[1] - high))
            points = np.array([STANDING[name] for name in COCO_NAMES]) + rng.normal(0, 0.03, (len(COCO_NAMES), 2))
            points = points.clip(0.02, 0.98) * (wide, high) + corner
            place = dict(zip(COCO_NAMES, points, strict=True))
            for (a, b), colour in zip(COCO_LIMBS, colours, strict=True):
                draw.line([*place[a], *place[b]], fill=tuple(colour.tolist()), width=3)
            bodies.append(points)
        rows.append(
            {
                "image": image,
                "people": {
                    "bbox": [[*b.min(0).tolist(), *(b.max(0) - b.min(0)).tolist()] for b in bodies],
                    "keypoints": [[[*point, 2.0] for point in body.tolist()] for body in bodies],
                },
                "parts": list(range(len(COCO_NAMES))),
                "group": str(number),
                "id": str(number),
            }
        )
    return rows


def distance(prediction: Poses, row: dict[str, Any]) -> np.ndarray:
    """How far the predicted keypoints are from the nearest person's, pixels: ``(people predicted, keypoints)``."""
    found = np.array(prediction.keypoints)
    true = np.array(row["people"]["keypoints"])[..., :2]
    apart = np.linalg.norm(found[:, None] - true[None], axis=-1)
    return apart[np.arange(len(found)), apart.mean(-1).argmin(1)]
