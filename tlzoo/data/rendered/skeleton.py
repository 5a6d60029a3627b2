"""Articulated bodies: random poses of a person, and the places of the body's parts.

Lengths are relative to the approximate height of a standing person. Coordinates are the viewer's: x to the right, y
down, z towards the viewer; a body that faces the viewer has its left hand at larger x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.keypoints import COCO_NAMES

Points = NDArray[np.float64]

HEAD = COCO_NAMES[:5]
"""Keypoints on the surface of the head."""


@dataclass(frozen=True)
class Body:
    """A posed body.

    Attributes:
        points: Places by name, each of shape ``(3,)``: the keypoints, and ``neck``, ``head`` (its centre), and
            ``left_``/``right_`` ``hand`` and ``toe``.
        head: Axes of the head, rows to the person's left, down and forward, shape ``(3, 3)``.
        trunk: Axes of the trunk, in the same way.
        radius: Half of the head's height.
        build: How thick the limbs are, about 1.
    """

    points: dict[str, Points]
    head: Points
    trunk: Points
    radius: float
    build: float

    def faces(self, keypoint: str) -> bool:
        """Whether a keypoint is on the viewer's side of what it is a part of, as far as the body itself decides that.

        Eyes and nose look away with the face; the far ear, shoulder and hip are behind head and trunk in profile.
        """
        if keypoint in ("nose", "left_eye", "right_eye"):
            centre = self.points["head"]
            return bool(self.points[keypoint][2] - centre[2] > 0.12 * self.radius)
        side = 1 if keypoint.startswith("left") else -1
        if keypoint in HEAD:
            return bool(side * self.head[0, 2] > -0.5)
        return not keypoint.endswith(("shoulder", "hip")) or bool(side * self.trunk[0, 2] > -0.8)


def pose(rng: np.random.Generator) -> Body:
    """Pose a body at random: standing, striding, with legs apart or sitting; arms hanging, raised or stretched out.

    Most bodies roughly face the viewer, a fifth are seen from the side, a tenth from behind; joints bend naturally.
    """
    turn = rng.choice(
        [rng.uniform(-50, 50), rng.choice([-1, 1]) * rng.uniform(50, 110), rng.uniform(130, 230)], p=(0.7, 0.2, 0.1)
    )
    roll = rng.uniform(-45, 45) if rng.random() < 0.1 else rng.uniform(-10, 10)
    trunk = _turned("z", roll) @ _turned("y", turn) @ _turned("x", rng.uniform(-18, 8))
    places = {"neck": np.array([0, -0.32 * _around(rng, 0.06), 0.0])}
    radius = 0.072 * _around(rng, 0.15)
    shoulders, hips = 0.115 * _around(rng, 0.13), 0.072 * _around(rng, 0.16)
    legs = rng.choice(["stand", "stride", "apart", "sit"], p=(0.45, 0.3, 0.15, 0.1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        places[f"{side}_shoulder"] = places["neck"] + (sign * shoulders, 0.035 * _around(rng, 0.3), 0)
        places[f"{side}_hip"] = np.array([sign * hips, 0, 0])
        _hang(places, side, ("shoulder", "elbow", "wrist", "hand"), _arm(rng, sign), (0.165, 0.145, 0.05), rng)
        _hang(places, side, ("hip", "knee", "ankle", "toe"), _leg(rng, sign, str(legs)), (0.235, 0.23, 0.075), rng)
    points = {name: trunk @ place for name, place in places.items()}
    head = (
        trunk
        @ _turned("y", rng.uniform(-40, 40))
        @ _turned("x", rng.uniform(-20, 20))
        @ _turned("z", rng.uniform(-15, 15))
    )
    points["head"] = points["neck"] + head @ np.array([0, -0.035 - radius, 0.1 * radius])
    on_head = dict(
        zip(HEAD, ((0, 0.12, 0.98), (0.36, -0.15, 0.8), (-0.36, -0.15, 0.8), (0.78, 0, 0), (-0.78, 0, 0)), strict=True)
    )
    points |= {name: points["head"] + radius * (head @ np.array(place)) for name, place in on_head.items()}
    return Body(points, head.T, trunk.T, radius, _around(rng, 0.2))


def _around(rng: np.random.Generator, spread: float) -> float:
    return float(rng.uniform(1 - spread, 1 + spread))


def _turned(axis: str, degrees: float) -> Points:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis], dtype=np.float64)


def _bent(direction: Points, towards: Sequence[float], degrees: float) -> Points:
    """A direction bent by an angle towards another one."""
    aside = np.asarray(towards) - np.dot(towards, direction) * direction
    aside = aside / max(1e-6, float(np.linalg.norm(aside)))
    return np.asarray(np.cos(np.radians(degrees)) * direction + np.sin(np.radians(degrees)) * aside)


def _swung(sign: float, abduction: float, flexion: float) -> Points:
    """A limb that hangs, swung sideways and then forwards, degrees."""
    a, f = np.radians(abduction), np.radians(flexion)
    return np.array([sign * np.sin(a), np.cos(a) * np.cos(f), np.cos(a) * np.sin(f)])


def _hang(
    places: dict[str, Points],
    side: str,
    names: Sequence[str],
    directions: Sequence[Points],
    lengths: Sequence[float],
    rng: np.random.Generator,
) -> None:
    """Place the joints of a limb, one after the other."""
    for upper, lower, direction, length in zip(names, names[1:], directions, lengths, strict=False):
        places[f"{side}_{lower}"] = places[f"{side}_{upper}"] + length * _around(rng, 0.06) * direction


def _arm(rng: np.random.Generator, sign: float) -> list[Points]:
    low, high = {
        "hanging": ((3, -30), (25, 40)),
        "raised": ((95, -20), (165, 20)),
        "aside": ((35, -20), (95, 60)),
        "forward": ((0, 45), (20, 150)),
    }[str(rng.choice(["hanging", "raised", "aside", "forward"], p=(0.4, 0.2, 0.25, 0.15)))]
    upper = _swung(sign, *rng.uniform(low, high))
    inwards = (-sign * rng.uniform(-0.3, 1), rng.uniform(-1, 0.3), rng.uniform(0.4, 1))
    lower = _bent(upper, inwards, 130 * rng.beta(1, 2))
    return [upper, lower, _bent(lower, inwards, rng.uniform(-25, 35))]


def _leg(rng: np.random.Generator, sign: float, stance: str) -> list[Points]:
    low, high = {
        "stand": ((0, -8), (8, 10)),
        "stride": ((0, -30), (10, 45)),
        "apart": ((12, -10), (40, 25)),
        "sit": ((3, 55), (25, 95)),
    }[stance]
    abduction, flexion = rng.uniform(low, high)
    bend = {"stand": 12 * rng.random(), "sit": flexion + rng.uniform(-25, 20)}.get(stance, 60 * rng.beta(1, 2))
    upper = _swung(sign, abduction, flexion)
    lower = _bent(upper, (0, 0.3, -1), bend)
    return [upper, lower, _bent(lower, (sign * rng.uniform(0, 0.7), 0, 1), rng.uniform(55, 95))]
