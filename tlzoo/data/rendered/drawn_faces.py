"""Drawn faces to pretrain nano face detectors: grey, over patterns, with exact boxes and landmarks.

They share no photograph with ``tlzoo.data.rendered.faces``, only the structure of a face: an oval with hair above, two
eyes, a nose and a mouth, lit from a random side. Ovals without a face in them are decoys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Pixels
from tlzoo.data.rendered.patterns import pattern

Points = NDArray[np.float64]

FEATURES = Features(
    {
        "image": ImageFeature(decode=False),
        "objects": {
            "bbox": List(List(Value("float32"))),
            "category": List(ClassLabel(names=["face"])),
            "landmarks": List(List(List(Value("float32")))),
        },
        "group": Value("string"),
        "id": Value("string"),
    }
)
"""``bbox`` is ``[x, y, width, height]``, cheek to cheek and hairline to chin; ``landmarks`` are five ``[x, y]`` a face:
left eye, right eye, nose, left and right corner of the mouth, as seen in the picture. All in pixels."""

_FINE = 3  # drawn so much larger, then scaled down: smooth edges
_RING = np.linspace(0, 2 * np.pi, 48, endpoint=False)


def drawn_faces(seed: int = 0, train: int = 1500, validation: int = 60) -> DatasetDict:
    """Draw 0-3 faces of 12-60 pixels, and 0-2 decoys, into pictures of 128-192 pixels a side.

    Args:
        seed: Seed of everything random; a smaller split is the beginning of a larger one.
        train: Number of training pictures.
        validation: Number of validation pictures.

    Returns:
        Splits ``train`` and ``validation``, rows as in ``FEATURES``; each picture is a group of its own.
    """
    sizes = {"train": train, "validation": validation}
    return DatasetDict({split: _split(seed, split, k, size) for k, (split, size) in enumerate(sizes.items())})


def _split(seed: int, split: str, stream: int, size: int) -> Dataset:
    columns: dict[str, list[Any]] = {name: [] for name in FEATURES}
    for i in range(size):
        image, boxes, landmarks = _scene(np.random.default_rng([seed, stream, i]))
        name = f"{split}-{i:04d}"
        columns["image"].append(
            {"bytes": encode_png(image.round().clip(0, 255).astype(np.uint8)), "path": f"{name}.png"}
        )
        columns["objects"].append({"bbox": boxes, "category": [0] * len(boxes), "landmarks": landmarks})
        columns["group"].append(name)
        columns["id"].append(name)
    return table(FEATURES, columns)


def _scene(rng: np.random.Generator) -> tuple[Pixels, list[list[float]], list[list[list[float]]]]:
    """One image, its boxes, and the landmarks of each."""
    height, width = (int(n) for n in rng.integers(128, 193, 2))
    image = pattern(rng, height, width).mean(2)
    if rng.random() < 0.6:
        image = (image + pattern(rng, height, width).mean(2)) / 2
    taken = np.zeros((height, width), dtype=bool)
    heads: list[_Head] = []
    kinds = [True] * int(rng.choice(4, p=(0.1, 0.5, 0.25, 0.15))) + [False] * int(rng.integers(3))
    for is_face in kinds:
        for _ in range(20):  # places tried; a head that fits nowhere is left out
            head = _Head(rng, height, width, is_face)
            x1, y1, x2, y2 = head.box()
            around = np.s_[max(0, int(y1 - 0.2 * head.tall)) : int(y2) + 2, max(0, int(x1)) : int(x2) + 2]
            if min(x1, y1) >= 0 and x2 <= width and y2 <= height and not taken[around].any():
                taken[around] = True
                heads.append(head)
                break
    heads.sort(key=lambda head: head.centre[1])  # so that no body covers a face
    for head in heads:
        image = head.drawn(image)
    boxes = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in (head.box() for head in heads if head.is_face)]
    landmarks = [head.landmarks.tolist() for head in heads if head.is_face]
    image = image + rng.normal(0, rng.uniform(1, 9), image.shape)
    return np.asarray(image, np.float32), [list(box) for box in boxes], landmarks


class _Head:
    """A head at a place, with a face or without.

    Its frame: u from cheek to cheek and v from hairline to chin, both in [-1, 1].
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, is_face: bool) -> None:
        self.rng, self.is_face = rng, is_face
        self.tall = float(np.exp(rng.uniform(np.log(12), np.log(60))))
        self.half = np.array([0.5 * self.tall * rng.uniform(0.72, 0.92), 0.5 * self.tall])
        angle = np.radians(rng.normal(0, 8))
        self.turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        self.centre = rng.uniform(0, 1, 2) * (width, height)
        self.turn = rng.uniform(-0.28, 0.28)  # features move sideways as the head turns
        eye, mouth = rng.uniform(0.36, 0.46), rng.uniform(0.26, 0.4)
        down = rng.uniform(-0.3, -0.12), rng.uniform(0.12, 0.3), rng.uniform(0.48, 0.64)
        points = [(-eye, down[0]), (eye, down[0]), (0.25 * self.turn, down[1]), (-mouth, down[2]), (mouth, down[2])]
        self.features = np.array(points) + np.array([self.turn, 0])
        self.landmarks = self.at(self.features)
        jaw = rng.uniform(0.05, 0.25)  # how much narrower the chin is than a circle
        v = np.sin(_RING)
        self.oval = np.stack([np.cos(_RING) * (1 - jaw * np.clip(v, 0, 1)), np.where(v < 0, 1.25 * v, v)], 1)

    def at(self, points: Points) -> Points:
        """Pixels of points of the face's frame, ``(n, 2)``."""
        return np.asarray((points * self.half) @ self.turned + self.centre)

    def box(self) -> tuple[float, float, float, float]:
        """Corners of the box around cheeks, hairline and chin."""
        ring = self.at(np.stack([self.oval[:, 0], self.oval[:, 1].clip(-1)], 1))
        (x1, y1), (x2, y2) = ring.min(0).tolist(), ring.max(0).tolist()
        return x1, y1, x2, y2

    def drawn(self, ground: Pixels) -> Pixels:
        """The image with this head on it."""
        rng = self.rng
        skin = float(rng.uniform(80, 225))
        hair = float(rng.uniform(8, 110) if rng.random() < 0.8 else rng.uniform(120, 230))
        corners = self.at(np.array([(-2.3, -1.8), (2.3, -1.8), (2.3, 4.2), (-2.3, 4.2)]))
        size = np.array(ground.shape[::-1])
        low, high = corners.min(0).astype(int).clip(0), corners.max(0).astype(int).clip(None, size)
        self.corner = low
        colours, cover = (Image.new("L", tuple(((high - low) * _FINE).tolist())) for _ in range(2))
        self.pens = ImageDraw.Draw(colours), ImageDraw.Draw(cover)
        has_body = rng.random() < 0.8
        falls = float(rng.choice([0.0, 0.2, 1.3])) if has_body else 0.0  # how far down the hair does
        self.ring((0, -0.35 + 0.4 * falls), (1.16, 1.1 + 0.4 * falls), hair)
        if has_body:
            self.shape([(-0.5, 0.5), (0.5, 0.5), (0.55, 1.6), (-0.55, 1.6)], 0.82 * skin)
            cloth = float(rng.uniform(10, 240))
            self.shape([(-0.5, 1.25), (0.5, 1.25), (1.9, 1.8), (2.0, 4), (-2.0, 4), (-1.9, 1.8)], cloth)
        for side in (-1, 1):
            if falls < 1:
                self.ring((side * 1.02, 0.05), (0.13, 0.26), 0.85 * skin)
        self.shape(self.oval, skin)
        parting = rng.uniform(-0.5, 0.5)
        top = [(np.cos(a), 1.25 * np.sin(a)) for a in np.linspace(np.pi * 1.06, np.pi * 1.94, 20)]
        self.shape([*top, (0.9, -0.55), (0.6, -0.9), (parting, -1.0), (-0.6, -0.9), (-0.9, -0.55)], hair)
        if self.is_face:
            self._face(skin, hair)
        elif rng.random() < 0.5:  # a pattern where the face should be
            for _ in range(int(rng.integers(1, 6))):
                self.ring(rng.uniform(-0.7, 0.7, 2), rng.uniform(0.05, 0.4, 2), float(rng.uniform(20, 235)))
        return self._lit(colours, cover, ground)

    def _face(self, skin: float, hair: float) -> None:
        rng, dark = self.rng, float(self.rng.uniform(0.55, 0.8))
        left, right, nose, *mouth = self.features
        for eye in (left, right):
            self.ring(eye + np.array([0, -0.05]), (0.27, 0.2), (0.75 + 0.25 * dark) * skin)
            self.ring(eye, (0.17, 0.075), min(255.0, skin * 0.6 + 110))
            self.ring(eye, (0.08, 0.085), float(rng.uniform(5, 60)))
            brow = eye + np.array([0, -0.22])
            self.shape(
                [brow + d for d in ((-0.24, 0.04), (0, -0.05), (0.24, 0.02), (0.2, 0.1), (-0.2, 0.11))],
                0.6 * hair + 0.2 * skin,
            )
        bridge = (left + right) / 2
        side = 0.1 * np.sign(self.turn)
        self.shape([bridge + np.array([side, 0.05]), nose + np.array([2 * side, 0.02]), nose], dark * skin)
        for nostril in (-0.09, 0.09):
            self.ring(nose + np.array([nostril, 0.05]), (0.07, 0.045), 0.7 * dark * skin)
        middle, half = (mouth[0] + mouth[1]) / 2, (mouth[1][0] - mouth[0][0]) / 2
        if rng.random() < 0.15:  # a beard
            self.ring(middle + np.array([0, 0.14]), (0.62, 0.36), 0.5 * hair + 0.4 * skin)
        self.ring(middle, (half, rng.uniform(0.07, 0.13)), 0.9 * dark * skin)
        if rng.random() < 0.35:
            self.ring(middle, (0.75 * half, 0.05), min(255.0, 1.15 * skin + 30))
        else:
            self.ring(middle, (0.95 * half, 0.025), 0.4 * skin)
        if rng.random() < 0.12:  # glasses
            for eye in (left, right):
                ring = self.fine(eye + np.stack([0.29 * np.cos(_RING), 0.22 * np.sin(_RING)], 1))
                self.pens[0].line([*ring, ring[0]], fill=20, width=max(1, int(0.03 * self.tall * _FINE)))

    def fine(self, points: Points) -> list[tuple[float, ...]]:
        """Points of the face's frame on the enlarged canvas."""
        return [tuple(p) for p in ((self.at(points) - self.corner) * _FINE).tolist()]

    def shape(self, corners: Any, grey: float) -> None:
        """A filled polygon, corners in the face's frame."""
        outline = self.fine(np.asarray(corners, np.float64))
        for pen, ink in zip(self.pens, (int(grey), 255), strict=True):
            pen.polygon(outline, fill=ink)

    def ring(self, centre: Any, half: Any, grey: float) -> None:
        """A filled ellipse."""
        self.shape(np.asarray(centre) + np.stack([np.cos(_RING), np.sin(_RING)], 1) * np.asarray(half), grey)

    def _lit(self, colours: Image.Image, cover: Image.Image, ground: Pixels) -> Pixels:
        """Light from one side, the roundness of a head, and a camera's blur, on what was drawn."""
        rng = self.rng
        blur = ImageFilter.GaussianBlur(self.tall * rng.uniform(0.004, 0.03))
        drawn, inside = (np.asarray(im.reduce(_FINE).filter(blur), np.float32) for im in (colours, cover))
        height, width = drawn.shape
        x, y = self.corner.tolist()
        places = np.stack(np.meshgrid(x + 0.5 + np.arange(width), y + 0.5 + np.arange(height)), 2)
        u, v = np.moveaxis(((places - self.centre) @ self.turned.T) / self.half, 2, 0).clip(-1.5, 1.5)
        light = 1 + rng.uniform(-0.25, 0.25) * u + rng.uniform(-0.2, 0.1) * v - rng.uniform(0.02, 0.16) * (u**2 + v**2)
        image = ground.copy()  # black where nothing is drawn, so colours are already weighted by their cover
        image[y : y + height, x : x + width] *= 1 - inside / 255
        image[y : y + height, x : x + width] += drawn * light
        return image
