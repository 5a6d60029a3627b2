"""A canvas for one body: shapes are drawn from far to near, so that it is known which keypoints are covered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tlzoo.data.media.image import encode_png
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.data.media.pasting import box_of
from tlzoo.data.media.stored import Stored
from tlzoo.data.rendered.skeleton import HEAD, Body, Points

Colour = tuple[int, int, int]

PARTS = (
    "nothing",
    "trunk",
    "head",
    "hair",
    *(f"{side}_{limb}" for side in ("left", "right") for limb in ("arm", "forearm", "thigh", "shin")),
)
"""Parts of the body that shapes belong to."""

_JOINED = {
    "shoulder": ("trunk", "arm"),
    "elbow": ("arm", "forearm"),
    "wrist": ("forearm",),
    "hip": ("trunk", "thigh"),
    "knee": ("thigh", "shin", "trunk"),  # a skirt is the trunk's
    "ankle": ("shin",),
}
_FINE = 3  # drawn so much larger, then scaled down: smooth edges


@dataclass
class _Shape:
    depth: float
    part: int | None  # none for the inner layers, which lie on their own outermost one
    outline: Points | None  # a polygon, in pixels of the canvas
    circles: list[tuple[float, float, float]]  # x, y, radius
    colour: Colour


@dataclass
class Canvas:
    """Shapes of a body in space, and their projection on a picture.

    Attributes:
        body: The body.
        height: Height of the picture, pixels.
        width: Width of the picture.
        rng: Decides size and place of the body.
        cut_off: Whether it may leave the picture; else all of it is inside.
    """

    body: Body
    height: int
    width: int
    rng: np.random.Generator
    cut_off: bool = False
    shapes: list[_Shape] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose scale and place of the body."""
        flat = np.stack(list(self.body.points.values()))[:, :2]
        margin = 0.06 + 0.03 * self.body.build
        low, high = flat.min(0) - margin, flat.max(0) + margin
        room = np.array([self.width, self.height])
        largest = float((room / (high - low)).min())
        self.scale = largest * self.rng.uniform(1.1, 1.6) if self.cut_off else largest * self.rng.uniform(0.6, 1.0)
        free = room - (high - low) * self.scale
        self.offset = self.rng.uniform(np.minimum(0, free), np.maximum(0, free)) - low * self.scale
        self.parts = np.zeros((self.height, self.width), np.uint8)  # index in ``PARTS`` of what each pixel shows
        self.front = np.zeros((self.height, self.width), np.bool_)  # where something stands before it all

    def project(self, place: Points) -> Points:
        """Pixels, ``(..., 2)``, of places in space, ``(..., 3)``."""
        return np.asarray(place[..., :2] * self.scale + self.offset)

    def limb(
        self,
        part: str,
        start: Points,
        end: Points,
        thick: float,
        thin: float,
        colour: Colour,
        light: Points | None,
        nearer: float = 0.0,
    ) -> None:
        """A rounded limb of radius ``thick`` at its start and ``thin`` at its end.

        Args:
            part: Its part of the body, one of ``PARTS``.
            start: In space.
            end: In space.
            thick: Radius, in the body's units.
            thin: Radius.
            colour: Colour.
            light: Where the light comes from, in the picture, for a round look; ``None`` for a flat one.
            nearer: How much nearer than its middle it counts for what covers what.
        """
        ends = np.stack([start, end])
        self._round(part, ends, [thick, thin], colour, light, float(ends[:, 2].mean()) + nearer)

    def hull(
        self, part: str, places: Points, radius: float, colour: Colour, light: Points | None, nearer: float = 0.0
    ) -> None:
        """A rounded body around places ``(n, 3)``; arguments as of :meth:`limb`."""
        self._round(part, places, [radius] * len(places), colour, light, float(places[:, 2].mean()) + nearer)

    def ball(
        self,
        part: str,
        centre: Points,
        across: float,
        along: float,
        axes: Points,
        colour: Colour,
        light: Points | None,
        nearer: float = 0.0,
    ) -> None:
        """An ellipse of half width ``across`` and half height ``along``, upright in the axes' frame."""
        down = axes[1, :2] / max(1e-6, float(np.linalg.norm(axes[1, :2])))
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None]
        side = np.array([down[1], -down[0]])
        for factor, shade in _shades(light):
            shift = (1 - factor) * np.asarray(light if light is not None else (0, 0)) * along
            ring = centre[:2] + shift + factor * (across * np.cos(angle) * side + along * np.sin(angle) * down)
            self._add(part, factor, float(centre[2]) + nearer, ring * self.scale + self.offset, [], shade(colour))

    def _round(
        self, part: str, places: Points, radii: list[float], colour: Colour, light: Points | None, depth: float
    ) -> None:
        flat = places[:, :2]
        for factor, shade in _shades(light):
            shift = (1 - factor) * np.asarray(light if light is not None else (0, 0)) * max(radii)
            middles = (flat + shift) * self.scale + self.offset
            circles = [(x, y, factor * r * self.scale) for (x, y), r in zip(middles.tolist(), radii, strict=True)]
            self._add(part, factor, depth, None, circles, shade(colour))

    def _add(
        self,
        part: str,
        factor: float,
        depth: float,
        outline: Points | None,
        circles: list[tuple[float, float, float]],
        colour: Colour,
    ) -> None:
        index = PARTS.index(part) if factor == 1 else None
        self.shapes.append(_Shape(depth + (1 - factor) * 1e-4, index, outline, circles, colour))

    def rendered(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw all shapes.

        Returns:
            Colours, ``(height, width, 3)`` in 0 to 255, and how much of each pixel is covered, ``(height, width)``.
        """
        size = (self.width * _FINE, self.height * _FINE)
        colours, parts = Image.new("RGB", size), Image.new("L", size)
        pens = ImageDraw.Draw(colours), ImageDraw.Draw(parts)
        for shape in sorted(self.shapes, key=lambda s: s.depth):
            _draw(pens[0], shape, shape.colour)
            if shape.part is not None:
                _draw(pens[1], shape, shape.part)
        self.parts = np.asarray(parts)[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE].copy()
        inside = parts.point(lambda p: 255 * (p > 0)).reduce(_FINE)
        cover = np.asarray(inside, np.float32) / 255
        drawn = np.asarray(colours.reduce(_FINE), np.float32)  # black where nothing is drawn
        return (drawn / np.maximum(cover, 1e-6)[..., None]).clip(0, 255).astype(np.float32), cover.astype(np.float32)

    def screen(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Put a shape in front of a limb or two, and return its pixels, ``(height, width)``.

        The keypoints that it covers are hidden from then on.
        """
        joints = [self.project(self.body.points[n]) for n in COCO_NAMES if n not in HEAD]
        centre = joints[rng.integers(len(joints))] + rng.normal(0, 0.05, 2) * self.scale
        half = rng.uniform(0.07, 0.2, 2) * self.scale
        y, x = np.mgrid[: self.height, : self.width]
        u, v = (x - centre[0]) / half[0], (y - centre[1]) / half[1]
        front = (u**2 + v**2 < 1) if rng.random() < 0.5 else (np.maximum(np.abs(u), np.abs(v)) < 1)
        self.parts[front & (self.parts > 0)] = len(PARTS)  # still the person's, for the box
        self.front = np.asarray(front)
        return self.front

    def keypoints(self) -> list[list[float]]:
        """``[x, y, visibility]`` of each of COCO's keypoints, once everything is drawn."""
        points = []
        for name in COCO_NAMES:
            x, y = (float(v) for v in self.project(self.body.points[name]))
            if not (0 <= x < self.width and 0 <= y < self.height):
                points.append([0.0, 0.0, 0.0])
                continue
            part = int(self.parts[int(y), int(x)])
            side, _, joint = name.partition("_")
            owners = ("head",) if name in HEAD else tuple(o if o == "trunk" else f"{side}_{o}" for o in _JOINED[joint])
            seen = part < len(PARTS) and PARTS[part] in ("nothing", *owners)
            visible = seen and not self.front[int(y), int(x)] and self.body.faces(name)
            points.append([x, y, 2.0 if visible else 1.0])
        return points

    def box(self) -> list[float]:
        """``[x, y, width, height]`` of the person's part of the picture, including hidden parts."""
        return box_of(self.parts > 0)


class _People(TypedDict):
    bbox: list[list[float]]
    keypoints: list[list[list[float]]]


class PeopleRow(TypedDict):
    """A row of ``tlzoo.data.schemas.PEOPLE_FEATURES``."""

    image: Stored
    people: _People
    parts: list[int]
    group: str
    id: str


def people_row(picture: NDArray[np.uint8], canvas: Canvas, group: str, name: str) -> PeopleRow:
    """A row of ``tlzoo.data.schemas.PEOPLE_FEATURES`` for a picture of one person."""
    return {
        "image": {"bytes": encode_png(picture), "path": f"{name}.png"},
        "people": {"bbox": [canvas.box()], "keypoints": [canvas.keypoints()]},
        "parts": list(range(len(COCO_NAMES))),
        "group": group,
        "id": name,
    }


def _shades(light: Points | None) -> Sequence[tuple[float, Any]]:
    """Sizes and tones of the layers that make a shape look round."""
    if light is None:
        return [(1.0, lambda c: c)]
    tones = ((1.0, 0.74), (0.78, 0.9), (0.48, 1.05))
    return [(size, lambda c, t=tone: tuple(min(255, int(v * t)) for v in c)) for size, tone in tones]


def _draw(pen: ImageDraw.ImageDraw, shape: _Shape, ink: Any) -> None:
    if shape.outline is not None:
        pen.polygon([tuple(p) for p in (shape.outline * _FINE).tolist()], fill=ink)
    circles = [(x * _FINE, y * _FINE, r * _FINE) for x, y, r in shape.circles]
    for x, y, r in circles:
        pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    if len(circles) > 1:  # the area between the circles, pair by pair
        for i, (x1, y1, r1) in enumerate(circles):
            for x2, y2, r2 in circles[:i]:
                _between(pen, (x1, y1, r1), (x2, y2, r2), ink)
    if len(circles) > 2:
        pen.polygon([(x, y) for x, y, _ in _around(circles)], fill=ink)


def _between(
    pen: ImageDraw.ImageDraw, one: tuple[float, float, float], other: tuple[float, float, float], ink: Any
) -> None:
    (x1, y1, r1), (x2, y2, r2) = one, other
    length = max(1e-6, float(np.hypot(x2 - x1, y2 - y1)))
    nx, ny = (y2 - y1) / length, (x1 - x2) / length
    corners = [(x1 + nx * r1, y1 + ny * r1), (x2 + nx * r2, y2 + ny * r2)]
    corners += [(x2 - nx * r2, y2 - ny * r2), (x1 - nx * r1, y1 - ny * r1)]
    pen.polygon(corners, fill=ink)


def _around(circles: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Circles in the order of their angle around their middle."""
    x, y = (sum(c[i] for c in circles) / len(circles) for i in (0, 1))
    return sorted(circles, key=lambda c: float(np.arctan2(c[1] - y, c[0] - x)))
